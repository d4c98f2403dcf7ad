package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tally/counter"
	"tally/counter/tariff"
)

// refusing is a desk that takes tables, unless it does not.
type refusing struct {
	no    error
	taken []tariff.Table
}

func (r *refusing) SetTables(t []tariff.Table) error {
	if r.no == nil {
		r.taken = t
	}
	return r.no
}
func (*refusing) SetLocks(context.Context, time.Time, []counter.AccountLock) error { return nil }
func (*refusing) Absorb(context.Context, []counter.AccountDelta) error             { return nil }
func (*refusing) Confirm(counter.Freshness)                                        {}

// TestPricelistFollowsTheDesk: the classes that can be chosen are those that have prices on the business day of UTC+8, once
// each, whatever the centre has released last; what the desk refused is not among them.
func TestPricelistFollowsTheDesk(t *testing.T) {
	now := time.Date(2026, 11, 30, 15, 59, 0, 0, time.UTC)
	l := &pricelist{now: func() time.Time { return now }}
	if got := l.classes(); got != nil {
		t.Errorf("before the config: %q", got)
	}
	l.set([]tariff.Table{{Class: "residential", From: "2026-01-01"}, {Class: "industrial", From: "2026-12-01"}, {Class: "residential", From: "2026-06-01"}, {Class: "commercial", From: "2020-01-01"}})
	if got := l.classes(); !slices.Equal(got, []string{"commercial", "residential"}) {
		t.Errorf("on the last day of November: %q", got)
	}
	now = now.Add(2 * time.Minute) // December at the counter
	if got := l.classes(); !slices.Equal(got, []string{"commercial", "industrial", "residential"}) {
		t.Errorf("on the first day of December: %q", got)
	}
	d := &refusing{}
	p := priced{d, l}
	if err := p.SetTables([]tariff.Table{{Class: "school", From: "2026-01-01"}}); err != nil || len(d.taken) != 1 {
		t.Fatal(err)
	}
	if got := l.classes(); !slices.Equal(got, []string{"school"}) {
		t.Errorf("after a release: %q", got)
	}
	d.no = errors.New("no")
	if err := p.SetTables([]tariff.Table{{Class: "church", From: "2026-01-01"}}); err == nil {
		t.Error("a refusal was lost")
	}
	if got := l.classes(); !slices.Equal(got, []string{"school"}) {
		t.Errorf("after a refused release: %q", got)
	}
}
