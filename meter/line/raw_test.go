package line

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

func lend(t *testing.T, l *Line) (*Lease, *Raw) {
	t.Helper()
	lease, err := l.Lease(t.Context(), Interactive)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := lease.Raw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lease, raw
}

// TestPromise5AfterALoanEverybodyOwes: what a borrower asked is not known here, so its late answers must not be taken for
// ours.
func TestPromise5AfterALoanEverybodyOwes(t *testing.T) {
	bubble(t, Options{Timeout: time.Second, Quiet: 100 * ms}, []act{answerAfter(50*ms, "Aold!"), answerAfter(80*ms, "Anew!")}, func(t *testing.T, l *Line, p *peer) {
		lease, raw := lend(t, l)
		if _, err := raw.Write([]byte("by somebody else")); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(raw.Drain(), raw.Close(), raw.Close()); err != nil {
			t.Fatal(err)
		}
		if !lease.Owes("7") || !lease.Owes("8") {
			t.Error("after a loan nobody owes")
		}
		lease.Settle("7")
		if lease.Owes("7") || !lease.Owes("8") {
			t.Error("one settled, and another is settled too, or none")
		}
		lease.Release()
		expectAnswer(t, l, "Anew!")
		if gap := p.got[1].Sub(p.got[0]); gap < 150*ms {
			t.Errorf("next question %s after the borrower's, want 100ms of silence behind the late answer", gap)
		}
	})
}

// TestListeningLeavesNoDebt: who only listened asked nobody.
func TestListeningLeavesNoDebt(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, raw := lend(t, l)
		defer lease.Release()
		if err := raw.SetReadDeadline(time.Now().Add(50 * ms)); err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Read(make([]byte, 9)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := raw.Close(); err != nil || lease.Owes("1") {
			t.Errorf("owes %v, %v", lease.Owes("1"), err)
		}
	})
}

func TestLoanEndsWithItsContext(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, err := l.Lease(t.Context(), Interactive)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		raw, err := lease.Raw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		_ = raw.SetReadDeadline(time.Now().Add(time.Hour))
		from := time.Now()
		if _, err := raw.Read(make([]byte, 9)); !errors.Is(err, context.DeadlineExceeded) || time.Since(from) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(from))
		}
		if _, err := raw.Write([]byte{1}); err == nil {
			t.Error("wrote after the end")
		}
	})
}

// TestLoanOfAModelessConnection: a gateway has no speed that could be set.
func TestLoanOfAModelessConnection(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, raw := lend(t, l)
		defer lease.Release()
		defer raw.Close()
		if err := raw.SetMode(Mode{Baud: 2400}); !errors.Is(err, meter.ErrLine) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTap(t *testing.T) {
	bubble(t, Options{Quiet: 100 * ms}, []act{{{10 * ms, ".A12"}, {1 * ms, "34"}}}, func(t *testing.T, l *Line, p *peer) {
		var heard []string
		stop := l.Tap(func(h Heard) {
			who := "<"
			if h.Sent {
				who = ">"
			}
			heard = append(heard, who+string(h.Bytes))
		})
		expectAnswer(t, l, "A1234")
		stop()
		stop()
		expectError(t, l, meter.ErrSilent)
		if diff := cmp.Diff([]string{">question", "<.A12", "<34"}, heard); diff != "" {
			t.Error(diff)
		}
	})
}
