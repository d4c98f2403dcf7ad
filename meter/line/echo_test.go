package line

import (
	"testing"
	"time"

	"tally/meter"
)

func TestEchoIsLearntAndStripped(t *testing.T) {
	acts := []act{
		{{ms, "quest"}, {ms, "ionA11"}, {ms, "11"}},
		answerAfter(0, "questionA2222"),
	}
	bubble(t, Options{}, acts, func(t *testing.T, l *Line, p *peer) {
		expectAnswer(t, l, "A1111")
		expectAnswer(t, l, "A2222")
		if s := l.Stats(); s.Echo != 2 {
			t.Errorf("echoes = %d, want 2", s.Echo)
		}
	})
}

func TestTrapOnlyTheEchoIsSilence(t *testing.T) {
	bubble(t, Options{}, []act{answerAfter(0, "question")}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrSilent)
	})
}

// A write is answered by its own mirror image: an echo alone must not look like success.
func TestTrapEchoAloneMakesNoWriteSucceed(t *testing.T) {
	mirror := Exchange{Request: []byte("A9999"), Expect: says, Mirrors: true}
	t.Run("adapter unknown", func(t *testing.T) {
		bubble(t, Options{}, nil, func(t *testing.T, l *Line, p *peer) {
			if _, err := askWith(t, l, mirror); err == nil {
				t.Error("write went out before the adapter was known")
			}
			if len(p.got) > 0 {
				t.Error("the request was sent")
			}
		})
	})
	t.Run("adapter echoes", func(t *testing.T) {
		acts := []act{answerAfter(0, "questionA1111"), answerAfter(0, "A9999"), answerAfter(0, "A9999A9999")}
		bubble(t, Options{}, acts, func(t *testing.T, l *Line, p *peer) {
			expectAnswer(t, l, "A1111")
			if got, err := askWith(t, l, mirror); err == nil {
				t.Errorf("echo alone is taken for the answer %q", got)
			}
			if got, err := askWith(t, l, mirror); err != nil || got != "A9999" {
				t.Errorf("echo and answer = %q, %v", got, err)
			}
		})
	})
	t.Run("adapter does not", func(t *testing.T) {
		bubble(t, Options{}, []act{answerAfter(0, "A1111"), answerAfter(0, "A9999")}, func(t *testing.T, l *Line, p *peer) {
			expectAnswer(t, l, "A1111")
			if got, err := askWith(t, l, mirror); err != nil || got != "A9999" {
				t.Errorf("answer = %q, %v", got, err)
			}
		})
	})
}

func TestConfiguredEchoMustCome(t *testing.T) {
	acts := []act{answerAfter(0, "A1111"), answerAfter(0, "quAstion"), answerAfter(0, "questionA2222")}
	bubble(t, Options{Echo: EchoAlways}, acts, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrChecksum)
		expectError(t, l, meter.ErrChecksum)
		expectAnswer(t, l, "A2222")
	})
}

func TestConfiguredNoEchoStripsNothing(t *testing.T) {
	bubble(t, Options{Echo: EchoNone}, []act{answerAfter(0, "questionA1111")}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrForeign)
	})
}

// An answer may start like the request; as long as it could become the echo nothing is decided, and nothing is lost.
func TestAnswerThatStartsLikeTheRequest(t *testing.T) {
	x := Exchange{Request: []byte("A12xyz"), Expect: says}
	bubble(t, Options{Timeout: time.Second}, []act{{{ms, "A12"}, {ms, "34"}}}, func(t *testing.T, l *Line, p *peer) {
		if got, err := askWith(t, l, x); got != "A1234" || err != nil {
			t.Errorf("answer = %q, %v", got, err)
		}
	})
}
