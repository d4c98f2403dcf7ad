package line

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
)

// fragile is a pipe that behaves like TCP.
type fragile struct{ net.Conn }

func (fragile) Traits() Traits { return Traits{Fragile: true} }

func TestLostPortIsLookedForWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var tries []time.Duration
		from := time.Now()
		var there atomic.Bool
		l := New("x", func(context.Context) (Conn, error) {
			mu.Lock()
			tries = append(tries, time.Since(from))
			mu.Unlock()
			if !there.Load() {
				return nil, errors.New("no such device")
			}
			ours, theirs := net.Pipe()
			t.Cleanup(func() { theirs.Close() })
			return ours, nil
		}, Options{OpenMin: time.Second, OpenMax: 5 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		time.Sleep(20 * time.Second) // the bubble's clock
		synctest.Wait()
		if _, err := ask(t, l); !errors.Is(err, meter.ErrLine) {
			t.Errorf("exchange on a lost line: %v", err)
		}
		want := []time.Duration{0, 1, 3, 7, 12, 17}
		mu.Lock()
		seen := slices.Clone(tries)
		mu.Unlock()
		if len(seen) != len(want) {
			t.Fatalf("tries at %v, want seconds %v", seen, want)
		}
		for i, w := range want {
			if seen[i] != w*time.Second {
				t.Errorf("try %d at %s, want %ds", i, seen[i], w)
			}
		}
		there.Store(true)
		time.Sleep(5 * time.Second) // the bubble's clock
		if !l.Stats().Up {
			t.Error("port came back and is not open")
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestTCPIsDroppedAfterATimeoutAndOpenedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		l := New("x", func(ctx context.Context) (Conn, error) {
			opened++
			acts := []act{answerAfter(0, "A1234")}
			if opened == 1 {
				acts = []act{answerAfter(1500*ms, "Aold!")}
			}
			_, open := play(t, acts...)
			c, err := open(ctx)
			return fragile{c.(net.Conn)}, err
		}, Options{})
		defer l.Close()
		expectError(t, l, meter.ErrSilent)
		from := time.Now()
		expectAnswer(t, l, "A1234")
		if opened != 2 || time.Since(from) > 100*ms+ms {
			t.Errorf("opened %d times, answer after %s", opened, time.Since(from))
		}
	})
}

func TestTrapPeerClosingAfterEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		l := New("x", func(ctx context.Context) (Conn, error) {
			opened++
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				if _, err := theirs.Read(make([]byte, 64)); err == nil {
					theirs.Write([]byte("A1234"))
				}
			}()
			return fragile{ours}, nil
		}, Options{})
		defer l.Close()
		for range 5 {
			synctest.Wait()
			expectAnswer(t, l, "A1234")
		}
		if opened != 5 {
			t.Errorf("opened %d times, want 5", opened)
		}
	})
}

func TestTrapPeerThatHangsUpAtOnceIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		l := New("x", func(ctx context.Context) (Conn, error) {
			opened++
			ours, theirs := net.Pipe()
			theirs.Close()
			return fragile{ours}, nil
		}, Options{OpenMin: time.Second, OpenMax: 10 * time.Second})
		defer l.Close()
		for range 600 {
			expectError(t, l, meter.ErrLine)
			time.Sleep(100 * ms) // the bubble's clock
		}
		if opened > 12 {
			t.Errorf("opened %d times in a minute", opened)
		}
	})
}

func TestStatsLookBack(t *testing.T) {
	var acts []act
	for i := range 100 {
		acts = append(acts, answerAfter(time.Duration(i+1)*ms, "A1234"))
	}
	bubble(t, Options{}, acts, func(t *testing.T, l *Line, p *peer) {
		for range 100 {
			expectAnswer(t, l, "A1234")
		}
		s := l.Stats()
		if s.Sent != 100 || s.OK != 100 || s.Min != ms || s.Median != 51*ms || s.P95 != 96*ms || s.Max != 100*ms {
			t.Errorf("stats = %+v", s)
		}
		if s.Busy < 0.9 || s.Busy > 1 {
			t.Errorf("busy share = %v, want nearly 1", s.Busy)
		}
	})
}
