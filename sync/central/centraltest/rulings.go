package centraltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// dayLater is when a node that was last heard of at Start counts as lost.
var dayLater = Start.Add(central.LostAfter)

// halls are node "home", which is lost, and node "b" of station "hall b".
type halls struct {
	*subject
	home, b *Feed
}

func (s *subject) halls() *halls {
	return &halls{subject: s, home: NewFeed("home", "e1", contract.Tx), b: NewFeed("b", "e1", contract.Tx)}
}

// lostOrder is an order in doubt at node "home", which station "hall b" has asked for.
type lostOrder struct {
	*halls
	account, order string
	at             time.Time
}

// lostOrder makes one. Its node was last heard of at Start.
func (s *halls) lostOrder(account string) *lostOrder {
	s.t.Helper()
	l := &lostOrder{halls: s, account: account, order: "o-" + account, at: dayLater}
	s.status("home", Start, func(st *contract.Status) { st.Online = false })
	s.status("b", Start, nil)
	s.status("c", Start, nil)
	l.say(l.home, contract.TypeOrderInDoubt, l.doubt("buy"))
	l.say(l.b, contract.TypeOrderWanted, l.hand("w1"))
	return l
}

func (l *lostOrder) doubt(op string) contract.OrderInDoubt {
	return contract.OrderInDoubt{
		Order: l.order, Op: op, Account: l.account, Region: 3301, Card: "c-" + l.account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc", CardCum: 50, CardQty: 10,
		CardUnit: "0.1m3", VolumeL: 1000, Station: "hall a", Why: "pulled", IntentAt: contract.At(Start), Plan: json.RawMessage(`{"seq":5}`),
	}
}

func (l *lostOrder) hand(want string) contract.HandOver {
	return contract.HandOver{Order: l.order, Account: l.account, Want: want, Station: "hall b"}
}

// say lets a node say something that comes at once.
func (l *lostOrder) say(f *Feed, typ string, body any) {
	l.t.Helper()
	f.n++
	f.Append(typ, l.order, f.at(), body)
	l.commit(f.Batch(l.t, uint64(f.n), 1))
}

// end is the end that the order's own node tells.
func (l *lostOrder) end(typ string) {
	l.t.Helper()
	l.say(l.home, typ, contract.Sale{Order: l.order, Account: l.account, Region: 3301, Card: "c-" + l.account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc",
		CardCum: 50, CardQty: 10, CardUnit: "0.1m3", WasInDoubt: true, Station: "hall a", VolumeL: 1000, AmountFen: 265})
}

func (l *lostOrder) rule(do string, change func(*central.Rule)) (contract.Ruling, error) {
	r := central.Rule{Order: l.order, Do: do, By: "li", Because: "burnt"}
	if do == contract.RuleGiven {
		r.Station = "hall b"
	}
	if change != nil {
		change(&r)
	}
	return l.Store.Rule(always, r, l.at)
}

// refused wants a decision to be refused.
func (l *lostOrder) refused(why central.Unruled, do string, change func(*central.Rule)) {
	l.t.Helper()
	_, err := l.rule(do, change)
	if got, ok := errors.AsType[central.Unruled](err); !ok || got != why {
		l.t.Errorf("%s: %v, want %s", do, err, why)
	}
}

