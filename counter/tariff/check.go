package tariff

import (
	"errors"
	"fmt"
	"time"
)

// ErrTable says that a price table is not fit for use.
var ErrTable = errors.New("bad price table")

// Check reports the first fault of a table: tiers must ascend, the last and only the last is open, prices are
// positive, From is a date.
func (t Table) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: class %q version %d: %s", ErrTable, t.Class, t.Version, fmt.Sprintf(format, args...))
	}
	switch {
	case t.Class == "":
		return bad("no class")
	case t.Version < 1:
		return bad("versions count from 1")
	case t.PeriodMonths < 1 || t.PeriodMonths > 120:
		return bad("period of %d months, want 1 to 120", t.PeriodMonths)
	case len(t.Tiers) == 0:
		return bad("no tier")
	}
	if _, err := time.Parse(time.DateOnly, t.From); err != nil {
		return bad("from %q is no date like 2026-01-01", t.From)
	}
	for i, tier := range t.Tiers {
		last := i == len(t.Tiers)-1
		switch {
		case tier.Price <= 0:
			return bad("tier %d has no positive price", i+1)
		case last && tier.UpTo != 0:
			return bad("the last tier must be open (up to 0)")
		case !last && tier.UpTo <= 0:
			return bad("tier %d has no limit", i+1)
		case !last && i > 0 && tier.UpTo <= t.Tiers[i-1].UpTo:
			return bad("tier %d ends at %s m³, not above tier %d", i+1, tier.UpTo, i)
		}
	}
	return nil
}

// CheckAll checks every table, and that no two of a class have the same version or the same first day.
func CheckAll(tables []Table) error {
	type key struct{ class, what string }
	seen := map[key]bool{}
	for _, t := range tables {
		if err := t.Check(); err != nil {
			return err
		}
		for _, k := range []key{{t.Class, fmt.Sprint("version ", t.Version)}, {t.Class, "from " + t.From}} {
			if seen[k] {
				return fmt.Errorf("%w: class %q has two tables of %s", ErrTable, k.class, k.what)
			}
			seen[k] = true
		}
	}
	return nil
}

// Pick finds the table of a class that holds on a day ("2026-11-21"): the newest From that is not after it.
func Pick(tables []Table, class, day string) (Table, bool) {
	var best Table
	found := false
	for _, t := range tables {
		if t.Class == class && t.From <= day && (!found || t.From > best.From) {
			best, found = t, true
		}
	}
	return best, found
}

// PeriodStart is the first day of the tier period that a day lies in. Periods follow each other without a gap and are
// counted from January of year 0, so 12 months are a calendar year, 6 a half and 1 a calendar month.
func PeriodStart(months int, day string) (string, error) {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil || months < 1 {
		return "", fmt.Errorf("%w: period of %d months at %q", ErrTable, months, day)
	}
	n := d.Year()*12 + int(d.Month()) - 1
	n -= n % months
	return time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), nil
}
