package line

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
)

const ms = time.Millisecond

// bubble runs a test under a clock that turns by itself, on a line that a script answers.
func bubble(t *testing.T, o Options, acts []act, test func(t *testing.T, l *Line, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, open := play(t, acts...)
		l := New("pipe", open, o)
		defer l.Close()
		test(t, l, p)
	})
}

func answerAfter(d time.Duration, s string) act { return act{{d, s}} }

func TestReadingEndsAtTheForetoldLength(t *testing.T) {
	bubble(t, Options{Timeout: time.Minute}, []act{answerAfter(20*ms, "A1234")}, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1234")
		if took := time.Since(p.got[0]); took != 20*ms {
			t.Errorf("answer took %s after the request, it came after 20ms", took)
		}
	})
}

func TestTrapByteByByteWith200msGaps(t *testing.T) {
	slow := act{{200 * ms, "A"}, {200 * ms, "1"}, {200 * ms, "2"}, {200 * ms, "3"}, {200 * ms, "4"}}
	bubble(t, Options{Timeout: 1001 * ms}, []act{slow}, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1234")
	})
	bubble(t, Options{Timeout: 900 * ms}, []act{slow}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrChecksum) // the deadline is for the whole
		if took := time.Since(p.got[0]); took != 900*ms {
			t.Errorf("gave up after %s, want 900ms", took)
		}
	})
}

// TestPromise5QuarantineAfterTimeout: the answer to the first question comes while the line is in quarantine. Without
// the quarantine it is the answer to the second.
func TestPromise5QuarantineAfterTimeout(t *testing.T) {
	acts := []act{answerAfter(1050*ms, "Aold!"), answerAfter(80*ms, "Anew!")}
	bubble(t, Options{Timeout: time.Second, Quiet: 100 * ms}, acts, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrSilent)
		expectAnswer(t, l, "Anew!")
		if gap := p.got[1].Sub(p.got[0]); gap != 1150*ms {
			t.Errorf("second question after %s, want 100ms of silence behind the late byte: 1150ms", gap)
		}
		if s := l.Stats(); s.Stale != 5 || s.Timeout != 1 || s.OK != 1 {
			t.Errorf("stats = %+v, want 5 stale bytes, 1 timeout, 1 answer", s)
		}
	})
}

// TestPromise5StaleBytesAreFlushed: bytes that came behind a good answer are not the start of the next one.
func TestPromise5StaleBytesAreFlushed(t *testing.T) {
	acts := []act{{{10 * ms, "A1111"}, {5 * ms, "Aold!"}}, answerAfter(10*ms, "A2222")}
	bubble(t, Options{Quiet: 50 * ms}, acts, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1111")
		time.Sleep(30 * ms) // the turned clock, not a wait
		expectAnswer(t, l, "A2222")
	})
}

func TestTrapTrailingBytesAndGluedFrames(t *testing.T) {
	acts := []act{answerAfter(0, "A1111A2222"), answerAfter(0, "A3333")}
	bubble(t, Options{Quiet: 50 * ms}, acts, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1111")
		expectAnswer(t, l, "A3333")
		if gap := p.got[1].Sub(p.got[0]); gap < 50*ms {
			t.Errorf("next question after %s, want a quarantine of 50ms", gap)
		}
		if s := l.Stats(); s.Stale != 5 {
			t.Errorf("stale bytes = %d, want 5", s.Stale)
		}
	})
}

func TestQuarantineAfterEveryKindOfBadAnswer(t *testing.T) {
	for name, bad := range map[string]act{
		"foreign": answerAfter(0, "F"), "broken off": answerAfter(0, "A12"), "silent": nil,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{Timeout: time.Second, Quiet: 70 * ms}, []act{bad, answerAfter(0, "A1234")}, func(t *testing.T, l *Line, p *peer) {
				if _, err := ask(t, l); err == nil {
					t.Fatal("bad answer accepted")
				}
				from := time.Now()
				expectAnswer(t, l, "A1234")
				if waited := p.got[1].Sub(from); waited < 70*ms {
					t.Errorf("next question after %s, want 70ms of silence", waited)
				}
			})
		})
	}
}

func TestExceptionNeedsNoQuarantine(t *testing.T) {
	bubble(t, Options{Quiet: time.Hour}, []act{answerAfter(0, "X2"), answerAfter(0, "A1234")}, func(t *testing.T, l *Line, p *peer) {
		settle(t, l)
		expectError(t, l, meter.ErrException)
		from := time.Now()
		expectAnswer(t, l, "A1234")
		if waited := p.got[1].Sub(from); waited > ms {
			t.Errorf("question waited %s behind a well-formed refusal", waited)
		}
	})
}

