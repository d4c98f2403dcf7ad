package purse_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// TestLawOfOtherMakers: on every maker's card, whatever is cut and whenever the meter comes in between, what was paid
// for is in the meter or waits on the card, until an order ends in doubt.
func TestLawOfOtherMakers(t *testing.T) {
	for name, h := range otherHeaders {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		blank, ends := blankImage(t, p, h), map[string]int{}
		rapid.Check(t, func(rt *rapid.T) {
			l := &lawful{t: t, rt: rt, p: p, image: bytes.Clone(blank), meter: otherMeter{p: p}, ends: ends}
			for range rapid.IntRange(1, 30).Draw(rt, "steps") {
				if rapid.Bool().Draw(rt, "swipe") {
					l.meter.swipe(t, l.image)
				} else if !l.sell() {
					return
				}
				l.check()
			}
		})
		t.Logf("%s: %v", name, ends)
		if ends["done"] == 0 || ends["not_done"] == 0 {
			t.Errorf("%s: ends %v", name, ends)
		}
	}
}

type lawful struct {
	t     *testing.T
	rt    *rapid.T
	p     *profile.Profile
	image []byte
	meter otherMeter
	paid  purse.Amount
	tag   byte
	ends  map[string]int
}

// sell writes an order with a fault and settles it by the card, now or after the meter took that. It reports whether the
// books can go on: an order in doubt ends them.
func (l *lawful) sell() bool {
	l.tag++
	o := plain(l.tag, purse.Amount(rapid.Int64Range(1, 9).Draw(l.rt, "qty"))*10)
	pl, err := purse.Make(l.p, decode(l.t, l.p, l.image), o)
	if err != nil {
		l.ends[codeOf(err)]++
		return codeOf(err) == purse.CodeNotSwiped
	}
	c := chipOf(l.p, l.image)
	c.fault = fault{
		at:   rapid.IntRange(0, 12).Draw(l.rt, "fault at"),
		kind: faultKind(rapid.IntRange(0, int(faultTornErased)).Draw(l.rt, "fault")),
		torn: rapid.IntRange(0, l.p.Order.Len).Draw(l.rt, "torn"),
	}
	says := said(purse.New(c, l.p).Write(ctx, pl))
	l.image = c.mem
	if says == "unknown" && rapid.Bool().Draw(l.rt, "meter first") {
		l.meter.swipe(l.t, l.image)
	}
	v := map[string]purse.Verdict{"nil": purse.Done, "not sent": purse.NotDone}[says]
	if v == "" {
		v = purse.Resolve(pl, decode(l.t, l.p, l.image))
	}
	l.ends[string(v)]++
	if v == purse.Done {
		l.paid += o.Qty
	}
	return v != purse.Unclear
}

func (l *lawful) check() {
	st := decode(l.t, l.p, l.image)
	waiting := purse.Amount(0)
	if st.Order != nil && !st.Swiped {
		waiting = st.Order.Qty
	}
	if got := l.meter.credited + waiting; got != l.paid {
		l.rt.Fatalf("paid %d, in the meter and on the card %d; card %+v", l.paid, got, st.Order)
	}
}
