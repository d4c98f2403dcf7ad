package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tally/cmd/internal/control"
	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

var _ control.Books = door{}

// Outbox implements control.Books.
func (d door) Outbox(ctx context.Context) (control.Outbox, error) {
	o := control.Outbox{Epoch: d.n.store.Epoch()}
	err := d.n.store.Quarantine(ctx, func(contract.RecordRefused) bool { o.Refused++; return true })
	if err != nil {
		return o, err
	}
	if d.n.uplink == nil { // nobody fetches them, but they are there
		for _, s := range contract.Streams {
			st := d.n.store.Queue(s).State()
			o.Streams = append(o.Streams, control.OutboxStream{Name: string(s), First: st.First, Next: st.Next, Acked: st.Acked, Waiting: st.Waiting()})
		}
		return o, nil
	}
	snap := d.n.uplink.pump.Snapshot(ctx)
	o.Configured, o.Connected, o.Central = true, snap.Connected, snap.Central
	now := time.Now()
	for _, st := range snap.Streams {
		s := control.OutboxStream{Name: string(st.Stream), First: st.First, Next: st.Next, Acked: st.Acked, Waiting: st.Waiting, InFlight: st.InFlight}
		if !st.Oldest.IsZero() {
			s.Oldest, s.OldestS = &st.Oldest, int64(max(now.Sub(st.Oldest), 0)/time.Second)
		}
		if !st.LastAck.IsZero() {
			s.LastAck = &st.LastAck
		}
		o.Streams = append(o.Streams, s)
	}
	return o, nil
}

// lookBack is how many events are looked at for those of the types that are asked for.
const lookBack = 100_000

// Events implements control.Books.
func (d door) Events(ctx context.Context, q control.EventQuery) ([]control.Event, error) {
	queue := d.n.store.Queue(contract.Ev)
	st := queue.State()
	var found []control.Event
	stop := max(st.First, st.Next-min(st.Next, lookBack))
	for end := st.Next; end > stop && len(found) < q.N; {
		from := max(stop, end-min(end, 200))
		page, err := d.events(ctx, queue, from, end, q)
		if err != nil {
			return nil, err
		}
		found = append(found, page...)
		end = from
	}
	return found[:min(len(found), q.N)], nil
}

// events returns the wanted ones from number from to below end, newest first.
func (d door) events(ctx context.Context, queue outbox.Queue, from, end uint64, q control.EventQuery) ([]control.Event, error) {
	var page []control.Event
	for from < end {
		recs, err := queue.Read(ctx, from, int(end-from), 1<<20)
		if err != nil || len(recs) == 0 {
			return page, err
		}
		for _, r := range recs {
			rec, err := contract.ParseRecord(r.Raw)
			if err != nil {
				return nil, fmt.Errorf("read event %d: %w", r.Seq, err)
			}
			if len(q.Types) == 0 || slices.Contains(q.Types, rec.Type) {
				page = append(page, control.Event{Seq: r.Seq, At: rec.At.Time, Clock: rec.Clock, Type: rec.Type, ID: rec.ID, Body: masked(rec.Body)})
			}
		}
		from = recs[len(recs)-1].Seq + 1
	}
	slices.Reverse(page)
	return page, nil
}

// Backup implements control.Books.
func (d door) Backup(ctx context.Context) (control.BackupMade, error) {
	dir, m, err := d.n.backups.make(ctx, backupByHand)
	if errors.Is(err, counter.ErrNoRoom) {
		return control.BackupMade{}, &control.Error{Code: control.CodeNoRoom, Message: err.Error()}
	}
	made := control.BackupMade{Dir: dir, At: m.At.Time, Files: len(m.Files)}
	for _, f := range m.Files {
		made.Bytes += f.Size
	}
	return made, err
}

// Check implements control.Books.
func (d door) Check(ctx context.Context) (control.Checked, error) {
	rep, err := d.n.store.Check(ctx)
	return checked(rep), err
}

func checked(rep storage.Report) control.Checked {
	c := control.Checked{Files: rep.Files, Records: map[string]uint64{}, Findings: []control.CheckFinding{}}
	for s, n := range rep.Records {
		c.Records[string(s)] = n
	}
	for _, f := range rep.Findings {
		c.Findings = append(c.Findings, control.CheckFinding{File: f.File, Text: f.Text})
	}
	return c
}

// Export implements control.Books.
func (d door) Export(ctx context.Context, q control.ExportQuery, f func(json.RawMessage) error) error {
	if q.Unmasked && len(strings.TrimSpace(q.Reason)) < 4 {
		return &control.Error{Code: control.CodeNoReason, Message: "personal data are given with a written reason only"}
	}
	if q.What != control.ExportAccounts && (q.What != control.ExportRecords || !contract.Stream(q.Stream).Known()) {
		return &control.Error{Code: control.CodeBadRequest, Message: "accounts, or records of tx, ev or rd"}
	}
	q.Reason, q.By = clip(q.Reason, 500), clip(q.By, 100)
	err := d.n.store.Update(ctx, func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeExport, ID: "export/" + q.What, Body: q})
	})
	if err != nil {
		return err
	}
	give := f
	if !q.Unmasked {
		give = func(raw json.RawMessage) error { return f(masked(raw)) }
	}
	if q.What == control.ExportAccounts {
		return d.accounts(ctx, give)
	}
	return d.records(ctx, q, give)
}

// exportStep is how many accounts are read at once: a slow reader must not hold a transaction open.
const exportStep = 500

func (d door) accounts(ctx context.Context, f func(json.RawMessage) error) error {
	for from := ""; ; {
		page, err := d.n.store.AccountsFrom(ctx, from, exportStep)
		if err != nil {
			return err
		}
		for _, a := range page {
			raw, err := json.Marshal(a)
			if err != nil {
				return fmt.Errorf("export account: %w", err)
			}
			if err := f(raw); err != nil {
				return err
			}
			from = a.No + "\x00" // the next that there can be
		}
		if len(page) < exportStep {
			return nil
		}
	}
}

func (d door) records(ctx context.Context, q control.ExportQuery, f func(json.RawMessage) error) error {
	queue := d.n.store.Queue(contract.Stream(q.Stream))
	st := queue.State()
	to := st.Next - 1
	if q.To != 0 {
		to = min(to, q.To)
	}
	for from := max(q.From, st.First); from <= to; {
		recs, err := queue.Read(ctx, from, 200, 1<<20)
		if err != nil || len(recs) == 0 {
			return err
		}
		for _, r := range recs {
			if r.Seq > to {
				return nil
			}
			if err := f(r.Raw); err != nil {
				return err
			}
			from = r.Seq + 1
		}
	}
	return nil
}