// settle opens the line and ends the quarantine that a fresh port starts with.
func settle(t *testing.T, l *Line) {
	t.Helper()
	if _, err := l.keepOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.dirty = false
}

func TestTrapNoiseWithoutEnd(t *testing.T) {
	noise := make(act, 1000)
	for i := range noise {
		noise[i] = step{10 * ms, "~"}
	}
	bubble(t, Options{Timeout: time.Second, Quiet: 100 * ms, Noise: 3 * time.Second}, []act{noise}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrForeign)
		from := time.Now()
		expectError(t, l, meter.ErrLine)
		if took := time.Since(from); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("a noisy line was given up after %s, want 3s", took)
		}
	})
}

func TestTrapFloodInsteadOfAnAnswer(t *testing.T) {
	flood := act{{0, strings.Repeat(".", 3000)}}
	bubble(t, Options{Timeout: time.Hour}, []act{flood}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrMalformed)
	})
}

func TestGapBeforeARequest(t *testing.T) {
	acts := []act{answerAfter(0, "A1111"), answerAfter(0, "A2222")}
	bubble(t, Options{Gap: 4 * ms}, acts, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1111")
		end := time.Now()
		expectAnswer(t, l, "A2222")
		if gap := p.got[1].Sub(end); gap != 4*ms {
			t.Errorf("request %s after the last byte, want 4ms", gap)
		}
	})
}

func TestDefaultGapIsThreeAndAHalfCharacters(t *testing.T) {
	for _, c := range []struct {
		cfg  SerialConfig
		want time.Duration
	}{
		{SerialConfig{Baud: 9600}, 3645 * time.Microsecond},
		{SerialConfig{Baud: 2400, Parity: Even}, 16041 * time.Microsecond},
		{SerialConfig{Baud: 115200}, 1750 * time.Microsecond},
	} {
		l := New("x", nil, Options{})
		l.traits.Char = c.cfg.Char()
		if got := l.gap().Truncate(time.Microsecond); got != c.want {
			t.Errorf("gap at %+v = %s, want %s", c.cfg, got, c.want)
		}
	}
}

func TestContextEndsAnExchangeAtOnce(t *testing.T) {
	bubble(t, Options{Timeout: time.Hour}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, err := l.Lease(t.Context(), Interactive)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		from := time.Now()
		_, err = lease.Exchange(ctx, Exchange{Request: []byte("q"), Expect: says, Peer: "7"})
		if !errors.Is(err, meter.ErrSilent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want silent and the context's", err)
		}
		if took := time.Since(from); took != 3*time.Second {
			t.Errorf("took %s, want 3s", took)
		}
		if !lease.Owes("7") {
			t.Error("an answer that was not waited for is not owed")
		}
	})
}

func TestCloseEndsAnExchangeAndRefusesAll(t *testing.T) {
	bubble(t, Options{Timeout: time.Hour}, nil, func(t *testing.T, l *Line, p *peer) {
		done := make(chan error, 1)
		go func() {
			_, err := ask(t, l)
			done <- err
		}()
		synctest.Wait()
		l.Close()
		if err := <-done; err == nil {
			t.Error("exchange on a closed line succeeded")
		}
		if _, err := l.Lease(t.Context(), Interactive); !errors.Is(err, ErrClosed) || !errors.Is(err, meter.ErrLine) {
			t.Errorf("lease of a closed line: %v", err)
		}
	})
}

func TestAMeterThatOwesAnAnswerIsRemembered(t *testing.T) {
	bubble(t, Options{}, []act{nil, answerAfter(0, "A1111")}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrSilent)
		lease, _ := l.Lease(t.Context(), Scheduled)
		defer lease.Release()
		if !lease.Owes("7") || lease.Owes("8") {
			t.Errorf("Owes(7), Owes(8) = %v, %v, want true, false", lease.Owes("7"), lease.Owes("8"))
		}
		lease.Settle("7")
		if lease.Owes("7") {
			t.Error("settled and still owed")
		}
	})
}

func TestExchangeAfterReleaseIsRefused(t *testing.T) {
	bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
		lease, _ := l.Lease(t.Context(), Scheduled)
		lease.Release()
		lease.Release()
		if _, err := lease.Exchange(t.Context(), Exchange{Request: []byte("q"), Expect: says}); err == nil {
			t.Error("exchange without the lease")
		}
	})
}
