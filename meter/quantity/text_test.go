package quantity

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStrings(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Volume(12340).String(), "12.34"}, {Volume(-1).String(), "-0.001"}, {Volume(7000).String(), "7"}, {Volume(0).String(), "0"},
		{Volume(10_000_000).String(), "10000"},
		{Volume(math.MinInt64).String(), "-9223372036854775.808"}, {Volume(math.MaxInt64).String(), "9223372036854775.807"},
		{Volume(1999).Fixed(0), "1"}, {Volume(1999).Fixed(1), "1.9"}, {Volume(1999).Fixed(2), "1.99"}, {Volume(1999).Fixed(3), "1.999"},
		{Volume(1999).Fixed(9), "1.999"}, {Volume(5).Fixed(2), "0.00"}, {Volume(-1999).Fixed(1), "-1.9"},
		{Money(32504).String(), "325.04"}, {Money(-5).String(), "-0.05"}, {Money(0).String(), "0.00"},
		{Money(math.MinInt64).String(), "-92233720368547758.08"},
		{Price(26500).String(), "2.65"}, {Price(26525).String(), "2.6525"}, {Price(20000).String(), "2.00"}, {Price(0).String(), "0.00"},
		{Price(26520).String(), "2.652"},
		{Decimal{55667700, 2}.String(), "556677.00"}, {Decimal{-5, 3}.String(), "-0.005"}, {Decimal{42, 0}.String(), "42"},
		{Decimal{math.MinInt64, 18}.String(), "-9.223372036854775808"}, {Decimal{1, 18}.String(), "0.000000000000000001"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in     string
		litres Volume
		err    error
	}{
		{"12.34", 12340, nil}, {"0", 0, nil}, {"-0.001", -1, nil}, {"007", 7000, nil}, {"-0", 0, nil}, {"1.000", 1000, nil},
		{"9223372036854775.807", math.MaxInt64, nil}, {"-9223372036854775.808", math.MinInt64, nil},
		{"9223372036854775.808", 0, ErrRange}, {"-9223372036854775.809", 0, ErrRange}, {strings.Repeat("9", 400), 0, ErrRange},
		{"", 0, ErrSyntax}, {"-", 0, ErrSyntax}, {".5", 0, ErrSyntax}, {"5.", 0, ErrSyntax}, {"-.5", 0, ErrSyntax},
		{"--5", 0, ErrSyntax}, {"+5", 0, ErrSyntax}, {"1.2.3", 0, ErrSyntax}, {"1e3", 0, ErrSyntax}, {"1 000", 0, ErrSyntax},
		{" 5", 0, ErrSyntax}, {"1,5", 0, ErrSyntax}, {"0x10", 0, ErrSyntax}, {"1_000", 0, ErrSyntax}, {"1.-5", 0, ErrSyntax},
		{"١٢", 0, ErrSyntax}, {"５", 0, ErrSyntax}, {"NaN", 0, ErrSyntax}, {"1.2345", 0, ErrSyntax}, {"1.0000", 0, ErrSyntax},
	} {
		got, err := ParseVolume(c.in)
		if got != c.litres || !errors.Is(err, c.err) {
			t.Errorf("ParseVolume(%q) = %d, %v, want %d, %v", c.in, got, err, c.litres, c.err)
		}
	}
	if _, err := ParsePrice("-0.01"); !errors.Is(err, ErrRange) {
		t.Errorf("negative price: %v, want ErrRange", err)
	}
	if _, err := ParseMoney("0.001"); !errors.Is(err, ErrSyntax) {
		t.Errorf("a tenth of a fen: %v, want ErrSyntax", err)
	}
	if _, err := ParseVolume(strings.Repeat("x", 10_000)); err == nil || len(err.Error()) > 200 {
		t.Error("hostile text is repeated in full")
	}
}

func TestParseReadsBackWhatIsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if v, err := ParseVolume(Volume(n).String()); v != Volume(n) || err != nil {
			t.Fatalf("volume %d: %d, %v", n, v, err)
		}
		if v, err := ParseVolume(Volume(n).Fixed(3)); v != Volume(n) || err != nil {
			t.Fatalf("fixed volume %d: %d, %v", n, v, err)
		}
		if m, err := ParseMoney(Money(n).String()); m != Money(n) || err != nil {
			t.Fatalf("money %d: %d, %v", n, m, err)
		}
		if n >= 0 {
			if p, err := ParsePrice(Price(n).String()); p != Price(n) || err != nil {
				t.Fatalf("price %d: %d, %v", n, p, err)
			}
		}
	})
}

// FuzzParse: whatever is accepted means exactly what it says, so printing and reading it again changes nothing.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"12.34", "-0.001", "0", "9223372036854775.807", "1e3", "", ".", "-", "5.", "1.2345", "\x00", "１"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseVolume(s); err == nil {
			again, err := ParseVolume(v.String())
			if err != nil || again != v {
				t.Errorf("%q is %d, printed %q, read %d, %v", s, v, v, again, err)
			}
		} else if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrRange) {
			t.Errorf("%q: error %v matches neither", s, err)
		}
		if m, err := ParseMoney(s); err == nil {
			if again, err := ParseMoney(m.String()); err != nil || again != m {
				t.Errorf("%q is %d, printed %q, read %d, %v", s, m, m, again, err)
			}
		}
		if p, err := ParsePrice(s); err == nil && p < 0 {
			t.Errorf("price %q is negative: %d", s, p)
		}
	})
}

func TestDecimalVolume(t *testing.T) {
	for _, c := range []struct {
		d    Decimal
		u    Unit
		want Volume
		err  error
	}{
		{Decimal{55667700, 2}, UnitCubicMetre, 556677000, nil}, {Decimal{1234567, 3}, UnitCubicMetre, 1234567, nil},
		{Decimal{12345678, 4}, UnitCubicMetre, 1234567, nil}, {Decimal{17047, 0}, UnitLitre, 17047, nil},
		{Decimal{99, 2}, UnitLitre, 0, nil}, {Decimal{-19999, 4}, UnitCubicMetre, -1999, nil},
		{Decimal{math.MaxInt64, 0}, UnitLitre, math.MaxInt64, nil}, {Decimal{math.MaxInt64, 0}, UnitCubicMetre, 0, ErrRange},
		{Decimal{math.MinInt64, 0}, UnitCubicMetre, 0, ErrRange}, {Decimal{math.MaxInt64, 3}, UnitCubicMetre, math.MaxInt64, nil},
		{Decimal{1, 255}, UnitLitre, 0, nil}, {Decimal{1, 0}, UnitKWh, 0, ErrRange}, {Decimal{1, 0}, UnitNone, 0, ErrRange},
		{Decimal{1, 0}, Unit(strings.Repeat("m", 9999)), 0, ErrRange},
	} {
		got, err := c.d.Volume(c.u)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s %.9s = %d, %v, want %d, %v", c.d, c.u, got, err, c.want, c.err)
		}
	}
}
