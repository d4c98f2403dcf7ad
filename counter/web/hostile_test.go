package web

import (
	"strings"
	"testing"
	"testing/synctest"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
)

// evil tries every context that the templates have.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus='alert(1) </template>{{.}}` + "\r\nevent: bye\r\n\r\n\x00\xff"

// poison puts evil wherever somebody else's text can come from: names, cards, readers, meters, the bench, refusals.
func poison(f *fake) {
	a := counter.AccountView{No: evil, Name: evil, Address: evil, Phone: evil, PriceClass: evil, Meter: evil, Card: purse.CardID{No: evil}, Locked: true,
		Locks: []counter.Lock{{Reason: evil, By: evil, At: start}}}
	d, o := doubted()
	d.Reader, d.Account, d.Phase = evil, &a, counter.Ready
	d.Card.Profile, d.Card.Kind, d.Card.Damaged, d.Card.Card.No = evil, evil, []string{evil}, evil
	d.Card.Order.At, d.Card.WriteBack.MeterTime, d.Card.WriteBack.Status = evil, evil, []string{evil}
	o.ID, o.Operator, o.Card.No, o.Account, o.Op, o.Unit, o.Reason = evil, evil, evil, evil, evil, evil, evil
	d.InDoubt = &o
	asked := o
	asked.State = counter.Quarantined
	asked.Card = d.Card.Card
	free := d // its last order may be refunded
	last := o
	last.Op, last.Plan.Seq = purse.OpBuy, d.Card.Order.Seq
	free.InDoubt, free.Last, free.Reader = nil, &last, evil+"2"
	unswiped := *d.Card
	unswiped.Swiped = false
	free.Card = &unswiped
	lost := free // and of this one made up
	gone := last
	gone.Plan.Seq++
	lost.Last, lost.Reader = &gone, evil+"3"
	bad := counter.Desk{Reader: evil, Phase: evil, Insertion: 2, Problem: &counter.Refusal{Code: evil, Args: map[string]string{"reader": evil}}}
	locked := counter.Desk{Reader: "r", Phase: counter.Ready, Problem: &counter.Refusal{Code: counter.CodeLocked, Args: map[string]string{"reason": evil, "by": evil, "at": evil}}}
	f.change(func() {
		f.desks, f.open, f.found = []counter.Desk{d, bad, locked, free, lost}, []counter.Order{o, asked}, []counter.AccountView{a}
		f.meters = []MeterView{{ID: evil, Model: evil, Line: evil, Failure: &meter.Failure{Code: evil, Text: evil}, Last: &meter.Reading{
			Quality: []string{evil}, Values: []meter.Value{{Name: meter.Volume, Unit: quantity.Unit(evil)}}}}}
		f.bench = BenchState{Cards: []BenchCard{{evil, evil, evil}}, Meters: []BenchMeter{{evil, evil, true, evil, evil, evil, evil, evil, evil}}}
	})
	q, _ := quote(counter.Ask{Volume: 20000})
	r := receiptOf(q, 1)
	r.Op = evil
	r.Station, r.Operator, r.Capitals, r.Account, r.Order = evil, evil, evil, a, "evil"
	f.receipts["evil"] = r
}

// tame fails when text that came from outside has become markup.
func tame(t *testing.T, where, page string) {
	t.Helper()
	for _, bad := range []string{"<script>alert", "<img src=x", "' onfocus='", `""><`, "</template>{"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s: %q came through", where, bad)
		}
	}
	if strings.Contains(page, "ZgotmplZ") {
		t.Errorf("%s: a value stands where html/template cannot guard it", where)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Station, o.Version = evil, evil })
	me := cookie(s.login())
	poison(s.f)
	page := text(t, s.ask("GET", "/", "", me, html))
	tame(t, "page", page)
	if !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Fatal("the page does not show the hostile text at all")
	}
	tame(t, "receipt", text(t, s.ask("GET", "/api/v1/receipts/evil", "", me, html)))
	tame(t, "search", text(t, s.ask("POST", "/api/v1/accounts/search", `{"query":""}`, me, html)))
	tame(t, "login", text(t, s.ask("POST", "/login", "name=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&password=x", form, html)))
	s.f.refuse["Quote"] = &counter.Refusal{Code: counter.CodeLocked, Args: map[string]string{"reason": evil, "by": evil, "at": evil}}
	s.f.role = counter.Leader
	boss := cookie(s.login())
	page = text(t, s.ask("GET", "/", "", boss, html))
	tame(t, "leader's page", page)
	for _, want := range []string{`data-deed="decide `, `data-deed="refund `, `data-deed="makeup `, `data-deed="lock `, `data-deed="release `} {
		if !strings.Contains(page, want) {
			t.Errorf("the leader's page lacks %s, so that nothing was tried there", want)
		}
	}
	tame(t, "leader's search", text(t, s.ask("POST", "/api/v1/accounts/search", `{"query":""}`, boss, html)))
	tame(t, "decided", text(t, s.ask("POST", "/api/v1/orders/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E/decide", `{"decision":"written","reason":"x"}`, boss, html)))
	tame(t, "problem", text(t, s.ask("POST", "/api/v1/quote", "{}", me, html)))
}

func TestHostileTextInTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		poison(s.f)
		l := s.listen(s.login())
		got := l.news()
		tame(t, "stream", got)
		if strings.Contains(got, "\nevent: bye") || strings.Contains(got, "\r") {
			t.Error("an event was forged")
		}
		l.cancel()
		<-l.done
	})
}

// JSON is never taken for a page, whatever is in it.
func TestJSONIsNotSniffed(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	poison(s.f)
	r := s.ask("GET", "/api/v1/desks", "", me)
	if ct := r.Header.Get("Content-Type"); ct != "application/json; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	if strings.Contains(text(t, r), "<script") {
		t.Error("markup is not escaped in JSON")
	}
}
