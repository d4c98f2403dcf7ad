package cardtest

import (
	"os"
	"testing"
)

// VirtualReader is a reader of a PC/SC service that [StartPCSCD] started.
type VirtualReader struct {
	Name string // as PC/SC lists it
	Addr string // where cardsim.PlugVPCD inserts a card
}

// DefaultReader is the name that virtual readers get, that of a brand whose dialect tally knows.
const DefaultReader = "ACS ACR39U ICC Reader"

// missing ends the test for want of a component: a skip on a developer's machine, a failure where everything has to be
// there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("%s is missing", what)
}
