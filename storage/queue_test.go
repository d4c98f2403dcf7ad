package storage_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
)

func seqs(recs []outbox.Record) []uint64 {
	var all []uint64
	for _, r := range recs {
		all = append(all, r.Seq)
	}
	return all
}

func TestReadObeysItsLimits(t *testing.T) {
	s := storagetest.New(t)
	for i := 1; i <= 5; i++ {
		emit(t, s, draft(contract.Tx, i))
	}
	q := s.Queue(contract.Tx)
	one := len(read(t, s, contract.Tx, 1)[0].Raw)
	for _, c := range []struct {
		from         uint64
		records, max int
		want         []uint64
	}{
		{1, 3, 1 << 20, []uint64{1, 2, 3}},
		{4, 3, 1 << 20, []uint64{4, 5}},
		{6, 3, 1 << 20, nil},
		{1, 3, 1, []uint64{1}}, // at least one
		{2, 3, 3 * one / 2, []uint64{2}},
		{0, 1, 1 << 20, []uint64{1}},
	} {
		recs, err := q.Read(t.Context(), c.from, c.records, c.max)
		if err != nil || !slices.Equal(seqs(recs), c.want) {
			t.Errorf("read from %d, at most %d and %d bytes: %v %v, want %v", c.from, c.records, c.max, seqs(recs), err, c.want)
		}
	}
}

// TestARecordLeavesOnlyByTheCentresWord is promise 3 as far as the store carries it: nothing but Ack moves the watermark,
// and it never goes back, whatever arrives.
func TestARecordLeavesOnlyByTheCentresWord(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	for i := 1; i <= 5; i++ {
		emit(t, s, draft(contract.Tx, i))
	}
	read(t, s, contract.Tx, 1)
	if got := state(s, contract.Tx); got.Acked != 0 {
		t.Fatalf("reading acknowledged: %+v", got)
	}
	if n, err := s.Prune(t.Context(), noon.AddDate(10, 0, 0)); n != 0 || err != nil {
		t.Fatalf("pruned %d unacknowledged records, %v", n, err)
	}
	q := s.Queue(contract.Tx)
	ack(t, s, contract.Tx, 3)
	for _, a := range []contract.Ack{{Epoch: s.Epoch(), Ack: 2}, {Epoch: "other", Ack: 5}, {Epoch: "", Ack: 5}, {Epoch: s.Epoch(), Ack: 3}} {
		if err := q.Ack(t.Context(), a); err != nil {
			t.Errorf("ack %+v: %v", a, err)
		}
		if got := q.State().Acked; got != 3 {
			t.Errorf("ack %+v moved the watermark to %d", a, got)
		}
	}
	wantErr(t, q.Ack(t.Context(), contract.Ack{Epoch: s.Epoch(), Ack: 6}), outbox.ErrBeyond)
	wantErr(t, q.Ack(t.Context(), contract.Ack{Epoch: s.Epoch(), Ack: 4, Nacks: []contract.Nack{{Seq: 9}}}), outbox.ErrBeyond)
	late := contract.Ack{Epoch: s.Epoch(), Ack: 1, Nacks: []contract.Nack{{Seq: 2, Code: "conflict"}}}
	if err := q.Ack(t.Context(), late); err != nil || q.State().Acked != 3 {
		t.Errorf("a late ack with a nack moved the watermark to %d: %v", q.State().Acked, err)
	}
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, storage.Options{})
	want := outbox.State{Epoch: s.Epoch(), First: 1, Next: 6, Acked: 3}
	if diff := cmp.Diff(want, s.Queue(contract.Tx).State()); diff != "" {
		t.Error(diff)
	}
}

func TestAckedRecordsStayUntilPruned(t *testing.T) {
	now := noon
	s := storagetest.Open(t, t.TempDir(), storage.Options{Now: func() time.Time { return now }})
	for i := 1; i <= 1200; i++ {
		now = noon.Add(time.Duration(i) * time.Hour)
		emit(t, s, draft(contract.Tx, i))
	}
	ack(t, s, contract.Tx, 1100)
	if got := len(read(t, s, contract.Tx, 1)); got != 1200 {
		t.Fatalf("%d records left after ack", got)
	}
	n, err := s.Prune(t.Context(), noon.Add(1001*time.Hour))
	if n != 1000 || err != nil {
		t.Fatalf("pruned %d, %v", n, err)
	}
	if got := state(s, contract.Tx); got.First != 1001 || got.Acked != 1100 || got.Next != 1201 {
		t.Errorf("state %+v", got)
	}
	if n, err = s.Prune(t.Context(), noon.AddDate(1, 0, 0)); n != 100 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	emit(t, s, draft(contract.Tx, 1))
	if recs := read(t, s, contract.Tx, 1); recs[0].Seq != 1101 || recs[len(recs)-1].Seq != 1201 {
		t.Errorf("records %d to %d", recs[0].Seq, recs[len(recs)-1].Seq)
	}
}

