package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Days are the business days that statements are made for.
type Days struct {
	Zone *time.Location
	Most int // statements that one call makes at most, after a long time without one
}

// statementDay is the state of statements: the last day that one was made for, "2026-11-21".
const statementDay = "statement_day"

// State emits a statement on ev for every business day that has ended since the last one, and returns how many. The first
// call of a ledger only notes where to begin.
func (s *Store) State(ctx context.Context, d Days) (n int, err error) {
	rd, err := s.Head(ctx, contract.Rd)
	if err != nil {
		return 0, err
	}
	err = s.UpdateState(ctx, func(tx StateTx) error {
		n = 0
		t := tx.(*ledgerTx)
		today := midnight(s.opts.Now().In(d.Zone))
		last, err := t.lastStatement(today)
		if err != nil {
			return err
		}
		for day := last.AddDate(0, 0, 1); day.Before(today) && n < d.Most; day = day.AddDate(0, 0, 1) {
			if err := t.statement(day, contract.Head{Stream: contract.Rd, Seq: rd.Seq, SHA256: rd.Hash}); err != nil {
				return err
			}
			last = day
			n++
		}
		return t.SaveState(statementDay, last.Format(time.DateOnly))
	})
	return n, err
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// lastStatement is the last day that was stated, yesterday when none was or when the clock went back behind it.
func (t *ledgerTx) lastStatement(today time.Time) (time.Time, error) {
	yesterday := today.AddDate(0, 0, -1)
	var noted string
	err := t.LoadState(statementDay, &noted)
	if errors.Is(err, counter.ErrNotFound) {
		return yesterday, nil
	}
	if err != nil {
		return today, err
	}
	last, err := time.ParseInLocation(time.DateOnly, noted, today.Location())
	if err != nil {
		return today, fmt.Errorf("decode day of last statement: %w: %w", err, ErrDamaged)
	}
	if last.After(yesterday) {
		return yesterday, nil
	}
	return last, nil
}

func (t *ledgerTx) statement(day time.Time, rd contract.Head) error {
	st := contract.Statement{From: contract.At(day), To: contract.At(day.AddDate(0, 0, 1))}
	if err := countSales(t.w.tx, &st); err != nil {
		return err
	}
	for _, name := range []contract.Stream{contract.Tx, contract.Ev} {
		state, err := t.w.stream(name)
		if err != nil {
			return err
		}
		if state.Next > 1 && state.Head != "" {
			st.Heads = append(st.Heads, contract.Head{Stream: name, Seq: state.Next - 1, SHA256: state.Head})
		}
	}
	if rd.Seq > 0 && rd.SHA256 != "" {
		st.Heads = append(st.Heads, rd)
	}
	return t.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeStatement, ID: "statement/" + day.Format(time.DateOnly), Body: st})
}

// statementSlack is how far a record may be out of the order of time, because the clock was set back.
const statementSlack = 48 * time.Hour

// countSales adds up the records of sales, newest first, until they are clearly too old.
func countSales(tx *bbolt.Tx, st *contract.Statement) error {
	c := tx.Bucket(bTx).Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		var rec contract.Record
		if err := json.Unmarshal(v, &rec); err != nil {
			return fmt.Errorf("decode tx %d: %w: %w", asU64(k), err, ErrDamaged)
		}
		if rec.At.Before(st.From.Add(-statementSlack)) {
			return nil
		}
		if rec.Type != contract.TypeSale || rec.At.Before(st.From.Time) || !rec.At.Before(st.To.Time) {
			continue
		}
		var sale contract.Sale
		if err := json.Unmarshal(rec.Body, &sale); err != nil {
			return fmt.Errorf("decode sale %d: %w: %w", rec.Seq, err, ErrDamaged)
		}
		st.Sales++
		st.VolumeL += sale.VolumeL
		st.AmountFen += sale.AmountFen
	}
	return nil
}
