package quantity

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestPriceOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		price Price
		vol   Volume
		want  Money
		err   error
	}{
		{"one cubic metre", 26500, CubicMetre, 265, nil},
		{"nothing", 26500, 0, 0, nil},
		{"free", 0, CubicMetre, 0, nil},
		{"half a fen is rounded up", 5, 10_000, 1, nil},   // 0.5 fen
		{"just below half a fen", 1, 49_999, 0, nil},      // 0.49999 fen
		{"reversal equals its sale", 5, -10_000, -1, nil}, // −0.5 fen
		{"price below zero", -1, CubicMetre, 0, ErrRange}, //
		{"greatest exact", 100_000, math.MaxInt64, math.MaxInt64, nil},
		{"one beyond", 100_001, math.MaxInt64, 0, ErrRange},
		{"smallest volume", 100_000, math.MinInt64, 0, ErrRange}, // its magnitude does not fit
		{"both greatest", math.MaxInt64, math.MaxInt64, 0, ErrRange},
		{"both greatest, negative", math.MaxInt64, math.MinInt64, 0, ErrRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.price.Of(c.vol)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d.Of(%d) = %d, %v, want %d, %v", c.price, c.vol, got, err, c.want, c.err)
			}
		})
	}
}

// exactOf is Of with numbers that cannot overflow: round half away from zero of p·v / 100 000.
func exactOf(p Price, v Volume) *big.Int {
	n := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(int64(v)))
	neg := n.Sign() < 0
	n.Abs(n).Add(n, big.NewInt(50_000)).Quo(n, big.NewInt(100_000))
	if neg {
		n.Neg(n)
	}
	return n
}

func TestPriceOfAgainstBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Price(rapid.Int64Min(0).Draw(t, "price"))
		v := Volume(rapid.Int64().Draw(t, "volume"))
		want := exactOf(p, v)
		got, err := p.Of(v)
		fits := want.CmpAbs(big.NewInt(math.MaxInt64)) <= 0
		if fits != (err == nil) {
			t.Fatalf("Of = %d, %v; exact value is %s", got, err, want)
		}
		if fits && big.NewInt(int64(got)).Cmp(want) != 0 {
			t.Fatalf("Of = %d, exact value is %s", got, want)
		}
		if back, backErr := p.Of(-v); v != math.MinInt64 && err == nil && (backErr != nil || back != -got) {
			t.Fatalf("Of(−v) = %d, %v, want %d", back, backErr, -got)
		}
	})
}

func TestAffords(t *testing.T) {
	for _, c := range []struct {
		name  string
		price Price
		money Money
		step  Volume
		want  Volume
		err   error
	}{
		{"10 yuan at 2.65", 26500, 1000, 1, 3775, nil}, // costs 10.00375, rounded 10.00; one litre more 10.0064, rounded 10.01
		{"whole cubic metres", 26500, 1000, 1000, 3000, nil},
		{"tenths", 26500, 1000, 100, 3700, nil},
		{"no money", 26500, 0, 1000, 0, nil},
		{"free gas", 0, 100, 1, 0, ErrRange},
		{"debt", 26500, -1, 1, 0, ErrRange},
		{"no step", 26500, 100, 0, 0, ErrRange},
		{"more than a volume can be", 1, math.MaxInt64, 1, 0, ErrRange},
		{"all the money there is", math.MaxInt64, math.MaxInt64, 1, 100_000, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.price.Affords(c.money, c.step)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("Affords = %d, %v, want %d, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestAffordsIsTheGreatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Price(rapid.OneOf(rapid.Int64Range(1, 100_000), rapid.Int64Min(1)).Draw(t, "price"))
		m := Money(rapid.OneOf(rapid.Int64Range(0, 10_000_000), rapid.Int64Min(0)).Draw(t, "money"))
		step := Volume(rapid.OneOf(rapid.Just(int64(1)), rapid.Int64Range(1, 10_000)).Draw(t, "step"))
		v, err := p.Affords(m, step)
		if err != nil {
			beyond := exactOf(p, math.MaxInt64)
			if beyond.CmpAbs(big.NewInt(int64(m))) > 0 {
				t.Fatalf("refused, but the greatest volume costs %s", beyond)
			}
			return
		}
		if v%step != 0 || v < 0 {
			t.Fatalf("%d is no whole number of steps of %d", v, step)
		}
		if exactOf(p, v).Cmp(big.NewInt(int64(m))) > 0 {
			t.Fatalf("%d L cost %s, the money is %d", v, exactOf(p, v), m)
		}
		if v <= math.MaxInt64-step && exactOf(p, v+step).Cmp(big.NewInt(int64(m))) <= 0 {
			t.Fatalf("%d L would be affordable too: %s of %d", v+step, exactOf(p, v+step), m)
		}
	})
}

func TestAdd(t *testing.T) {
	for _, c := range []struct {
		a, b, want int64
		ok         bool
	}{
		{1, 2, 3, true}, {-1, 1, 0, true}, {0, 0, 0, true}, {math.MaxInt64, 0, math.MaxInt64, true},
		{math.MaxInt64, 1, 0, false}, {1, math.MaxInt64, 0, false}, {math.MinInt64, -1, 0, false},
		{-1, math.MinInt64, 0, false}, {math.MinInt64, math.MaxInt64, -1, true}, {math.MaxInt64, math.MaxInt64, 0, false},
		{math.MinInt64, math.MinInt64, 0, false}, {math.MinInt64, 0, math.MinInt64, true},
	} {
		v, err := Volume(c.a).Add(Volume(c.b))
		m, errM := Money(c.a).Add(Money(c.b))
		if int64(v) != c.want || int64(m) != c.want || (err == nil) != c.ok || (errM == nil) != c.ok {
			t.Errorf("%d + %d = %d, %v and %d, %v, want %d, %v", c.a, c.b, v, err, m, errM, c.want, c.ok)
		}
		if !c.ok && (!errors.Is(err, ErrRange) || !errors.Is(errM, ErrRange)) {
			t.Errorf("errors %v, %v do not match ErrRange", err, errM)
		}
	}
}