func (l *lostOrder) rules(do string) contract.Ruling {
	l.t.Helper()
	r, err := l.rule(do, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// told is what a node is told of the order; nil when it is not.
func (l *lostOrder) told(node string) (contract.AccountDelta, *contract.OpenDoubt) {
	l.t.Helper()
	l.at = l.at.Add(61 * time.Minute) // it is made anew
	l.compose(node, l.at)
	var payload []byte
	if err := l.DB.QueryRow("SELECT payload FROM desired WHERE node = '" + node + "'").Scan(&payload); err != nil {
		l.t.Fatal(err)
	}
	d, err := contract.OpenDesired(payload, node, Signer{}.Keys())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, a := range part[contract.Accounts](l.t, &d, contract.PartAccounts).Deltas {
		if a.Account == l.account {
			for _, o := range a.Doubts {
				return a, &o
			}
			return a, nil
		}
	}
	return contract.AccountDelta{}, nil
}

func forced(r *central.Rule) { r.NodeIsLost = true }

// ruledGiven: the centre agrees in the place of a node that is gone; the counter that asked, and the node should it come back,
// are told as if that node had agreed.
func ruledGiven(t *testing.T, s *subject) {
	h := s.halls()
	l := h.lostOrder("g1")
	r := l.rules(contract.RuleGiven)
	if r.Want != "w1" || r.Station != "hall b" || r.By != "li" || r.Because != "burnt" || !r.At.Equal(dayLater) {
		t.Errorf("ruling %+v", r)
	}
	for _, node := range []string{"b", "home"} {
		if _, o := l.told(node); o == nil || o.Given != "w1" || len(o.Wanted) != 0 || o.Ruled == nil || *o.Ruled != r || (o.Doubt.Plan == nil) != (node == "home") {
			t.Errorf("%s is told %+v", node, o)
		}
	}
	l.at = l.at.Add(time.Hour)
	if again := l.rules(contract.RuleGiven); again != r {
		t.Errorf("once more: %+v", again)
	}
	l.refused(central.RuleGivenOut, contract.RuleRefunded, forced)
	l.refused(central.RuleGivenOut, contract.RuleGiven, func(r *central.Rule) { r.Station = "hall c" })

	l.say(l.b, contract.TypeOrderReturned, l.hand("w1"))
	l.refused(central.RuleNotAsked, contract.RuleGiven, nil)
	l.say(l.b, contract.TypeOrderWanted, l.hand("w2"))
	if r := l.rules(contract.RuleGiven); r.Want != "w2" {
		t.Errorf("the second time %+v", r)
	}
	l.say(l.b, contract.TypeOrderReturned, l.hand("w2"))
	l.rules(contract.RuleRefunded)
	list, err := s.Store.Doubts(always, false)
	if err != nil || len(list) != 1 || len(list[0].Rulings) != 3 || list[0].Rulings[0] != r || fmt.Sprint(list[0].Returned) != "[hall b hall b]" || list[0].Given != nil {
		t.Errorf("listed %+v, %v", list, err)
	}
}

// ruledClosed: what the office has settled stands against nothing elsewhere; its own node is told until it has answered,
// also when it tells an end meanwhile.
func ruledClosed(t *testing.T, s *subject) {
	h := s.halls()
	for _, do := range []string{contract.RuleWritten, contract.RuleRefunded, contract.RuleNotWritten} {
		l := h.lostOrder("k-" + do)
		l.rules(do)
		d, o := l.told("c")
		if o != nil || d.Account == "" || (d.CardSeq == 5) != (do == contract.RuleWritten) {
			t.Errorf("%s: c is told %+v, %+v", do, d, o)
		}
		_, o = l.told("home")
		if o == nil || o.Ruled == nil || o.Ruled.Do != do {
			t.Fatalf("%s: its own node is told %+v", do, o)
		}
		l.refused(central.RuleClosed, contract.RuleGiven, forced)
		l.say(l.home, contract.TypeOrderInDoubt, l.doubt("buy")) // a write that was under way has ended
		if _, o = l.told("home"); o == nil {
			t.Errorf("%s: its own node is not told again", do)
		}
		l.end(contract.TypeSaleVoid)
		if _, o = l.told("home"); o == nil || o.Ruled == nil {
			t.Errorf("%s: its own node is not told after its end", do)
		}
		l.refused(central.RuleEnded, do+"x", nil)
		l.say(l.home, contract.TypeOrderRuled, contract.OrderRuled{Order: l.order, Account: l.account, Do: do, Obeyed: true, State: "void"})
		if _, o = l.told("home"); o != nil {
			t.Errorf("%s: its own node is told for ever: %+v", do, o)
		}
	}
	all, err := s.Store.Doubts(always, true)
	open, err2 := s.Store.Doubts(always, false)
	if err != nil || err2 != nil || len(all) != 3 || len(open) != 0 || all[0].Ended != contract.TypeSaleVoid || len(all[0].Answers) != 1 {
		t.Errorf("listed %+v and %+v, %v, %v", all, open, err, err2)
	}
}

// ruledOnlyOfTheLost: the centre takes the right from nobody who may be there.
func ruledOnlyOfTheLost(t *testing.T, s *subject) {
	h := s.halls()
	l := h.lostOrder("l1")
	l.at = dayLater.Add(-time.Second)
	l.refused(central.RuleHeard, contract.RuleGiven, nil)
	l.refused(central.RuleHeard, contract.RuleRefunded, nil)
	s.status("home", l.at, nil)
	l.refused(central.RuleOnline, contract.RuleGiven, forced)
	l.refused(central.RuleOnline, contract.RuleNotWritten, forced)
	s.status("home", l.at, func(st *contract.Status) { st.Online = false })
	if _, err := l.rule(contract.RuleGiven, forced); err != nil {
		t.Errorf("a person says that it is lost: %v", err)
	}
	l.at = dayLater.Add(48 * time.Hour)
	l = h.lostOrder("l2")
	s.status("home", Start, nil) // "there", and nothing since: what a broker remembers
	if _, err := l.rule(contract.RuleGiven, nil); err != nil {
		t.Errorf("a word of long ago: %v", err)
	}
}

// ruledOtherLedger: a node of the same name that runs on another ledger does not have the order, as soon as that is proven.
func ruledOtherLedger(t *testing.T, s *subject) {
	h := s.halls()
	anew := func(epoch, typ string, body any) {
		f := NewFeed("home", epoch, contract.Ev)
		f.Append(typ, "x", Start, body)
		s.status("home", dayLater, func(st *contract.Status) { st.Epoch = epoch })
		s.commit(f.Batch(t, 1, 1))
	}
	restored := func(to uint64, at time.Time) contract.LedgerRestored {
		return contract.LedgerRestored{OldEpoch: "e1", BackupAt: contract.At(at), Streams: map[contract.Stream]contract.Renumbered{contract.Tx: {From: 1, To: to, As: 1}}}
	}
	l := h.lostOrder("r1")
	s.status("home", dayLater, func(st *contract.Status) { st.Epoch = "e2" })
	l.refused(central.RuleOnline, contract.RuleGiven, forced) // nobody knows what the new ledger has
	anew("e3", contract.TypeLedgerRestored, restored(1, Start.Add(-time.Hour)))
	l.refused(central.RuleOnline, contract.RuleGiven, forced) // it has the word of the order
	anew("e4", contract.TypeLedgerRestored, restored(0, Start.Add(time.Hour)))
	l.refused(central.RuleOnline, contract.RuleGiven, forced) // it may have its intent
	anew("e5", contract.TypeLedgerRestored, restored(0, Start.Add(-time.Hour)))
	l.refused(central.RuleReplaced, contract.RuleGiven, nil)
	anew("e6", contract.TypeNodeStarted, contract.NodeStarted{Version: "1", Boot: "b"})
	l.refused(central.RuleReplaced, contract.RuleGiven, nil)
	if list, err := s.Store.Doubts(always, false); err != nil || !list[0].Replaced {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := l.rule(contract.RuleGiven, forced); err != nil {
		t.Fatal(err)
	}
	if _, o := l.told("home"); o == nil || o.Doubt.Plan == nil {
		t.Errorf("the new ledger could not judge the card: %+v", o)
	}
}

// ruledNever: what is settled, seen, or nobody could write.
func ruledNever(t *testing.T, s *subject) {
	h := s.halls()
	l := h.lostOrder("n1")
	l.refused(central.RuleUnknown, contract.RuleGiven, func(r *central.Rule) { r.Order = "o-nobody" })
	l.refused(central.RuleNotAsked, contract.RuleGiven, func(r *central.Rule) { r.Station = "hall c" })
	if _, err := l.rule("burnt", nil); err == nil {
		t.Error("decided what there is not")
	}
	for name, change := range map[string]func(*contract.OrderInDoubt){
		"n2": func(d *contract.OrderInDoubt) { d.Plan = nil }, "n3": func(d *contract.OrderInDoubt) { d.Op = "refund" },
	} {
		l := h.lostOrder(name)
		d := l.doubt("buy")
		change(&d)
		l.say(l.home, contract.TypeOrderInDoubt, d)
		l.refused(central.RuleNotToGive, contract.RuleGiven, nil)
		l.rules(contract.RuleRefunded)
	}
	l = h.lostOrder("n4")
	l.say(l.home, contract.TypeOrderInDoubt, l.doubt("issue"))
	l.refused(central.RuleNotCard, contract.RuleWritten, nil)
	l.rules(contract.RuleNotWritten)
	l = h.lostOrder("n5")
	l.say(l.b, contract.TypeOrderWitnessed, l.seen())
	l.refused(central.RuleSeen, contract.RuleGiven, nil)
	l.refused(central.RuleSeen, contract.RuleRefunded, nil)
	l.rules(contract.RuleWritten)
	l = h.lostOrder("n6")
	l.end(contract.TypeSale)
	l.refused(central.RuleEnded, contract.RuleGiven, nil)
	l = h.lostOrder("n7")
	l.say(l.home, contract.TypeOrderGiven, l.hand("w1")) // its own node had agreed before
	l.refused(central.RuleGivenOut, contract.RuleGiven, nil)
}

func (l *lostOrder) seen() contract.OrderWitnessed {
	return contract.OrderWitnessed{Order: l.order, Account: l.account, Region: 3301, Card: "c-" + l.account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc", CardCum: 50,
		CardQty: 10, CardUnit: "0.1m3", Station: "hall c", Image: "00"}
}

// oneRuling: of several people who decide at once, at several instances, one does.
func oneRuling(t *testing.T, s *subject) {
	h := s.halls()
	l := h.lostOrder("one")
	kinds := []string{contract.RuleGiven, contract.RuleRefunded, contract.RuleWritten, contract.RuleNotWritten}
	done := make([]string, 12)
	var wg sync.WaitGroup
	for i := range done {
		wg.Go(func() {
			r, err := l.rule(kinds[i%len(kinds)], func(r *central.Rule) { r.By = fmt.Sprint("p", i) })
			if _, refused := errors.AsType[central.Unruled](err); err != nil && !refused {
				t.Error(err)
			}
			if err == nil {
				done[i] = r.Do + " by " + r.By
			}
		})
	}
	wg.Wait()
	won := map[string]bool{}
	for _, d := range done {
		if d != "" {
			won[d] = true
		}
	}
	if len(won) != 1 || s.number("SELECT COUNT(*) FROM ruling") != 1 {
		t.Errorf("decided %v", won)
	}
}

// contradictions: two records of an order that cannot both be right are in the report of the day on which the second came.
func contradictions(t *testing.T, s *subject) {
	h := s.halls()
	code := map[string]string{}
	story := func(account, want string, tell func(l *lostOrder)) {
		l := h.lostOrder(account)
		tell(l)
		code["o-"+account] = want
	}
	rule := func(l *lostOrder, do string) { l.rules(do) }
	answer := func(l *lostOrder, do, want, state string, obeyed bool) {
		l.say(l.home, contract.TypeOrderRuled, contract.OrderRuled{Order: l.order, Account: l.account, Do: do, Want: want, Obeyed: obeyed, State: state, AmountFen: 265, Operator: "chen"})
	}
	story("witness after void", central.FindingVoidWritten, func(l *lostOrder) { l.end(contract.TypeSaleVoid); l.say(l.b, contract.TypeOrderWitnessed, l.seen()) })
	story("void after witness", central.FindingVoidWritten, func(l *lostOrder) { l.say(l.b, contract.TypeOrderWitnessed, l.seen()); l.end(contract.TypeSaleVoid) })
	story("witness and sale", "", func(l *lostOrder) { l.say(l.b, contract.TypeOrderWitnessed, l.seen()); l.end(contract.TypeSale) })
	story("given and void", central.FindingOverruled, func(l *lostOrder) { rule(l, contract.RuleGiven); l.end(contract.TypeSaleVoid) })
	story("given and done", "", func(l *lostOrder) { rule(l, contract.RuleGiven); l.end(contract.TypeSale) })
	story("given, returned and void", "", func(l *lostOrder) {
		rule(l, contract.RuleGiven)
		answer(l, contract.RuleGiven, "w1", "in_doubt", true)
		l.say(l.b, contract.TypeOrderReturned, l.hand("w1"))
		l.end(contract.TypeSaleVoid)
	})
	story("refunded twice", central.FindingOverruled, func(l *lostOrder) {
		rule(l, contract.RuleRefunded)
		l.end(contract.TypeSaleVoid)
		answer(l, contract.RuleRefunded, "", "void", false)
	})
	story("refunded and obeyed", "", func(l *lostOrder) {
		rule(l, contract.RuleRefunded)
		answer(l, contract.RuleRefunded, "", "in_doubt", true)
		l.end(contract.TypeSaleVoid)
	})
	story("refunded and sold", central.FindingOverruled, func(l *lostOrder) { rule(l, contract.RuleRefunded); l.end(contract.TypeSale) })
	story("refunded and seen", central.FindingOverruled, func(l *lostOrder) { rule(l, contract.RuleRefunded); l.say(l.b, contract.TypeOrderWitnessed, l.seen()) })
	story("written and void", central.FindingOverruled, func(l *lostOrder) { rule(l, contract.RuleWritten); l.end(contract.TypeSaleVoid) })
	story("not written and void", "", func(l *lostOrder) { rule(l, contract.RuleNotWritten); l.end(contract.TypeSaleVoid) })

	r, err := s.Store.Reconcile(always, central.Query{Node: "home"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.Findings {
		if order, text, ok := strings.Cut(strings.TrimPrefix(f.Text, "order "), ": "); ok && strings.HasPrefix(order, "o-") {
			got[order] += f.Code
			if first, second, both := strings.Cut(text, "; "); !both || first == "" || second == "" || f.Node != "home" {
				t.Errorf("not two records: %+v", f)
			}
		}
	}
	for order, want := range code {
		if got[order] != want {
			t.Errorf("%s: found %q, want %q", order, got[order], want)
		}
	}
	found := func(day string) (n int) {
		r, err := s.Store.Reconcile(always, central.Query{Node: "home", Day: day})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			if f.Code == central.FindingVoidWritten || f.Code == central.FindingOverruled {
				n++
			}
		}
		return n
	}
	if a, b, c := found("2026-11-21"), found("2026-11-22"), found("2026-11-23"); a != 2 || b != 5 || c != 0 {
		t.Errorf("%d, %d and %d findings by day", a, b, c)
	}
}

// rulingIsNews: everybody is told of a decision at once, and the order's own node once more when it says something of the
// order and cannot have obeyed yet.
func rulingIsNews(t *testing.T, s *subject) {
	h := s.halls()
	l := h.lostOrder("news")
	outdated := func() string {
		l.at = l.at.Add(time.Minute)
		nodes, err := s.Store.Outdated(always, l.at, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			if err := s.Store.Compose(always, n, Signer{}, l.at, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		return fmt.Sprint(nodes)
	}
	outdated()
	if got := outdated(); got != "[]" {
		t.Fatalf("outdated without news: %s", got)
	}
	l.rules(contract.RuleGiven)
	if got := outdated(); got != "[b c home]" {
		t.Errorf("of a decision hear %s", got)
	}
	l.say(l.home, contract.TypeOrderInDoubt, l.doubt("buy"))
	if got := outdated(); got != "[b c home]" {
		t.Errorf("of a write that has ended hear %s", got)
	}
	l.end(contract.TypeSaleVoid)
	if got := outdated(); got != "[b c home]" {
		t.Errorf("of an end hear %s", got)
	}
	l.say(l.home, contract.TypeOrderRuled, contract.OrderRuled{Order: l.order, Account: l.account, Do: contract.RuleGiven, Want: "w1", State: "void"})
	if got := outdated(); got != "[b c]" {
		t.Errorf("of the answer hear %s", got)
	}
}