func TestARefusedRecordIsKeptAndRaisesAnAlarm(t *testing.T) {
	s := storagetest.New(t)
	emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2), draft(contract.Ev, 1))
	raw := read(t, s, contract.Tx, 2)[0].Raw
	nack := contract.Ack{Epoch: s.Epoch(), Ack: 2, Nacks: []contract.Nack{{Seq: 2, Code: "bad_record", Text: "no such meter"}}}
	for range 2 { // it is retained, so it comes again
		if err := s.Queue(contract.Tx).Ack(t.Context(), nack); err != nil {
			t.Fatal(err)
		}
	}
	var kept []contract.RecordRefused
	if err := s.Quarantine(t.Context(), func(r contract.RecordRefused) bool { kept = append(kept, r); return true }); err != nil {
		t.Fatal(err)
	}
	want := []contract.RecordRefused{{Stream: contract.Tx, Seq: 2, Code: "bad_record", Text: "no such meter", Record: raw}}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
	ev := read(t, s, contract.Ev, 2)
	var rec contract.Record
	if len(ev) != 1 {
		t.Fatalf("%d alarms", len(ev))
	}
	decode(t, ev[0].Raw, &rec)
	if rec.Type != contract.TypeRecordRefused || rec.ID != "tx/2" {
		t.Errorf("alarm %+v", rec)
	}
	loop := contract.Ack{Epoch: s.Epoch(), Ack: 2, Nacks: []contract.Nack{{Seq: 2, Code: "bad_record"}}}
	if err := s.Queue(contract.Ev).Ack(t.Context(), loop); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, s, contract.Ev, 3)); n != 0 {
		t.Errorf("a refused alarm raised %d more", n)
	}
}

func TestARefusedReadingIsKept(t *testing.T) {
	s := storagetest.New(t)
	fill(t, s, 1, 3)
	nack := contract.Ack{Epoch: s.Epoch(), Ack: 3, Nacks: []contract.Nack{{Seq: 2, Code: "conflict"}}}
	if err := s.Queue(contract.Rd).Ack(t.Context(), nack); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := s.Quarantine(t.Context(), func(r contract.RecordRefused) bool {
		n++
		return r.Stream == contract.Rd && len(r.Record) > 0
	})
	if err != nil || n != 1 {
		t.Errorf("%d kept, %v", n, err)
	}
}

func TestGrownTellsOfTheRecordThatIsWaitedFor(t *testing.T) {
	s := storagetest.New(t)
	for _, stream := range []contract.Stream{contract.Tx, contract.Rd} {
		add := func() { emit(t, s, draft(contract.Tx, 1)) }
		if stream == contract.Rd {
			add = func() { fill(t, s, 1, 1) }
		}
		q := s.Queue(stream)
		first, second := q.Grown(0), q.Grown(1)
		if isClosed(first) || isClosed(second) {
			t.Fatalf("%s grew by itself", stream)
		}
		add()
		if !isClosed(first) || isClosed(second) || !isClosed(q.Grown(0)) {
			t.Errorf("%s after one record: %v %v", stream, isClosed(first), isClosed(second))
		}
		add()
		if !isClosed(second) {
			t.Errorf("%s did not tell of the second record", stream)
		}
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestQueuesNameTheirStream(t *testing.T) {
	s := storagetest.New(t)
	for _, stream := range contract.Streams {
		if got := s.Queue(stream).Stream(); got != stream {
			t.Errorf("queue of %s is of %s", stream, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Queue(contract.Rd).Read(ctx, 1, 1, 1)
	wantErr(t, err, context.Canceled)
	defer func() {
		if recover() == nil {
			t.Error("a queue of no stream was given out")
		}
	}()
	s.Queue("xx")
}

// TestARolledBackEmitIsNeverSeen: what a failed transaction emitted is in no queue, and its number is given again.
func TestARolledBackEmitIsNeverSeen(t *testing.T) {
	s := storagetest.New(t)
	err := s.Update(t.Context(), func(tx counter.Tx) error {
		if err := tx.Emit(draft(contract.Tx, 1)); err != nil {
			return err
		}
		return counter.ErrNotFound
	})
	wantErr(t, err, counter.ErrNotFound)
	if got := read(t, s, contract.Tx, 1); len(got) != 0 || state(s, contract.Tx).Next != 1 {
		t.Errorf("%d records", len(got))
	}
}
