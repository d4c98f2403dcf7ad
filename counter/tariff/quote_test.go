package tariff

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tally/meter/quantity"
)

const m3 = quantity.CubicMetre

func twoTiers() Table {
	return Table{Class: "residential", Version: 1, From: "2026-01-01", PeriodMonths: 12, Tiers: []Tier{
		{UpTo: 100 * m3, Price: 26500}, {Price: 31805},
	}}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct {
		name      string
		bought, v quantity.Volume
		lines     []Line
		total     quantity.Money
	}{
		{"within the first tier", 0, 10 * m3, []Line{{1, 10 * m3, 26500, 2650}}, 2650},
		{"up to the border", 90 * m3, 10 * m3, []Line{{1, 10 * m3, 26500, 2650}}, 2650},
		{"over the border, each line rounded once", 99 * m3, 2 * m3, []Line{{1, m3, 26500, 265}, {2, m3, 31805, 318}}, 583},
		{"from the border", 100 * m3, m3, []Line{{2, m3, 31805, 318}}, 318},
		{"half a fen goes up", 100 * m3, 100, []Line{{2, 100, 31805, 32}}, 32},
	} {
		lines, total, err := Quote(twoTiers(), c.bought, c.v)
		if err != nil || total != c.total || !slices.Equal(lines, c.lines) {
			t.Errorf("%s: %v %v %v", c.name, lines, total, err)
		}
	}
}

func TestQuoteRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct{ bought, v quantity.Volume }{
		{0, 0}, {0, -1}, {-1, 1}, {math.MaxInt64, 1},
	} {
		if _, _, err := Quote(twoTiers(), c.bought, c.v); !errors.Is(err, quantity.ErrRange) {
			t.Errorf("%d after %d: %v", c.v, c.bought, err)
		}
	}
	dear := twoTiers()
	dear.Tiers[1].Price = 1 << 60
	if _, _, err := Quote(dear, 0, 1<<60); !errors.Is(err, quantity.ErrRange) {
		t.Errorf("a price without end: %v", err)
	}
	open := twoTiers()
	open.Tiers[1].UpTo = 200 * m3
	if _, _, err := Quote(open, 0, 300*m3); !errors.Is(err, ErrTable) {
		t.Errorf("table without an open tier: %v", err)
	}
}

func drawTable(t *rapid.T) Table {
	table := Table{Class: "c", Version: 1, From: "2026-01-01", PeriodMonths: 12}
	limit := quantity.Volume(0)
	for range rapid.IntRange(0, 3).Draw(t, "bounded tiers") {
		limit += quantity.Volume(rapid.Int64Range(1, 5000).Draw(t, "width"))
		table.Tiers = append(table.Tiers, Tier{UpTo: limit, Price: quantity.Price(rapid.Int64Range(1, 90000).Draw(t, "price"))})
	}
	table.Tiers = append(table.Tiers, Tier{Price: quantity.Price(rapid.Int64Range(1000, 90000).Draw(t, "last price"))})
	if err := table.Check(); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestForMoneyIsTheBruteForceAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		bought := quantity.Volume(rapid.Int64Range(0, 12000).Draw(t, "bought"))
		m := quantity.Money(rapid.Int64Range(0, 1500).Draw(t, "money"))
		step := quantity.Volume(rapid.SampledFrom([]int64{1, 10, 100}).Draw(t, "step"))
		if step == 1 {
			m %= 100
		}
		var want quantity.Volume
		for v := step; ; v += step {
			_, total, err := Quote(table, bought, v)
			if err != nil {
				t.Fatal(err)
			}
			if total > m {
				break
			}
			want = v
		}
		got, lines, total, err := ForMoney(table, bought, m, step)
		if err != nil || got != want {
			t.Fatalf("got %v (%v), want %v", got, err, want)
		}
		var volume quantity.Volume
		var sum quantity.Money
		for _, l := range lines {
			volume += l.Volume
			sum += l.Amount
		}
		if volume != got || sum != total || total > m {
			t.Fatalf("lines %v add up to %v and %v, want %v and %v ≤ %v", lines, volume, sum, got, total, m)
		}
	})
}

func TestQuoteLinesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		bought := quantity.Volume(rapid.Int64Range(0, 1<<40).Draw(t, "bought"))
		v := quantity.Volume(rapid.Int64Range(1, 1<<40).Draw(t, "v"))
		lines, total, err := Quote(table, bought, v)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range lines {
			want, err := l.Price.Of(l.Volume)
			if err != nil || l.Amount != want || i > 0 && l.Tier <= lines[i-1].Tier {
				t.Fatalf("line %+v", l)
			}
			v -= l.Volume
			total -= l.Amount
		}
		if v != 0 || total != 0 {
			t.Fatalf("%v m³ and %v yuan are in no line", v, total)
		}
	})
}

func TestForMoneyOfAnyInputDoesNotPanic(t *testing.T) {
	for _, m := range []quantity.Money{math.MinInt64, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64} {
		for _, bought := range []quantity.Volume{math.MinInt64, 0, 1 << 40, math.MaxInt64} {
			for _, step := range []quantity.Volume{math.MinInt64, 0, 1, 100, math.MaxInt64} {
				if v, _, total, err := ForMoney(twoTiers(), bought, m, step); err == nil && (total > m || v%step != 0) {
					t.Errorf("%d fen after %d by %d: %v for %v", m, bought, step, v, total)
				}
			}
		}
	}
	if _, _, _, err := ForMoney(Table{}, 0, 100, 10); !errors.Is(err, ErrTable) {
		t.Errorf("table without tiers: %v", err)
	}
}
