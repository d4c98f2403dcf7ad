package profile

import (
	"fmt"
	"time"
)

type fileTiming struct {
	Timeout string `toml:"timeout"`
	Min     string `toml:"min_timeout"`
	Max     string `toml:"max_timeout"`
}

// Bounds of every timeout.
const (
	shortest = 20 * time.Millisecond
	longest  = time.Minute
)

func (f fileTiming) resolve(t *Timing) error {
	for _, v := range []struct {
		key, text string
		to        *time.Duration
	}{{"timeout", f.Timeout, &t.Timeout}, {"min_timeout", f.Min, &t.Min}, {"max_timeout", f.Max, &t.Max}} {
		if v.text == "" {
			continue
		}
		d, err := time.ParseDuration(v.text)
		if err != nil || d < shortest || d > longest {
			return fmt.Errorf("timing.%s %q: a time from %s to %s, as in \"1s\"", v.key, v.text, shortest, longest)
		}
		*v.to = d
	}
	inOrder := func(a, b time.Duration) bool { return a == 0 || b == 0 || a <= b }
	if !inOrder(t.Min, t.Timeout) || !inOrder(t.Timeout, t.Max) || !inOrder(t.Min, t.Max) {
		return fmt.Errorf("timing: min_timeout ≤ timeout ≤ max_timeout does not hold")
	}
	return nil
}
