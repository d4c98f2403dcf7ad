package cardtest

import (
	"context"
	"testing"
	"time"

	"tally/cardreader"
)

// patience ends a test that would hang. It is no measure of anything.
const patience = 2 * time.Minute

// Watcher collects the events of a running Source.
type Watcher struct {
	t      testing.TB
	events chan cardreader.Event
	cancel context.CancelFunc
	done   chan error
}

// Watch runs the Source until the test ends.
func Watch(t testing.TB, src cardreader.Source) *Watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{t: t, events: make(chan cardreader.Event, 1024), cancel: cancel, done: make(chan error, 1)}
	go func() {
		defer close(w.done)
		w.done <- src.Run(ctx, func(e cardreader.Event) { w.events <- e })
	}()
	t.Cleanup(w.Stop)
	return w
}

// With is the same Watcher whose waits fail a subtest.
func (w *Watcher) With(t testing.TB) *Watcher {
	sub := *w
	sub.t = t
	return &sub
}

// Stop ends Run and fails the test if it returned an error. It may be called twice.
func (w *Watcher) Stop() {
	w.cancel()
	select {
	case err := <-w.done: // closed after the first
		if err != nil {
			w.t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		w.t.Error("Run did not return after its context had ended")
	}
}

// Next waits for the next event of that reader and fails the test when it is not of that kind. Events of other readers
// are dropped.
func (w *Watcher) Next(k cardreader.Kind, reader string) cardreader.Event {
	w.t.Helper()
	for {
		select {
		case e := <-w.events:
			if e.Reader != reader {
				continue
			}
			if e.Kind != k {
				w.t.Fatalf("event %v (insertion %d) at %q, want %v", e.Kind, e.Insertion, reader, k)
			}
			return e
		case <-time.After(patience):
			w.t.Fatalf("no event %v at %q", k, reader)
		}
	}
}

// Await waits for an event of that kind at that reader and drops all others.
func (w *Watcher) Await(k cardreader.Kind, reader string) cardreader.Event {
	w.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e := <-w.events:
			if e.Reader == reader && e.Kind == k {
				return e
			}
		case <-limit:
			w.t.Fatalf("no event %v at %q", k, reader)
		}
	}
}
