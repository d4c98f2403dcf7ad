package purse_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// world is one customer's card and meter, and the counter's books about them.
type world struct {
	t     *rapid.T
	p     *profile.Profile
	c     *chip
	m     *icmeter.Meter
	tag   byte
	paid  purse.Amount // of orders that are certain
	doubt *purse.Plan  // an order whose end is not known

	credited, used int64
	first          uint32 // what the meter had accepted at the start
	ends           map[string]int
}

// TestLawUnderRandomSequences: whatever is cut and in whatever order, what was paid for is on the card or in the meter,
// once: Σ paid = Σ credited by the meter + what the card still carries, and an order in doubt is settled by the card.
func TestLawUnderRandomSequences(t *testing.T) {
	p := gen4442(t)
	start := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100), buy(2, 200))
	ends := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.SampledFrom([]uint16{2, 32766, 65530}).Draw(t, "start sequence")
		w := &world{t: t, p: p, ends: ends, paid: 300}
		w.c = newChip(withSeq(t, p, start, seq))
		w.m = meterWith(t, seq, 300)
		w.first = 300
		t.Repeat(map[string]func(*rapid.T){
			"sell":   func(*rapid.T) { w.sell() },
			"refund": func(*rapid.T) { w.refund() },
			"settle": func(*rapid.T) { w.settle() },
			"swipe":  func(*rapid.T) { w.swipe() },
			"use":    func(*rapid.T) { w.use() },
			"":       func(*rapid.T) { w.law() },
		})
		w.settle()
		w.c.reinsert()
		w.swipeWhole()
		if got := purse.Amount(w.m.State().Accepted); got != w.paid {
			t.Fatalf("in the end: paid %d, meter accepted %d", w.paid, got)
		}
	})
	t.Log(ends)
	for _, e := range []string{"done", "not sent", "doubt: done", "doubt: not_done", "refund", "write-back cut"} {
		if ends[e] == 0 && !testing.Short() { // twenty sequences need not reach all
			t.Errorf("no sequence reached %q", e)
		}
	}
}

func (w *world) state() purse.State {
	w.c.reinsert()
	st, err := purse.New(w.c, w.p).Read(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func (w *world) sell() {
	if w.doubt != nil {
		return // the counter does not sell to a card with an order in doubt
	}
	w.tag++
	w.write(buy(w.tag, purse.Amount(rapid.Int64Range(1, 5000).Draw(w.t, "qty"))))
}

// refund takes back part of an order that the meter has not seen.
func (w *world) refund() {
	st := w.state()
	if w.doubt != nil || st.Swiped || st.Order == nil || st.Order.Cumulative <= purse.Amount(w.m.State().Accepted) {
		return
	}
	w.tag++
	o := buy(w.tag, -purse.Amount(rapid.Int64Range(1, int64(st.Order.Cumulative)-int64(w.m.State().Accepted)).Draw(w.t, "back")))
	o.Op = purse.OpRefund
	w.ends["refund"]++
	w.write(o)
}

func (w *world) write(o purse.Order) {
	st := w.state()
	pl, err := purse.Make(w.p, st, o)
	if err != nil {
		w.t.Fatalf("plan on %+v: %v", st.Order, err)
	}
	w.c.fault = fault{
		at:   rapid.IntRange(0, 16).Draw(w.t, "fault at"),
		kind: faultKind(rapid.IntRange(0, int(faultTornErased)).Draw(w.t, "fault")),
		torn: rapid.IntRange(0, 31).Draw(w.t, "torn"),
	}
	err = purse.New(w.c, w.p).Write(ctx, pl)
	switch {
	case err == nil:
		w.paid += pl.Qty
		w.ends["done"]++
	case errors.Is(err, cardreader.ErrNotSent):
		w.ends["not sent"]++
	default:
		w.doubt = &pl
	}
}

// settle resolves an order in doubt by the card; the clerk writes it again or gives the money back.
func (w *world) settle() {
	if w.doubt == nil {
		return
	}
	pl := *w.doubt
	w.doubt = nil
	v := purse.Resolve(pl, w.state())
	w.ends["doubt: "+string(v)]++
	switch v {
	case purse.Done:
		w.paid += pl.Qty
	case purse.NotDone:
		if pl.Qty > 0 && rapid.Bool().Draw(w.t, "again") {
			o := buy(0, pl.Qty)
			o.Tag = pl.Tag
			w.write(o)
			w.settle()
		}
	default:
		w.t.Fatalf("a cut write resolved as %s", v)
	}
}

func (w *world) swipe() {
	if rapid.Bool().Draw(w.t, "cut") {
		w.m.CutAfter(rapid.IntRange(0, 66).Draw(w.t, "bytes"))
	}
	r := w.m.Swipe(w.c)
	w.credited += r.Credited
	if !r.WroteBack {
		w.ends["write-back cut"]++
	}
}

func (w *world) swipeWhole() {
	w.credited += w.m.Swipe(w.c).Credited
}

func (w *world) use() {
	got := w.m.Use(quantity.Volume(rapid.Int64Range(0, 100_000).Draw(w.t, "litres")))
	w.used += int64(got)
}

func (w *world) law() {
	ms := w.m.State()
	if int64(ms.Accepted) != int64(w.first)+w.credited {
		w.t.Fatalf("meter accepted %d, credited %d", ms.Accepted, w.credited)
	}
	if ms.Remaining*10-ms.Rest != w.credited*10-w.used {
		w.t.Fatalf("meter has %d left of %d credited and %d L used", ms.Remaining, w.credited, w.used)
	}
	st := w.state()
	if st.Order == nil {
		w.t.Fatal("the card has no valid order")
	}
	onCard := st.Order.Cumulative - purse.Amount(ms.Accepted)
	sum := purse.Amount(w.credited) + purse.Amount(w.first) + onCard
	if w.doubt == nil && sum != w.paid {
		w.t.Fatalf("paid %d, in meter and on card %d", w.paid, sum)
	}
	if w.doubt != nil && sum != w.paid && sum != w.paid+w.doubt.Qty {
		w.t.Fatalf("paid %d and %d in doubt, in meter and on card %d", w.paid, w.doubt.Qty, sum)
	}
	if st.Swiped && ms.Seq != st.Order.Seq {
		w.t.Fatalf("card says swiped, the meter took %d of %d", ms.Seq, st.Order.Seq)
	}
}
