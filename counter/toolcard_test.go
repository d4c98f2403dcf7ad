package counter_test

import (
	"testing"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
)

func TestCardForMetersIsUsedAsOftenAsItSays(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 500); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	check := h.blank()
	r, err := o.tool(check, purse.KindCheck, 2)
	if err != nil || r.Kind != purse.KindCheck || r.Uses != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	o.take()
	m := c.meter.(*generalMeter).m
	for i, want := range []icmeter.Reason{"", "", icmeter.ReasonUsedUp} {
		if got := m.Swipe(check.chip); got.Reason != want || got.Accepted != (want == "") {
			t.Errorf("use %d: %+v", i+1, got)
		}
	}
	d := o.insert(check)
	if d.Problem == nil || d.Problem.Code != counter.CodeNotUserCard || !d.Card.Swiped || d.Card.WriteBack.Seq != 2 {
		t.Errorf("desk %+v %+v", d.Problem, d.Card.WriteBack)
	}
	if c.meter.Left() != 500 {
		t.Error("a check card changed the meter")
	}
}

// TestCardForWaterMetersSaysSo: the card, its order and the words at the desk know what the meters meter; gas when nothing
// is said.
func TestCardForWaterMetersSaysSo(t *testing.T) {
	for _, profile := range []string{"GEN4442 v1", "GEN102 v1"} {
		for _, water := range []bool{false, true} {
			h := newHall(t, profile, purse.UnitCentiM3, 1)
			o := h.offices[0]
			p := h.blank()
			d := o.insert(p)
			_, err := o.svc.MakeTool(bg, o.leader, counter.ToolCard{
				Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, CardNo: "90000001", Kind: purse.KindCheck, Uses: 1, Reason: "外勤", Water: water,
			})
			if err != nil {
				t.Fatal(profile, err)
			}
			orders := o.store.Orders()
			if last := orders[len(orders)-1]; last.Water != water {
				t.Errorf("%s: the order says water %t", profile, last.Water)
			}
			o.take()
			if d := o.insert(p); d.Card == nil || d.Card.Water != water {
				t.Errorf("%s: the card %+v", profile, d.Card)
			}
		}
	}
}

func TestClearAndParameterCards(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 500); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	m := c.meter.(*generalMeter).m
	param := h.blank()
	if _, err := o.tool(param, purse.KindParam, 1); err != nil {
		t.Fatal(err)
	}
	o.take()
	m.CutAfter(10) // a torn use is a use that may be made again, never one for nothing
	if got := m.Swipe(param.chip); got.Accepted || m.State().Tariff.Release != uint8(residential().Version) {
		t.Errorf("%+v", got)
	}
	if got := m.Swipe(param.chip); !got.Accepted {
		t.Errorf("%+v", got)
	}
	clearing := h.blank()
	if _, err := o.tool(clearing, purse.KindClear, 1); err != nil {
		t.Fatal(err)
	}
	o.take()
	if got := m.Swipe(clearing.chip); !got.Accepted || m.State().Remaining != 0 || m.State().Card != "" {
		t.Errorf("%+v", got)
	}
}

func TestMoneyCardIsPricedByTheMeter(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitFen, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	r, err := o.sell(p, 60000) // 600 yuan: 100 m³ at 2.65, the rest at 3.18
	if err != nil || r.Amount != 60000 || r.Volume != 0 || r.OnCard != 0 && r.OnCard != 60000 {
		t.Fatalf("%+v %v", r, err)
	}
	d := o.settled()
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: quantity.CubicMetre}
	if _, err := o.svc.Quote(bg, o.clerk, a); err == nil {
		t.Error("a volume was quoted on a money card")
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 60000 {
		t.Fatalf("credited %d", got)
	}
	m := c.meter.(*generalMeter).m
	if got := m.Use(110 * quantity.CubicMetre); got != 110*quantity.CubicMetre {
		t.Fatalf("used %s", got)
	}
	if left := m.State().Remaining; left != 60000-26500-3180 {
		t.Errorf("%d fen left", left)
	}
}

func TestRetiredCardIsIssuedAgainAndTheMeterCountsOn(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 500); err != nil {
		t.Fatal(err)
	}
	if _, err := o.retire(p); code(err) != counter.CodeNotSwiped {
		t.Errorf("a card with gas on it was retired: %v", err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	if _, err := o.retire(p); err != nil {
		t.Fatal(err)
	}
	if a := o.account(c.no); !a.Card.IsZero() {
		t.Errorf("account %+v", a)
	}
	d := o.insert(p)
	if _, err := o.svc.Issue(bg, o.clerk, counter.Issue{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no}); err != nil {
		t.Fatal(err)
	}
	c.card = p
	if _, err := o.sell(p, 200); err != nil {
		t.Fatal(err)
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 200 {
		t.Errorf("the meter credited %d", got)
	}
	h.law()
}
