package daemon

import (
	"runtime/debug"
	"testing"
)

func TestMemoryIsSavedUnlessTheEnvironmentSaysOtherwise(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for env, want := range map[string]int{"": gcPercent, "150": 100} { // the runtime has read it at the start
		t.Setenv("GOGC", env)
		debug.SetGCPercent(100)
		saveMemory()
		if got := debug.SetGCPercent(100); got != want {
			t.Errorf("GOGC=%q: %d %%, want %d", env, got, want)
		}
	}
}
