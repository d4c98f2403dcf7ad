package line

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
)

// queueUp lets n goroutines wait, one after the other, and returns in what order they got the line.
func queueUp(t *testing.T, l *Line, wanted []Priority) *[]int {
	t.Helper()
	got := &[]int{}
	for i, p := range wanted {
		go func() {
			lease, err := l.Lease(context.Background(), p)
			if err != nil {
				return
			}
			*got = append(*got, i) // only the holder writes
			lease.Release()
		}()
		synctest.Wait()
	}
	return got
}

func TestUrgentGoesFirst(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, err := l.Lease(t.Context(), Scheduled)
		if err != nil {
			t.Fatal(err)
		}
		got := queueUp(t, l, []Priority{Backfill, Interactive, Interactive})
		lease.Release()
		synctest.Wait()
		if want := []int{1, 2, 0}; !slices.Equal(*got, want) {
			t.Errorf("order = %v, want %v", *got, want)
		}
	})
}

func TestNobodyStarves(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, _ := l.Lease(t.Context(), Scheduled)
		wanted := []Priority{Backfill}
		for range 20 {
			wanted = append(wanted, Interactive)
		}
		got := queueUp(t, l, wanted)
		lease.Release()
		synctest.Wait()
		if at := slices.Index(*got, 0); at < 0 || at >= everyOldest {
			t.Errorf("backfill got its turn as number %d, want within %d", at+1, everyOldest)
		}
	})
}

func TestLeaseIsAlone(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, _ := l.Lease(t.Context(), Scheduled)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Lease(ctx, Interactive); !errors.Is(err, meter.ErrLine) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("second lease: %v", err)
		}
		lease.Release()
		again, err := l.Lease(t.Context(), Backfill)
		if err != nil {
			t.Fatalf("lease after somebody gave up waiting: %v", err)
		}
		again.Release()
	})
}

func TestPriorityTravelsInTheContext(t *testing.T) {
	if got := PriorityOf(t.Context()); got != Scheduled {
		t.Errorf("default = %v, want Scheduled", got)
	}
	if got := PriorityOf(WithPriority(t.Context(), Command)); got != Command {
		t.Errorf("got %v, want Command", got)
	}
}

func TestNumbersGrow(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, _ := l.Lease(t.Context(), Scheduled)
		defer lease.Release()
		if a, b := lease.Next(), lease.Next(); a == b {
			t.Errorf("numbers %d and %d", a, b)
		}
	})
}
