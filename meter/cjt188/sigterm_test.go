package cjt188_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/metersim"
)

// TestTrapSIGTERMInAWrite: the program is told to stop while a valve command is on its way. Nobody knows then what the
// meter did: that is what is said, and nothing is sent again.
func TestTrapSIGTERMInAWrite(t *testing.T) {
	t.Parallel() // waits for what does not come
	sim := &metersim.CJT188Meter{}
	m := able(t, sim, cjt188.Options{Timeout: time.Minute})
	sim.Next(metersim.Fault{Late: 3 * time.Second})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := m.SetValve(ctx, meter.ValveClosed)
		done <- err
	}()
	for sim.Commands() == 0 {
		select {
		case err := <-done:
			t.Fatalf("it ended before the command came: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	if err := <-done; !errors.Is(err, meter.ErrOutcomeUnknown) {
		t.Errorf("error %v, want one that says that nobody knows", err)
	}
	if n := sim.Commands(); n != 1 {
		t.Errorf("%d commands were sent", n)
	}
	state, err := m.SetValve(t.Context(), meter.ValveClosed) // somebody decides to try again
	if err != nil || state != meter.ValveClosed || sim.Commands() != 2 {
		t.Errorf("then %s, %v after %d commands", state, err, sim.Commands())
	}
}
