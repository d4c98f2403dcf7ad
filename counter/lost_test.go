package counter_test

import (
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

func TestLostCardIsRefusedUntilFoundOrReplaced(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	if code(o.svc.ReportLost(bg, o.clerk, c.no, true, "丢了")) != counter.CodeNoCard {
		t.Error("a card that nobody has was reported lost")
	}
	p := o.issue(c)
	if code(o.svc.ReportLost(bg, o.clerk, c.no, true, "")) != counter.CodeReasonNeeded {
		t.Error("no reason was asked for")
	}
	if err := o.svc.ReportLost(bg, o.clerk, c.no, true, "丢了"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.sell(p, 10); code(err) != counter.CodeCardLost {
		t.Errorf("sold to a lost card: %v", err)
	}
	if err := o.svc.ReportLost(bg, o.clerk, c.no, false, "找到了"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.sell(p, 10); err != nil {
		t.Error(err)
	}
	told := map[string]int{}
	for _, r := range o.store.Records() {
		told[r.Type]++
	}
	if told[counter.TypeCardLost] != 1 || told[counter.TypeCardFound] != 1 {
		t.Errorf("the centre was told %v", told)
	}
}

// An order in doubt whose card never comes back: a leader decides, the card is replaced, the old one is dead.
func TestOrderInDoubtOnALostCardIsDecidedAndTheCardReplaced(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	d := o.insert(p)
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: 300 * 10}
	q, err := o.svc.Quote(bg, o.clerk, a)
	if err != nil {
		t.Fatal(err)
	}
	p.tap.arm(9, pulled)
	_, err = o.svc.Sell(bg, o.clerk, counter.Sell{Request: o.request(), Ask: a, Volume: q.Volume, Amount: q.Amount})
	order := o.lastOrder()
	if order.State != counter.InDoubt {
		t.Fatalf("order %s: %v", order.State, err)
	}
	if got := code(o.svc.Decide(bg, o.leader, order.ID, counter.NotWritten, "x")); got != counter.CodeWriteUnknown {
		t.Errorf("decided while the card may come back: %s", got)
	}
	if _, err := o.reissue(c, h.blank(), counter.CauseLost, ""); code(err) != counter.CodeInDoubt {
		t.Errorf("replaced with money open: %v", err)
	}
	if err := o.svc.ReportLost(bg, o.clerk, c.no, true, "丢了"); err != nil {
		t.Fatal(err)
	}
	if err := o.svc.Decide(bg, o.leader, order.ID, counter.NotWritten, "用户表上没有"); err != nil {
		t.Fatal(err)
	}
	fresh := h.blank()
	r, err := o.reissue(c, fresh, counter.CauseLost, "")
	if err != nil || r.Amount != 1500 || r.Issue != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	c.spent, c.card = append(c.spent, p), fresh
	if d := o.insert(p); d.Problem == nil || d.Problem.Code != counter.CodeCardReplaced {
		t.Errorf("the old card: %+v", d.Problem)
	}
	if _, err := o.sell(fresh, 50); err != nil {
		t.Error(err)
	}
	h.law()
}
