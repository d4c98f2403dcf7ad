package web

import (
	"strings"
	"testing"

	"tally/counter"
)

// away is a desk with a card whose order is in doubt at another counter.
func away(e counter.DoubtElsewhere) counter.Desk {
	d := inserted(8, true)
	d.Problem = &counter.Refusal{Code: counter.CodeOpenElsewhere, Args: map[string]string{"order": e.Order, "station": e.Station}}
	d.Elsewhere = &e
	return d
}

// The clerk sees where the money lies, and may ask for the order when the card proves it not written.
func TestOrderOfAnotherCounterIsShown(t *testing.T) {
	e := counter.DoubtElsewhere{Order: "01J9ZX3K5QAWAY00000000001", Station: "H09", At: start, Volume: 20000, Takeable: true}
	for name, c := range map[string]struct {
		role   counter.Role
		change func(*counter.DoubtElsewhere)
		has    []string
		not    string
	}{
		"asks":          {counter.Clerk, func(*counter.DoubtElsewhere) {}, []string{"H09", `data-act="take"`, "请求在此代写"}, "已请求"},
		"asks again":    {counter.Clerk, func(e *counter.DoubtElsewhere) { e.Asked = true }, []string{`data-act="take"`, "再次请求", "等待该营业点"}, "请求在此代写<"},
		"goes back":     {counter.Clerk, func(e *counter.DoubtElsewhere) { e.Takeable = false }, []string{"H09"}, `data-act="take"`},
		"does not sell": {counter.Finance, func(*counter.DoubtElsewhere) {}, []string{"H09"}, `data-act="take"`},
	} {
		s := newSite(t)
		one := e
		c.change(&one)
		s.f.role = c.role
		s.f.change(func() { s.f.desks = []counter.Desk{away(one)} })
		page := text(t, s.ask("GET", "/", "", cookie(s.login()), html))
		for _, want := range c.has {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %q", name, want)
			}
		}
		if strings.Contains(page, c.not) {
			t.Errorf("%s: the page has %q", name, c.not)
		}
	}
}

// What was handed over can be written or handed back; no word says that money is given back here.
func TestOrderThatWasHandedOverIsWrittenOrReturned(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	d, o := doubted()
	o.Op, o.Of, o.Amount = counter.OpFinish, "01J9ZX3K5QAWAY00000000001", 0
	d.InDoubt = &o
	s.f.change(func() { s.f.desks = []counter.Desk{d} })
	page := text(t, s.ask("GET", "/", "", me, html))
	for _, want := range []string{`data-act="retry"`, `data-act="return"`, "交还该营业点"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{`data-act="void"`, "并把现金退给用户"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
	said := text(t, s.ask("POST", "/api/v1/orders/"+o.ID+"/return", "", me, html))
	if !strings.Contains(said, "订单已交还") || strings.Contains(said, "款项退还用户") || s.f.count("Void "+o.ID) != 1 {
		t.Errorf("handing back says %s", said)
	}
}
