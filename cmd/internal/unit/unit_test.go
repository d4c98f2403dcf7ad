package unit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal notes what happened, from several goroutines.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, s)
}

// slow is a unit that takes some time to end.
func (j *journal) slow(name string, takes time.Duration) Unit {
	return Unit{name, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(takes)
		j.note(name + " ended")
		return nil
	}}
}

var quiet = slog.New(slog.DiscardHandler)

func TestUnitsStopInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := Run(ctx, quiet, time.Minute, []Unit{j.slow("ledger", 0), j.slow("counter", 3*time.Second), j.slow("page", time.Second)})
		if err != nil {
			t.Error(err)
		}
		if want := []string{"page ended", "counter ended", "ledger ended"}; !slices.Equal(j.lines, want) {
			t.Errorf("stopped as %q, want %q", j.lines, want)
		}
	})
}

func TestUnitThatFailsStopsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		broken := errors.New("disk on fire")
		err := Run(t.Context(), quiet, time.Minute, []Unit{
			j.slow("ledger", 0),
			{"uplink", func(context.Context) error { time.Sleep(time.Second); return broken }},
		})
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want the unit's own error", err)
		}
		if !slices.Equal(j.lines, []string{"ledger ended"}) {
			t.Errorf("the rest: %q", j.lines)
		}
	})
}

func TestUnitThatEndsByItselfIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Run(t.Context(), quiet, time.Minute, []Unit{{"watcher", func(context.Context) error { return nil }}})
		if err == nil {
			t.Error("a node without one of its parts went on")
		}
	})
}

func TestUnitThatHangsIsNamedAndLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := Run(ctx, quiet, 5*time.Second, []Unit{
			j.slow("ledger", 0),
			{"reader", func(context.Context) error { <-release; return nil }},
		})
		close(release)
		if !errors.Is(err, errStuck) {
			t.Errorf("got %v", err)
		}
		if !slices.Equal(j.lines, []string{"ledger ended"}) {
			t.Errorf("what it stands on was not closed: %q", j.lines)
		}
	})
}
