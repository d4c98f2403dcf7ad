package counter_test

// centre is the centre.
type centre struct{}

func newCentre() *centre { return &centre{} }
