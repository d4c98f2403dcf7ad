package line

import (
	"testing"
	"time"

	"tally/meter"
)

// TestPromise5ALoanBeginsInSilence: the late answer to our question does not become the borrower's.
func TestPromise5ALoanBeginsInSilence(t *testing.T) {
	bubble(t, Options{Timeout: time.Second, Quiet: 100 * ms}, []act{answerAfter(1050*ms, "Aold!"), answerAfter(80*ms, "Anew!")}, func(t *testing.T, l *Line, p *peer) {
		expectError(t, l, meter.ErrSilent)
		lease, err := l.Lease(t.Context(), Interactive)
		if err != nil {
			t.Fatal(err)
		}
		defer lease.Release()
		if err := lease.Quiet(t.Context()); err != nil {
			t.Fatal(err)
		}
		raw, err := lease.Raw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := raw.Write([]byte("question")); err != nil {
			t.Fatal(err)
		}
		_ = raw.SetReadDeadline(time.Now().Add(time.Second))
		b := make([]byte, 9)
		if n, err := raw.Read(b); string(b[:n]) != "Anew!" {
			t.Errorf("borrower read %q, %v", b[:n], err)
		}
	})
}
