package outboxtest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Subject is a queue under test. It starts empty.
type Subject struct {
	Queue outbox.Queue
	// Append commits n records whose bytes are at least size long each.
	Append func(t *testing.T, n, size int)
	// Reopen closes the queue and opens what it left on the disk. Nil for one that keeps nothing.
	Reopen func(t *testing.T) outbox.Queue
}

// RunQueue checks that a queue keeps the contract of outbox.Queue.
func RunQueue(t *testing.T, fresh func(t *testing.T) Subject) {
	for _, tc := range []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"StartsEmpty", startsEmpty},
		{"NumbersWithoutGap", numbersWithoutGap},
		{"ReadKeepsLimits", readKeepsLimits},
		{"AckMovesTheWatermark", ackMovesTheWatermark},
		{"AckIgnoresWhatIsStale", ackIgnoresWhatIsStale},
		{"AckBeyondIsRefused", ackBeyondIsRefused},
		{"GrownTells", grownTells},
		{"KeepsItsStateOverARestart", keepsItsState},
		{"ServesSeveralGoroutines", servesSeveral},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, fresh(t)) })
	}
}

func read(t *testing.T, q outbox.Queue, from uint64, n, size int) []outbox.Record {
	t.Helper()
	records, err := q.Read(context.Background(), from, n, size)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func ack(t *testing.T, q outbox.Queue, epoch string, upto uint64) {
	t.Helper()
	if err := q.Ack(context.Background(), contract.Ack{Epoch: epoch, Ack: upto}); err != nil {
		t.Fatal(err)
	}
}

func wantState(t *testing.T, q outbox.Queue, next, acked uint64) {
	t.Helper()
	st := q.State()
	if st.Next != next || st.Acked != acked || st.First > st.Acked+1 || st.First == 0 || st.Epoch == "" {
		t.Errorf("state %+v, want next %d and acked %d", st, next, acked)
	}
	if st.Waiting() != next-1-acked {
		t.Errorf("%d wait", st.Waiting())
	}
}

func startsEmpty(t *testing.T, s Subject) {
	wantState(t, s.Queue, 1, 0)
	if r := read(t, s.Queue, 1, 10, 1<<20); len(r) != 0 {
		t.Errorf("%d records in an empty queue", len(r))
	}
	if !s.Queue.Stream().Known() {
		t.Errorf("stream %q", s.Queue.Stream())
	}
}

func numbersWithoutGap(t *testing.T, s Subject) {
	s.Append(t, 3, 10)
	s.Append(t, 4, 10)
	wantState(t, s.Queue, 8, 0)
	records := read(t, s.Queue, 1, 100, 1<<20)
	if len(records) != 7 {
		t.Fatalf("%d records", len(records))
	}
	var before []byte
	for i, r := range records {
		rec, err := contract.ParseRecord(r.Raw)
		if err != nil || r.Seq != uint64(i+1) || rec.Seq != r.Seq {
			t.Fatalf("record %d: %d, %d, %v", i+1, r.Seq, rec.Seq, err)
		}
		if err := contract.CheckChain(before, rec); err != nil {
			t.Error(err)
		}
		before = r.Raw
	}
}

func readKeepsLimits(t *testing.T, s Subject) {
	s.Append(t, 10, 600)
	if r := read(t, s.Queue, 4, 3, 1<<20); len(r) != 3 || r[0].Seq != 4 {
		t.Errorf("by count: %d records", len(r))
	}
	if r := read(t, s.Queue, 1, 10, 1); len(r) != 1 {
		t.Errorf("at least one: %d records", len(r))
	}
	one := len(read(t, s.Queue, 2, 1, 1<<20)[0].Raw)
	r := read(t, s.Queue, 2, 10, 3*one+one/2)
	size := 0
	for _, x := range r {
		size += len(x.Raw)
	}
	if size > 3*one+one/2 || len(r) < 2 {
		t.Errorf("by size: %d records of %d bytes", len(r), size)
	}
	if r := read(t, s.Queue, 11, 10, 1<<20); len(r) != 0 {
		t.Errorf("past the end: %d records", len(r))
	}
}

func ackMovesTheWatermark(t *testing.T, s Subject) {
	s.Append(t, 5, 10)
	epoch := s.Queue.State().Epoch
	ack(t, s.Queue, epoch, 2)
	wantState(t, s.Queue, 6, 2)
	ack(t, s.Queue, epoch, 2)
	wantState(t, s.Queue, 6, 2)
	if r := read(t, s.Queue, 3, 10, 1<<20); len(r) != 3 {
		t.Errorf("%d records wait", len(r))
	}
	ack(t, s.Queue, epoch, 5)
	wantState(t, s.Queue, 6, 5)
	s.Append(t, 1, 10)
	wantState(t, s.Queue, 7, 5)
	if r := read(t, s.Queue, 6, 10, 1<<20); len(r) != 1 || r[0].Seq != 6 {
		t.Errorf("after the queue was empty: %v", r)
	}
}

func ackIgnoresWhatIsStale(t *testing.T, s Subject) {
	s.Append(t, 5, 10)
	epoch := s.Queue.State().Epoch
	ack(t, s.Queue, epoch, 3)
	ack(t, s.Queue, epoch, 1)
	ack(t, s.Queue, epoch+"x", 5)
	ack(t, s.Queue, epoch+"x", 500)
	wantState(t, s.Queue, 6, 3)
}

func ackBeyondIsRefused(t *testing.T, s Subject) {
	s.Append(t, 5, 10)
	err := s.Queue.Ack(context.Background(), contract.Ack{Epoch: s.Queue.State().Epoch, Ack: 6})
	if !errors.Is(err, outbox.ErrBeyond) {
		t.Errorf("got %v", err)
	}
	wantState(t, s.Queue, 6, 0)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func grownTells(t *testing.T, s Subject) {
	first, later := s.Queue.Grown(0), s.Queue.Grown(1)
	if closed(first) {
		t.Error("closed while the queue is empty")
	}
	s.Append(t, 1, 10)
	<-first
	if !closed(s.Queue.Grown(0)) {
		t.Error("not closed although a record is there")
	}
	if closed(s.Queue.Grown(1)) {
		t.Error("closed although nothing above 1 is there")
	}
	s.Append(t, 1, 10)
	<-later
}

func keepsItsState(t *testing.T, s Subject) {
	if s.Reopen == nil {
		t.Skip("keeps nothing")
	}
	s.Append(t, 5, 10)
	before := s.Queue.State()
	ack(t, s.Queue, before.Epoch, 2)
	want := read(t, s.Queue, 3, 10, 1<<20)
	q := s.Reopen(t)
	wantState(t, q, 6, 2)
	if q.State().Epoch != before.Epoch {
		t.Error("the epoch has changed")
	}
	got := read(t, q, 3, 10, 1<<20)
	if len(got) != len(want) {
		t.Fatalf("%d of %d records", len(got), len(want))
	}
	for i := range got {
		if string(got[i].Raw) != string(want[i].Raw) {
			t.Errorf("record %d has changed", got[i].Seq)
		}
	}
}

func servesSeveral(t *testing.T, s Subject) {
	const rounds, each = 20, 5
	epoch := s.Queue.State().Epoch
	var wg sync.WaitGroup
	wg.Go(func() {
		for range rounds {
			s.Append(t, each, 10)
		}
	})
	for next := uint64(1); next <= rounds*each; {
		<-s.Queue.Grown(next - 1)
		for _, r := range read(t, s.Queue, next, 7, 1<<20) {
			if r.Seq != next {
				t.Fatalf("got %d, want %d", r.Seq, next)
			}
			next++
		}
		ack(t, s.Queue, epoch, next-1)
	}
	wg.Wait()
	wantState(t, s.Queue, rounds*each+1, rounds*each)
}
