package tariff

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestCheck(t *testing.T) {
	if err := twoTiers().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Table){
		"no class":             func(t *Table) { t.Class = "" },
		"version 0":            func(t *Table) { t.Version = 0 },
		"no date":              func(t *Table) { t.From = "2026-13-01" },
		"no period":            func(t *Table) { t.PeriodMonths = 0 },
		"endless period":       func(t *Table) { t.PeriodMonths = 121 },
		"no tier":              func(t *Table) { t.Tiers = nil },
		"free tier":            func(t *Table) { t.Tiers[0].Price = 0 },
		"negative price":       func(t *Table) { t.Tiers[1].Price = -1 },
		"closed last tier":     func(t *Table) { t.Tiers[1].UpTo = 500 * m3 },
		"open tier in between": func(t *Table) { t.Tiers[0].UpTo = 0 },
		"negative limit":       func(t *Table) { t.Tiers[0].UpTo = -1 },
		"tiers not ascending":  func(t *Table) { t.Tiers = []Tier{{2 * m3, 1}, {2 * m3, 1}, {0, 1}} },
	} {
		table := twoTiers()
		spoil(&table)
		if err := table.Check(); !errors.Is(err, ErrTable) {
			t.Errorf("%s: %v", name, err)
		}
		if err := CheckAll([]Table{table}); !errors.Is(err, ErrTable) {
			t.Errorf("%s among all: %v", name, err)
		}
	}
}

func TestCheckAllAndPick(t *testing.T) {
	old, next, other := twoTiers(), twoTiers(), twoTiers()
	next.Version, next.From = 2, "2026-07-01"
	other.Class = "commercial"
	tables := []Table{next, other, old}
	if err := CheckAll(tables); err != nil {
		t.Fatal(err)
	}
	for day, version := range map[string]int{"2026-01-01": 1, "2026-06-30": 1, "2026-07-01": 2, "2030-01-01": 2} {
		if got, ok := Pick(tables, "residential", day); !ok || got.Version != version {
			t.Errorf("%s: version %d %v, want %d", day, got.Version, ok, version)
		}
	}
	if _, ok := Pick(tables, "residential", "2025-12-31"); ok {
		t.Error("a table holds before its first day")
	}
	if _, ok := Pick(tables, "industrial", "2026-12-31"); ok {
		t.Error("a table of another class holds")
	}
	sameDay := next
	sameDay.Version = 3
	for _, twice := range [][]Table{{old, old}, {next, sameDay}} {
		if err := CheckAll(twice); !errors.Is(err, ErrTable) {
			t.Errorf("two of a kind: %v", err)
		}
	}
}

func TestPeriodStart(t *testing.T) {
	for _, c := range []struct {
		months    int
		day, want string
	}{
		{12, "2026-01-01", "2026-01-01"}, {12, "2026-12-31", "2026-01-01"}, {12, "2027-01-01", "2027-01-01"},
		{6, "2026-06-30", "2026-01-01"}, {6, "2026-07-01", "2026-07-01"}, {3, "2026-11-21", "2026-10-01"},
		{1, "2028-02-29", "2028-02-01"}, {24, "2027-05-05", "2026-01-01"},
	} {
		if got, err := PeriodStart(c.months, c.day); err != nil || got != c.want {
			t.Errorf("%d months on %s: %s %v, want %s", c.months, c.day, got, err, c.want)
		}
	}
	for _, c := range []struct {
		months int
		day    string
	}{{0, "2026-01-01"}, {12, "yesterday"}, {12, ""}} {
		if _, err := PeriodStart(c.months, c.day); !errors.Is(err, ErrTable) {
			t.Errorf("%d months on %q: %v", c.months, c.day, err)
		}
	}
}

func TestPeriodsFollowEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		months := rapid.IntRange(1, 120).Draw(t, "months")
		date := rapid.Custom(func(t *rapid.T) string {
			return day(rapid.IntRange(0, 200*365).Draw(t, "day"))
		})
		a, b := date.Draw(t, "a"), date.Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		pa, err1 := PeriodStart(months, a)
		pb, err2 := PeriodStart(months, b)
		if err1 != nil || err2 != nil || pa > a || pa > pb {
			t.Fatalf("%s in %s, %s in %s (%v %v)", a, pa, b, pb, err1, err2)
		}
		if again, err := PeriodStart(months, pa); err != nil || again != pa {
			t.Fatalf("the first day %s of a period lies in %s", pa, again)
		}
	})
}
