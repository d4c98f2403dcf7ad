package centraltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// sold is a sale on a card, by a node that exists in the test only.
func sold(f *Feed, account string, seq uint16, volume int64) {
	f.n++
	id := fmt.Sprintf("%s-%s-%d", f.Node, account, seq)
	f.Append(contract.TypeSale, id, f.at(), contract.Sale{
		Order: id, Account: account, Region: 3301, Card: "c-" + account, Meter: "m-" + account, Operator: "op", Station: f.Node, VolumeL: volume,
		AmountFen: 100, Currency: "CNY", CardUnit: "0.1m3", IntentAt: contract.At(f.at()), CardSeq: seq, CardIssue: 1, CardCum: int64(seq) * 10,
		CardQty: 10, CardTag: "010203", Period: "2026-01-01",
	})
}

func manyChanges(t *testing.T, s *subject) {
	const accounts = 1200
	s.status("n1", Start, nil)
	s.status("n2", Start, nil)
	s.status("n3", Start, func(st *contract.Status) { st.Region = 9 })
	f := NewFeed("n2", "e1", contract.Tx)
	for i := range accounts {
		sold(f, fmt.Sprintf("a%04d", i), 5, 1000)
	}
	for from := 1; from <= accounts; from += 50 {
		s.commit(f.Batch(t, uint64(from), min(50, accounts-from+1)))
	}
	told := map[string]bool{}
	at := Start
	for round := range 4 {
		at = at.Add(time.Minute)
		d := s.compose("n1", at)
		a := part[contract.Accounts](t, d, contract.PartAccounts)
		for _, delta := range a.Deltas {
			told[delta.Account] = true
		}
		if a.More != (round < 2) {
			t.Errorf("round %d: %d deltas, more %t", round, len(a.Deltas), a.More)
		}
		if !a.More {
			break
		}
		s.status("n1", at, func(st *contract.Status) { st.Cfg = d.Version })
	}
	if len(told) != accounts {
		t.Errorf("%d of %d accounts", len(told), accounts)
	}
	at = at.Add(time.Minute)
	s.compose("n1", at)
	one := NewFeed("n2", "e1", contract.Tx)
	one.n = accounts
	for range accounts {
		one.AppendRaw(f.Queue.Raw(one.State().Next))
	}
	sold(one, "a0001", 6, 1000)
	s.commit(one.Batch(t, accounts+1, 1))
	if outdated, err := s.Store.Outdated(always, at, time.Hour); err != nil || !slices.Equal(outdated, []string{"n1"}) {
		t.Errorf("%v are outdated, want n1 only: it is n2's own doing and another region than n3's (%v)", outdated, err)
	}
	for _, node := range []string{"n2", "n3"} {
		if err := s.Store.Set(always, node, contract.Settings{}, at); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Minute)
		if a := part[contract.Accounts](t, s.compose(node, at), contract.PartAccounts); len(a.Deltas) != 0 {
			t.Errorf("%s is told of %d accounts", node, len(a.Deltas))
		}
	}
}

func locks(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	if err := s.Store.Lock(always, "0001", "leak", "li", Start); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Lock(always, "0001", "leak", "li", Start.Add(time.Second)); err == nil {
		t.Error("locked twice")
	}
	ev := NewFeed("n2", "e1", contract.Ev)
	there := contract.SaleLock{Account: "0002", Reason: "seal broken", By: "zhao", At: contract.At(Start)}
	ev.Append(contract.TypeSaleLock, "0002", Start, there)
	there.LiftedBy, there.Why = "wang", "repaired"
	ev.Append(contract.TypeSaleUnlock, "0002", Start.Add(time.Hour), there)
	s.commit(ev.Batch(t, 2, 1)) // lifted before it was set, as far as the centre has heard
	s.commit(ev.Batch(t, 1, 1))
	l := part[contract.Locks](t, s.compose("n1", Start.Add(time.Minute)), contract.PartLocks)
	if len(l.Standing) != 1 || l.Standing[0].Account != "0001" || len(l.Lifted) != 1 || l.Lifted[0] != (contract.LiftedLock{Account: "0002", At: contract.At(Start), By: "wang"}) {
		t.Errorf("%+v", l)
	}
	if n, err := s.Store.Unlock(always, "0001", "repaired", "li", Start.Add(2*time.Minute)); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := s.Store.Unlock(always, "0001", "repaired", "li", Start.Add(2*time.Minute)); err == nil {
		t.Error("unlocked twice")
	}
	l = part[contract.Locks](t, s.compose("n1", Start.Add(3*time.Minute)), contract.PartLocks)
	if len(l.Standing) != 0 || len(l.Lifted) != 2 {
		t.Errorf("%+v", l)
	}
}

