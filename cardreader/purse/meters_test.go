package purse_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// customer is a card of some layout with the meter that was written from the layout's rules, and the counter's books.
type customer struct {
	t     *rapid.T
	p     *profile.Profile
	c     *chip
	m     *icmeter.Meter
	cuts  bool // the meter's own writes are cut too
	tag   byte
	paid  int64
	got   int64 // credited by the meter
	ends  map[string]int
	last  *purse.OnCard // order of the last sale that was done
	doubt bool
}

// headerOf issues a card of a shipped profile.
func headerOf(p *profile.Profile) purse.Header {
	if h, ok := otherHeaders[p.Name]; ok {
		return h
	}
	return blankHeader
}

// meterFor is the meter of a card of a profile, as new.
func meterFor(t fataler, p *profile.Profile, h purse.Header) *icmeter.Meter {
	t.Helper()
	layout, _, _ := strings.Cut(p.Name, " ")
	number := h.MeterNo
	if number == "" {
		number = "00005678"
	}
	m, err := icmeter.NewOf(layout, number, h.Region, icmeter.Unit(h.Unit))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLawOfEveryLayout: on every shipped layout and with its own meter, whatever is cut on either side and in whatever
// order, what was paid for was credited or will be, once, until an order ends in doubt.
func TestLawOfEveryLayout(t *testing.T) {
	for _, name := range profile.List() {
		t.Run(name, func(t *testing.T) {
			p, ends := builtin(t, name), map[string]int{}
			h := headerOf(p)
			blank := blankImage(t, p, h)
			rapid.Check(t, func(rt *rapid.T) {
				// RAW has nothing that would tell a mark that was cut from one that was not.
				w := &customer{t: rt, p: p, c: chipOf(p, blank), m: meterFor(rt, p, h), cuts: p.Rules.Count != profile.CountNone, ends: ends}
				for range rapid.IntRange(1, 25).Draw(rt, "acts") {
					if rapid.Bool().Draw(rt, "swipe") {
						w.swipe()
					} else {
						w.sell()
					}
					if w.doubt {
						return
					}
					w.law()
				}
			})
			t.Log(ends)
			for _, e := range []string{"done", "not_done", "credited"} {
				if ends[e] == 0 {
					t.Errorf("nothing ended as %q: %v", e, ends)
				}
			}
		})
	}
}

func (w *customer) swipe() {
	if w.cuts && rapid.Bool().Draw(w.t, "cut") {
		w.m.CutAfter(rapid.IntRange(0, 40).Draw(w.t, "bytes"))
	}
	r := w.m.Swipe(w.c)
	w.got += r.Credited
	if r.Credited != 0 {
		w.ends["credited"]++
	}
	w.ends["swipe "+string(r.Reason)]++
}

func (w *customer) sell() {
	w.tag++
	o := plain(w.tag, purse.Amount(rapid.Int64Range(1, 9).Draw(w.t, "qty"))*10)
	st, err := purse.Decode(w.p, w.c.mem)
	if err != nil {
		w.t.Fatal(err)
	}
	pl, err := purse.Make(w.p, st, o)
	if err != nil {
		w.ends[codeOf(err)]++
		return
	}
	w.c.reinsert()
	w.c.fault = fault{
		at:   rapid.IntRange(0, 12).Draw(w.t, "fault at"),
		kind: faultKind(rapid.IntRange(0, int(faultTornErased)).Draw(w.t, "fault")),
		torn: rapid.IntRange(0, w.p.Order.Len+40).Draw(w.t, "torn"),
	}
	says := said(purse.New(w.c, w.p).Write(ctx, pl))
	v := map[string]purse.Verdict{"nil": purse.Done, "not sent": purse.NotDone}[says]
	if v == "" {
		if rapid.Bool().Draw(w.t, "meter first") {
			w.swipe()
		}
		if st, err = purse.Decode(w.p, w.c.mem); err != nil {
			w.t.Fatal(err)
		}
		v = purse.Resolve(pl, st)
	}
	w.ends[string(v)]++
	switch v {
	case purse.Done:
		w.paid += int64(o.Qty)
		w.last = &pl.Order
	case purse.Unclear:
		w.doubt = true
	}
}

// law compares the books with what the meter has and would take from the card as it is. A meter that reads the first copy
// only waits, when that is broken, for the counter to write it again from the backup.
func (w *customer) law() {
	image := bytes.Clone(w.c.mem)
	st, err := purse.Decode(w.p, image)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.p.Rules.Copies == profile.CopiesBackup && st.Order != nil && w.last != nil && st.Order.Seq != w.last.Seq {
		// The sale was cut before its backup was written, the meter took it and spoilt the first copy. The ledger knows a
		// newer order than the card: that is for a leader.
		w.ends["older than the ledger"]++
		w.doubt = true
		return
	}
	if w.p.Rules.Copies == profile.CopiesBackup && st.Order != nil && st.Order.Slot == "backup" {
		copy(w.p.Order.Of(image, 0), w.p.Order.Of(image, 1))
	}
	data, err := json.Marshal(w.m)
	if err != nil {
		w.t.Fatal(err)
	}
	later := new(icmeter.Meter)
	if err := json.Unmarshal(data, later); err != nil {
		w.t.Fatal(err)
	}
	would := later.Swipe(chipOf(w.p, image))
	if w.got+would.Credited != w.paid {
		w.t.Fatalf("paid %d, credited %d and %d to come (%s); card %+v, meter %+v", w.paid, w.got, would.Credited, would.Reason, st.Order, w.m.State())
	}
	if again := later.Swipe(chipOf(w.p, image)); w.p.Rules.Swiped != profile.SwipedZero && would.WroteBack && again.Credited != 0 && w.p.Rules.Count != profile.CountNone {
		w.t.Fatalf("an older image of the card was credited again: %d", again.Credited)
	}
}

// TestMetersKeepTheirLimits: the ceiling of credit, the alarm, the overdraft and the valve, on every layout that carries
// them, with cards that the purse wrote.
func TestMetersKeepTheirLimits(t *testing.T) {
	for _, name := range profile.List() {
		p := builtin(t, name)
		if p.Order.Field(profile.Seq) == nil || p.Order.Field(profile.Price) == nil {
			continue
		}
		h := headerOf(p)
		o := plain(1, 1000)
		o.Hoard, o.Alarm, o.Overdraft = 0, 100, 0
		has := func(m profile.Meaning) bool { return p.Order.Field(m) != nil }
		if has(profile.Hoard) {
			o.Hoard = 999
			c := chipOf(p, blankImage(t, p, h))
			if err := purse.New(c, p).Write(ctx, plan(t, p, c.mem, o)); err != nil {
				t.Fatal(err)
			}
			m := meterFor(t, p, h)
			if r := m.Swipe(c); r.Reason != icmeter.ReasonHoard || r.Credited != 0 || m.State().ValveOpen {
				t.Errorf("%s: over the ceiling: %+v", name, r)
			}
			o.Hoard = 1000
		}
		if has(profile.Overdraft) {
			o.Overdraft = 50
		}
		c := chipOf(p, blankImage(t, p, h))
		if err := purse.New(c, p).Write(ctx, plan(t, p, c.mem, o)); err != nil {
			t.Fatal(err)
		}
		m := meterFor(t, p, h)
		r := m.Swipe(c)
		if r.Credited != 1000 || !r.State.ValveOpen || r.State.Alarming {
			t.Errorf("%s: %+v", name, r)
		}
		if st := decode(t, p, c.mem); !st.Swiped {
			t.Errorf("%s: the card does not say that it was taken", name)
		}
		for range 3 {
			m.Use(1 << 40) // until the valve closes
		}
		s := m.State()
		want := -int64(o.Overdraft)
		if h.Unit == purse.UnitFen {
			want++ // what is left buys no whole litre
		}
		if s.ValveOpen || s.Remaining != want || !s.Alarming && has(profile.Alarm) {
			t.Errorf("%s: at the end %+v, want %d left", name, s, want)
		}
	}
}
