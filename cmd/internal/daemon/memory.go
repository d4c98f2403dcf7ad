package daemon

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow by less than Go does before it is collected: a concentrator has little memory and an idle
// processor. Measured with 2 000 meters: four megabytes less, no difference in the processor's time.
const gcPercent = 40

// saveMemory holds for the whole process, unless whoever started it says otherwise.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
