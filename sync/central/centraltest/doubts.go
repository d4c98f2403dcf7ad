package centraltest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// doubtWords are the records of one order in doubt at node a, which b helps with: each may come first.
func doubtWords(t *testing.T, account string) map[string]central.Batch {
	out := map[string]central.Batch{}
	say := func(name, node, typ string, after time.Duration, body any) {
		f := NewFeed(fmt.Sprintf("%s-%s-%s", node, account, name), "e1", contract.Tx)
		f.Append(typ, "o-"+account, Start.Add(after), body)
		out[name] = f.Batch(t, 1, 1)
	}
	order, want := "o-"+account, "w-"+account
	doubt := contract.OrderInDoubt{
		Order: order, Op: "buy", Account: account, Region: 3301, Card: "c-" + account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc", CardCum: 50, CardQty: 10,
		CardUnit: "0.1m3", Station: "hall a", Why: "pulled", IntentAt: contract.At(Start), Plan: json.RawMessage(`{"seq":5}`),
	}
	again := doubt
	again.Plan = json.RawMessage(`{"seq":5,"slot":"b"}`)
	hand := contract.HandOver{Order: order, Account: account, Want: want, Station: "hall b"}
	say("doubt", "a", contract.TypeOrderInDoubt, 0, doubt)
	say("again", "a", contract.TypeOrderInDoubt, time.Minute, again)
	say("wanted", "b", contract.TypeOrderWanted, 2*time.Minute, hand)
	say("given", "a", contract.TypeOrderGiven, 3*time.Minute, hand)
	say("returned", "b", contract.TypeOrderReturned, 4*time.Minute, hand)
	hand.Want = "x-" + account
	say("asked", "b", contract.TypeOrderWanted, 5*time.Minute, hand)
	say("seen", "c", contract.TypeOrderWitnessed, 6*time.Minute, contract.OrderWitnessed{
		Order: order, Account: account, Region: 3301, Card: "c-" + account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc", CardCum: 50, CardQty: 10, CardUnit: "0.1m3",
		Station: "hall c", Image: "00",
	})
	say("end", "a", contract.TypeSale, 7*time.Minute, contract.Sale{
		Order: order, Account: account, Region: 3301, Card: "c-" + account, CardIssue: 1, CardSeq: 5, CardTag: "aabbcc", CardCum: 50, CardQty: 10, CardUnit: "0.1m3",
		WasInDoubt: true, Period: "2026-01-01", VolumeL: 1000,
	})
	return out
}

// doubts: what nodes are told of an order in doubt does not depend on the order in which its words came.
func doubts(t *testing.T, s *subject) {
	random := rand.New(rand.NewPCG(5, 6))
	s.status("reader", Start, nil)
	at := Start
	told := func(account string) (got contract.AccountDelta) {
		at = at.Add(time.Minute)
		for _, d := range part[contract.Accounts](t, s.compose("reader", at), contract.PartAccounts).Deltas {
			if d.Account == account {
				got = d
			}
		}
		return got
	}
	for round := range 8 {
		account := fmt.Sprintf("q%d", round)
		words := doubtWords(t, account)
		open := []string{"doubt", "again", "wanted", "given", "returned", "asked", "seen"}
		random.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		for _, name := range open {
			s.commit(words[name])
		}
		d := told(account)
		if len(d.Doubts) != 1 {
			t.Fatalf("%v: %d orders in doubt", open, len(d.Doubts))
		}
		o := d.Doubts[0]
		if !strings.Contains(string(o.Doubt.Plan), "slot") || o.Seen == nil || o.Seen.Station != "hall c" || o.Given != "" || len(o.Wanted) != 1 ||
			o.Wanted[0].Want != "x-"+account || fmt.Sprint(o.Returned) != "[w-"+account+"]" {
			t.Errorf("%v: %+v", open, o)
		}
		if d.CardSeq != 5 || d.CardTag != "aabbcc" || d.BoughtL != 0 {
			t.Errorf("%v: the card %+v", open, d)
		}
		s.commit(words["end"])
		if d := told(account); len(d.Doubts) != 0 || d.BoughtL != 1000 {
			t.Errorf("%v, after its end: %+v", open, d)
		}
	}
	late := doubtWords(t, "late") // the end comes first
	s.commit(late["end"])
	s.commit(late["doubt"])
	if d := told("late"); d.Card == "" || len(d.Doubts) != 0 {
		t.Errorf("an end that came first: %+v", d)
	}
}

// ownDoubt: a node is told of its own order what others say, and not what it would write itself; a void ends it.
func ownDoubt(t *testing.T, s *subject) {
	words := doubtWords(t, "own")
	node := words["doubt"].Node
	s.status(node, Start, nil)
	s.commit(words["doubt"])
	s.commit(words["wanted"])
	a := part[contract.Accounts](t, s.compose(node, Start.Add(time.Minute)), contract.PartAccounts)
	if len(a.Deltas) != 1 || len(a.Deltas[0].Doubts) != 1 || len(a.Deltas[0].Doubts[0].Wanted) != 1 || a.Deltas[0].Doubts[0].Doubt.Plan != nil {
		t.Fatalf("told %+v", a.Deltas)
	}
	f := NewFeed("a-own-issue", "e1", contract.Tx)
	f.Append(contract.TypeCardIssueVoid, "o-own", Start.Add(time.Hour), contract.CardOperation{Order: "o-own", Account: "own", Region: 3301, Card: "z", CardIssue: 7, WasInDoubt: true})
	s.commit(f.Batch(t, 1, 1))
	a = part[contract.Accounts](t, s.compose(node, Start.Add(2*time.Minute)), contract.PartAccounts)
	if len(a.Deltas) != 1 || len(a.Deltas[0].Doubts) != 0 || a.Deltas[0].Card == "z" {
		t.Errorf("after the void: %+v", a.Deltas)
	}
}

// manyDoubts: a desired state has room for so many bytes; what does not fit follows.
func manyDoubts(t *testing.T, s *subject) {
	const orders = 120
	s.status("n1", Start, nil)
	f := NewFeed("n2", "e1", contract.Tx)
	for i := range orders {
		account := fmt.Sprintf("m%04d", i)
		f.Append(contract.TypeOrderInDoubt, account, Start, contract.OrderInDoubt{
			Order: account, Op: "buy", Account: account, Region: 3301, Card: account, Why: "pulled", IntentAt: contract.At(Start),
			Plan: json.RawMessage(`{"before":"` + strings.Repeat("00", 6000) + `"}`),
		})
	}
	for i := range orders {
		s.commit(f.Batch(t, uint64(i+1), 1))
	}
	told, at := map[string]bool{}, Start
	for range 20 {
		at = at.Add(time.Minute)
		d := s.compose("n1", at)
		a := part[contract.Accounts](t, d, contract.PartAccounts)
		if n := len(d.Parts[contract.PartAccounts]); n > 700_000 {
			t.Fatalf("%d bytes", n)
		}
		for _, delta := range a.Deltas {
			told[delta.Account] = true
		}
		if !a.More {
			break
		}
		s.status("n1", at, func(st *contract.Status) { st.Cfg = d.Version })
	}
	if len(told) != orders {
		t.Errorf("%d of %d orders were told", len(told), orders)
	}
}