// anyOrder: nodes that were offline deliver late; what other nodes are told in the end does not depend on it.
func anyOrder(t *testing.T, s *subject) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 6 {
		account := fmt.Sprintf("r%d", round)
		var batches []central.Batch
		seq := uint16(65_534) // and around the end of 16 bits
		for visit := range 6 {
			f := NewFeed(fmt.Sprintf("v%d-%d", round, visit), "e1", contract.Tx)
			f.n = visit * 100
			for range 3 {
				sold(f, account, seq, 1000)
				seq++
			}
			batches = append(batches, f.Batch(t, 1, 3))
		}
		random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
		for _, b := range batches {
			s.commit(b)
		}
		s.status("reader", Start, nil)
		var got contract.AccountDelta
		for _, d := range part[contract.Accounts](t, s.compose("reader", Start.Add(time.Duration(round+1)*time.Minute)), contract.PartAccounts).Deltas {
			if d.Account == account {
				got = d
			}
		}
		want := contract.AccountDelta{
			Account: account, Version: got.Version, Region: 3301, Card: "c-" + account, CardIssue: 1, CardSeq: seq - 1, CardCum: int64(seq-1) * 10,
			CardQty: 10, CardTag: "010203", CardUnit: "0.1m3", Meter: "m-" + account, PeriodStart: "2026-01-01", BoughtL: 18_000,
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("round %d:\n%+v, want\n%+v", round, got, want)
		}
	}
}

func oldWill(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	s.status("n1", Start, func(st *contract.Status) { st.Session = "s2" })
	s.status("n1", Start, func(st *contract.Status) { st.Online = false }) // the will of the first connection
	s.want("SELECT online FROM node", 1)
	s.status("n1", Start, func(st *contract.Status) { st.Session, st.Online = "s2", false })
	s.want("SELECT online FROM node", 0)
	if nodes, err := s.Store.Nodes(always); err != nil || len(nodes) != 1 || nodes[0].Region != 3301 || nodes[0].Online {
		t.Errorf("%+v %v", nodes, err)
	}
}

// cardLife: a customer's cards through the years, told by three nodes in any order.
func cardLife(t *testing.T, s *subject) {
	at := func(days int) time.Time { return Start.AddDate(0, 0, days) }
	op := func(typ string, days int, f contract.CardOperation) central.Batch {
		feed := NewFeed(fmt.Sprintf("k-%s-%d", typ, days), "e1", contract.Tx)
		f.Account, f.Region, f.IntentAt, f.Order = "life", 3301, contract.At(at(days)), typ
		feed.Append(typ, typ, at(days), f)
		return feed.Batch(t, 1, 1)
	}
	sale := NewFeed("k-sale", "e1", contract.Tx)
	sale.Append(contract.TypeSale, "s", at(2), contract.Sale{Order: "s", Account: "life", Region: 3301, Card: "A", CardIssue: 1, CardSeq: 4, CardCum: 40, CardTag: "aa", Meter: "m1", Period: "2026-01-01", VolumeL: 500})
	story := []central.Batch{
		op(contract.TypeCardIssue, 1, contract.CardOperation{Card: "A", CardIssue: 1, Meter: "m1"}),
		sale.Batch(t, 1, 1),
		op(contract.TypeCardReissue, 3, contract.CardOperation{Card: "B", CardIssue: 2, OldCard: "A", OldRegion: 3301, OldIssue: 1, Meter: "m1", CardSeq: 4, CardCum: 40, CardTag: "aa"}),
		op(contract.TypeMeterChange, 4, contract.CardOperation{Card: "B", CardIssue: 3, OldCard: "B", OldRegion: 3301, OldIssue: 2, Meter: "m2", CardSeq: 1, CardTag: "bb", CardQty: 7}),
	}
	told := func(after time.Duration) (got contract.AccountDelta) {
		for _, d := range part[contract.Accounts](t, s.compose("reader", at(30).Add(after)), contract.PartAccounts).Deltas {
			if d.Account == "life" {
				got = d
			}
		}
		return got
	}
	s.status("reader", at(30), nil)
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(story), func(i, j int) { story[i], story[j] = story[j], story[i] })
	for _, b := range story {
		s.commit(b)
	}
	d := told(0)
	if d.Card != "B" || d.CardIssue != 3 || d.CardSeq != 1 || d.CardQty != 7 || d.Meter != "m2" || d.Cardless || d.BoughtL != 500 ||
		fmt.Sprint(d.Dead) != "[{3301 A 1 replaced}]" {
		t.Errorf("%+v", d)
	}
	ev := NewFeed("k-ev", "e1", contract.Ev)
	for days, typ := range []string{5: contract.TypeCardLost, 6: contract.TypeCardFound, 7: contract.TypeCardLost} {
		if typ != "" {
			ev.Append(typ, "life", at(days), contract.CardReport{Account: "life", Region: 3301, Card: "B", CardIssue: 3, Reason: typ, By: "li", At: contract.At(at(days))})
		}
	}
	s.commit(ev.Batch(t, 3, 1)) // the latest word first
	s.commit(ev.Batch(t, 1, 2))
	if d = told(30 * time.Second); d.Lost == nil || d.Lost.Reason != contract.TypeCardLost || !d.Lost.At.Equal(at(7)) || d.CardSeq != 1 {
		t.Errorf("reported as lost: %+v %+v", d, d.Lost)
	}
	s.commit(op(contract.TypeCardRetired, 9, contract.CardOperation{Card: "B", CardIssue: 3}))
	if d = told(time.Minute); !d.Cardless || d.Card != "" || d.CardIssue != 3 || len(d.Dead) != 2 {
		t.Errorf("after it was retired: %+v", d)
	}
	s.commit(op(contract.TypeCardIssue, 12, contract.CardOperation{Card: "C", CardIssue: 1, Meter: "m2"}))
	if d = told(2 * time.Minute); d.Cardless || d.Card != "C" || len(d.Dead) != 2 {
		t.Errorf("a new card after that: %+v", d)
	}
}
