package line

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowPipe is a pipe with the byte times of a slow serial line.
type slowPipe struct{ net.Conn }

func (slowPipe) Traits() Traits { return Traits{Char: ms} }

// answerIn answers each request in three portions, the last of them after the given time.
func answerIn(wire net.Conn, last func(n int) time.Duration) {
	buf := make([]byte, 64)
	for n := 0; ; n++ {
		if _, err := wire.Read(buf); err != nil {
			return
		}
		time.Sleep(last(n) - 4*ms) // the bubble's clock
		for _, part := range []string{"A1", "23", "4"} {
			if _, err := wire.Write([]byte(part)); err != nil {
				return
			}
			time.Sleep(2 * ms) // the bubble's clock
		}
	}
}

// TestSteadyMeterIsNotLookedAtTooEarly: after some exact times the answer is read when it is complete, and a meter that
// changes its mind is read rightly all the same.
func TestSteadyMeterIsNotLookedAtTooEarly(t *testing.T) {
	h := &habit{}
	x := Exchange{Request: []byte("abcde"), Length: 5}
	if h.wake(x) != 0 {
		t.Error("a habit before the first answer")
	}
	for range settled {
		h.note(x, 50*ms, true, nil)
	}
	if got := h.wake(x); got != 50*ms+margin {
		t.Errorf("wakes after %s", got)
	}
	for range relied {
		h.note(x, 51*ms, false, nil)
	}
	if h.wake(x) != 0 {
		t.Error("the habit is not measured again")
	}
	h.note(x, 50*ms, true, nil)
	if h.wake(x) == 0 {
		t.Error("one exact time should do to go on")
	}
	if h.wake(Exchange{Request: []byte("abcde"), Length: 6}) != 0 || h.wake(Exchange{Request: []byte("a"), Length: 5}) != 0 {
		t.Error("the habit of another question")
	}
	h.note(x, 0, true, errors.New("silent"))
	if h.wake(x) != 0 {
		t.Error("the habit outlives a failure")
	}
	for range settled {
		h.note(x, 50*ms, true, nil)
	}
	h.note(x, 90*ms, true, nil)
	if h.wake(x) != 0 {
		t.Error("the habit outlives another time")
	}
}

// TestAnswerIsRightWhateverTheHabit: a meter that is steady, becomes quicker, and slower.
func TestAnswerIsRightWhateverTheHabit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		l := New("x", func(context.Context) (Conn, error) { return slowPipe{ours}, nil }, Options{Timeout: 200 * ms})
		defer l.Close()
		var peer sync.WaitGroup
		peer.Go(func() {
			answerIn(theirs, func(n int) time.Duration {
				switch {
				case n >= 20 && n < 30:
					return 20 * ms
				case n >= 30 && n < 40:
					return 80 * ms
				}
				return 50 * ms
			})
		})
		for n := range 60 {
			from := time.Now()
			expectAnswer(t, l, "A1234")
			if took := time.Since(from); n > 0 && took > 100*ms {
				t.Errorf("exchange %d took %s", n, took)
			}
		}
		theirs.Close()
		peer.Wait()
	})
}
