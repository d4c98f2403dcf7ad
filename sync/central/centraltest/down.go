package centraltest

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// Signer signs with a key that everybody knows.
type Signer struct{}

var signKey = ed25519.NewKeyFromSeed([]byte("a seed that is known to everybody"[:ed25519.SeedSize]))

// Keys are what a node has to trust to obey a Signer.
func (Signer) Keys() contract.Keys {
	return contract.Keys{"test": signKey.Public().(ed25519.PublicKey)}
}

// Command implements central.Signer.
func (Signer) Command(c contract.Command) ([]byte, error) { return contract.Sign("test", signKey, c) }

// Desired implements central.Signer.
func (Signer) Desired(d contract.Desired) ([]byte, error) { return contract.Sign("test", signKey, d) }

var always = context.Background()

// status makes a node known.
func (s *subject) status(node string, at time.Time, change func(*contract.Status)) {
	s.t.Helper()
	st := contract.Status{V: 1, Online: true, Session: "s1", Boot: "b", Version: "1", Epoch: "e1", At: contract.At(at), Clock: "ok", Region: 3301}
	if change != nil {
		change(&st)
	}
	if err := s.Store.SaveStatus(always, node, st, at); err != nil {
		s.t.Fatal(err)
	}
}

// due returns the commands that are to be sent at a time, opened as the node does.
func (s *subject) due(at time.Time) (out []contract.Command) {
	s.t.Helper()
	payloads, err := s.Store.Due(always, at, 30*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range payloads {
		c, err := contract.OpenCommand(p.Payload, p.Topic.Node, Signer{}.Keys())
		if err != nil {
			s.t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func (s *subject) issue(node, typ, args string, at time.Time) contract.Command {
	s.t.Helper()
	c, err := s.Store.Issue(always, central.Order{Node: node, Type: typ, Args: json.RawMessage(args), Life: time.Hour, Issuer: "li"}, Signer{}, at)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *subject) result(ev *Feed, r contract.CommandResult) {
	s.t.Helper()
	seq := ev.Append(contract.TypeCommandResult, r.Command, Start, r)
	s.commit(ev.Batch(s.t, seq, 1))
}

func commands(t *testing.T, s *subject) {
	first := s.issue("n1", contract.CommandValve, `{"meter":"m1","do":"close"}`, Start)
	second := s.issue("n1", contract.CommandBackup, `{}`, Start)
	if second.Counter <= first.Counter || first.ID == second.ID {
		t.Errorf("%+v %+v", first, second)
	}
	if _, err := s.Store.Issue(always, central.Order{Node: "n1", Type: contract.CommandValve, Args: json.RawMessage(`{"do":"open"}`), Life: time.Hour}, Signer{}, Start); err == nil {
		t.Error("a valve of no meter")
	}
	steps := []struct {
		after time.Duration
		want  int
	}{{0, 2}, {10 * time.Second, 0}, {31 * time.Second, 2}, {40 * time.Second, 0}}
	for _, step := range steps {
		if got := len(s.due(Start.Add(step.after))); got != step.want {
			t.Errorf("after %v %d due, want %d", step.after, got, step.want)
		}
	}
	ev := NewFeed("n1", "e1", contract.Ev)
	answer := contract.CommandResult{Command: first.ID, Counter: first.Counter, Type: first.Type, Outcome: contract.Done, Result: json.RawMessage(`{"closed":true}`)}
	s.result(ev, answer)
	answer.Outcome = contract.Failed
	s.result(ev, answer) // a second word changes nothing
	got, err := s.Store.Command(always, first.ID)
	if err != nil || got.Outcome != contract.Done || got.Finished == nil || string(got.Result) != `{"closed":true}` || got.Sent != 2 {
		t.Errorf("%+v %v", got, err)
	}
	if left := s.due(Start.Add(2 * time.Minute)); len(left) != 1 || left[0].ID != second.ID {
		t.Errorf("%+v", left)
	}
	if left := s.due(Start.Add(2 * time.Hour)); len(left) != 0 {
		t.Errorf("%+v after it has expired", left)
	}
	list, err := s.Store.Commands(always, "n1", 10)
	if err != nil || len(list) != 2 || list[0].ID != second.ID || !list[0].Lapsed(Start.Add(2*time.Hour)) {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := s.Store.Command(always, "nowhere"); err == nil {
		t.Error("found what is not there")
	}
}

func countersGrow(t *testing.T, s *subject) {
	before := s.issue("n1", contract.CommandBackup, `{}`, Start)
	if _, err := s.DB.Exec("DELETE FROM command"); err != nil { // yesterday's backup does not have it
		t.Fatal(err)
	}
	if after := s.issue("n1", contract.CommandBackup, `{}`, Start.Add(time.Minute)); after.Counter <= before.Counter {
		t.Errorf("counter %d, then %d", before.Counter, after.Counter)
	}
}

func foreignResult(t *testing.T, s *subject) {
	c := s.issue("n1", contract.CommandBackup, `{}`, Start)
	s.result(NewFeed("n2", "e1", contract.Ev), contract.CommandResult{Command: c.ID, Counter: c.Counter, Type: c.Type, Outcome: contract.Done})
	s.result(NewFeed("n1", "e1", contract.Ev), contract.CommandResult{Command: c.ID, Counter: c.Counter + 1, Type: c.Type, Outcome: contract.Done})
	if got, err := s.Store.Command(always, c.ID); err != nil || got.Finished != nil {
		t.Errorf("%+v %v", got, err)
	}
}

// behind is a node that was told that 100 sales are committed, of which the centre has 1 to 40 and 61 to 70.
func behind(t *testing.T, s *subject) *Feed {
	tx := NewFeed("n1", "e1", contract.Tx).Sales(100, 1000, 300)
	s.commit(tx.Batch(t, 1, 40), tx.Batch(t, 61, 10))
	s.status("n1", Start, func(st *contract.Status) {
		st.Streams = map[contract.Stream]contract.StreamStatus{contract.Tx: {First: 1, Next: 121, Acked: 100}, contract.Ev: {First: 1, Next: 1}}
	})
	return tx
}

func (s *subject) askAgain(at time.Time, want ...central.Gap) {
	s.t.Helper()
	gaps, err := s.Store.AskAgain(always, Signer{}, at)
	if err != nil || !slices.Equal(gaps, want) {
		s.t.Errorf("%+v, want %+v, %v", gaps, want, err)
	}
}

func askedAgain(t *testing.T, s *subject) {
	tx := behind(t, s)
	s.askAgain(Start, central.Gap{Node: "n1", Epoch: "e1", Stream: contract.Tx, First: 41, Last: 60})
	s.askAgain(Start) // it is being done
	due := s.due(Start)
	if len(due) != 1 {
		t.Fatalf("%+v", due)
	}
	args, err := contract.OpenArgs[contract.ResendArgs](due[0].Args)
	if err != nil || args != (contract.ResendArgs{Stream: contract.Tx, Epoch: "e1", From: 41, To: 60}) {
		t.Errorf("%+v %v", args, err)
	}
	s.commit(tx.Batch(t, 41, 20))
	s.result(NewFeed("n1", "e1", contract.Ev), contract.CommandResult{
		Command: due[0].ID, Counter: due[0].Counter, Type: due[0].Type, Outcome: contract.Done, Result: json.RawMessage(`{"from":41,"to":60}`),
	})
	s.askAgain(Start, central.Gap{Node: "n1", Epoch: "e1", Stream: contract.Tx, First: 71, Last: 100})
	s.commit(tx.Batch(t, 71, 30))
	s.askAgain(Start.Add(48 * time.Hour)) // expired, and not needed any more
	s.want("SELECT COUNT(*) FROM sale", 100)
	s.want("SELECT acked FROM stream_state WHERE stream = 'tx'", 100)
}

func notKept(t *testing.T, s *subject) {
	tx := behind(t, s)
	s.askAgain(Start, central.Gap{Node: "n1", Epoch: "e1", Stream: contract.Tx, First: 41, Last: 60})
	c := s.due(Start)[0]
	s.result(NewFeed("n1", "e1", contract.Ev), contract.CommandResult{
		Command: c.ID, Counter: c.Counter, Type: c.Type, Outcome: contract.Done, Result: json.RawMessage(`{"from":51,"to":60}`),
	})
	if r := s.one(tx.Batch(t, 51, 10)); r.Ack.Ack != 70 {
		t.Errorf("watermark %d: it waits for what never comes", r.Ack.Ack)
	}
	s.want("SELECT last FROM lost WHERE first = 41", 50)
}

// compose makes what is outdated, and returns the desired state that the node then gets; nil when nothing is published.
func (s *subject) compose(node string, at time.Time) *contract.Desired {
	s.t.Helper()
	outdated, err := s.Store.Outdated(always, at, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, n := range outdated {
		if err := s.Store.Compose(always, n, Signer{}, at, time.Hour); err != nil {
			s.t.Fatal(err)
		}
	}
	var got *contract.Desired
	err = s.Store.Publish(always, "me", at, 24*time.Hour, func(_ context.Context, out central.Outgoing) error {
		d, err := contract.OpenDesired(out.Payload, out.Topic.Node, Signer{}.Keys())
		if err == nil && d.Version != out.Version {
			err = fmt.Errorf("version %d, told %d", d.Version, out.Version)
		}
		if out.Topic.Node == node {
			got = &d
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

func part[T any](t *testing.T, d *contract.Desired, name string) (v T) {
	t.Helper()
	if d == nil {
		t.Fatalf("no desired state with %s", name)
	}
	if err := json.Unmarshal(d.Parts[name], &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var table = contract.PriceTable{Class: "residential", Version: 2, From: "2027-01-01", PeriodMonths: 12, Tiers: []contract.PriceTier{{Price: 26_500}}}

func desired(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	s.status("n2", Start, nil)
	first := s.compose("n1", Start)
	if _, has := first.Parts[contract.PartPrices]; has || len(part[contract.Locks](t, first, contract.PartLocks).Standing) != 0 {
		t.Errorf("%s", first.Parts)
	}
	if again := s.compose("n1", Start.Add(time.Minute)); again != nil {
		t.Errorf("made anew without a reason: %+v", again)
	}
	if err := s.Store.ReleasePrices(always, []contract.PriceTable{table}, "chen", Start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Set(always, "n1", contract.Settings{"log_level": json.RawMessage(`"debug"`)}, Start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	second := s.compose("n1", Start.Add(3*time.Minute))
	if p := part[contract.Prices](t, second, contract.PartPrices); second.Version <= first.Version || len(p.Tables) != 1 || p.Tables[0].Tiers[0].Price != 26_500 {
		t.Errorf("%+v", second)
	}
	if set := part[contract.Settings](t, second, contract.PartSettings); string(set["log_level"]) != `"debug"` {
		t.Errorf("%s", set)
	}
	third := s.compose("n1", Start.Add(2*time.Hour)) // nothing new, but it shows that the centre is there
	if l := part[contract.Locks](t, third, contract.PartLocks); !l.AsOf.After(Start.Add(time.Hour)) || third.Version <= second.Version {
		t.Errorf("%+v", l)
	}
}

func versionsGrow(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	before := s.compose("n1", Start)
	if _, err := s.DB.Exec("DELETE FROM desired"); err != nil {
		t.Fatal(err)
	}
	if after := s.compose("n1", Start.Add(time.Second)); after.Version <= before.Version {
		t.Errorf("%d, then %d", before.Version, after.Version)
	}
	s.status("n1", Start, func(st *contract.Status) { st.Cfg = before.Version + 1<<40 }) // a centre whose clock was ahead
	if _, err := s.DB.Exec("DELETE FROM desired"); err != nil {
		t.Fatal(err)
	}
	if after := s.compose("n1", Start.Add(time.Minute)); after.Version <= before.Version+1<<40 {
		t.Errorf("%d is not above what the node has", after.Version)
	}
}

func publishing(t *testing.T, s *subject) {
	s.status("n1", Start, nil)
	if err := s.Store.Compose(always, "n1", Signer{}, Start, time.Hour); err != nil {
		t.Fatal(err)
	}
	publish := func(holder string, at time.Time, send func() error) (n int) {
		err := s.Store.Publish(always, holder, at, time.Hour, func(context.Context, central.Outgoing) error { n++; return send() })
		if err != nil && !strings.Contains(err.Error(), "gone") {
			t.Error(err)
		}
		return n
	}
	well := func() error { return nil }
	publish("a", Start, func() error {
		if n := publish("b", Start, well); n != 0 {
			t.Error("two at once: an old state might come after a new one")
		}
		return errors.New("gone")
	})
	if n := publish("b", Start, well); n != 1 {
		t.Errorf("%d after the first has failed", n)
	}
	if n := publish("b", Start.Add(time.Minute), well); n != 0 {
		t.Error("published again at once")
	}
	if n := publish("b", Start.Add(2*time.Hour), well); n != 1 {
		t.Error("not published again: a broker may have lost it")
	}
}

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

func headsProven(t *testing.T, s *subject) {
	tx, ev := NewFeed("n1", "e1", contract.Tx).Sales(5, 1000, 300), NewFeed("n1", "e1", contract.Ev)
	s.commit(tx.Batch(t, 1, 5))
	_, forger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	told := func(key ed25519.PrivateKey, epoch string, head contract.AuditHead) []string {
		t.Helper()
		body, err := contract.SignHeads(key, "n1", epoch, map[contract.Stream]contract.AuditHead{contract.Tx: head, contract.Rd: {}})
		if err != nil {
			t.Fatal(err)
		}
		seq := ev.Append(contract.TypeAuditHeads, "heads", Start, body)
		s.commit(ev.Batch(t, seq, 1))
		r, err := s.Store.Reconcile(always, central.Query{Node: "n1"})
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, f := range r.Findings {
			codes = append(codes, f.Code)
		}
		slices.Sort(codes)
		return slices.Compact(codes)
	}
	sound := contract.AuditHead{Seq: 5, Hash: contract.Hash(tx.Queue.Raw(5))}
	if got := told(signKey, "e1", sound); len(got) != 0 {
		t.Error(got)
	}
	if got := told(signKey, "e1", contract.AuditHead{Seq: 4, Hash: contract.Hash(nil)}); !slices.Equal(got, []string{central.FindingHead}) {
		t.Error(got)
	}
	if got := told(signKey, "e1", contract.AuditHead{Seq: 6, Hash: contract.Hash(nil)}); !slices.Equal(got, []string{central.FindingAbsent, central.FindingHead}) {
		t.Error(got)
	}
	if got := told(signKey, "e2", sound); !slices.Contains(got, central.FindingSignature) { // of another epoch
		t.Error(got)
	}
	if got := told(forger, "e1", sound); !slices.Contains(got, central.FindingKey) {
		t.Error(got)
	}
}

func dayReconciled(t *testing.T, s *subject) {
	tx, ev := NewFeed("n1", "e1", contract.Tx).Sales(10, 1000, 300), NewFeed("n1", "e1", contract.Ev)
	s.commit(tx.Batch(t, 1, 10))
	day := Start.In(time.FixedZone("", 8*3600)).Format(time.DateOnly)
	codes := func(q central.Query) (out []string) {
		t.Helper()
		r, err := s.Store.Reconcile(always, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			out = append(out, f.Code)
		}
		if q.Day == day && (len(r.Accounts) != 1 || r.Accounts[0].AmountFen != 3000 || r.Accounts[0].Sales != 10) {
			t.Errorf("%+v", r.Accounts)
		}
		return out
	}
	if got := codes(central.Query{Day: day}); !slices.Equal(got, []string{central.FindingSilent}) {
		t.Error(got)
	}
	st := statement(tx, 11, 10_000, 3_000)
	ev.Append(contract.TypeStatement, "d", Start.Add(20*time.Hour), st)
	s.commit(ev.Batch(t, 1, 1))
	if got := codes(central.Query{Day: day, Node: "n1"}); !slices.Equal(got, []string{central.FindingSums}) {
		t.Error(got)
	}
	for _, q := range []central.Query{{Day: "2020-01-01"}, {Day: day, Node: "n2"}} {
		if q.Node == "n2" {
			if r, err := s.Store.Reconcile(always, q); err != nil || len(r.Accounts)+len(r.Findings) != 0 {
				t.Errorf("%+v %v", r, err)
			}
		} else if got := codes(q); len(got) != 0 {
			t.Error(got)
		}
	}
	r, err := s.Store.Reconcile(always, central.Query{Day: day})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Store.KeepReport(always, r, Start); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := s.Store.Reconciled(always, day); !done || err != nil {
		t.Error(done, err)
	}
	if _, err := s.Store.Reconcile(always, central.Query{Day: "yesterday"}); err == nil {
		t.Error("yesterday is no day")
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

func chainedLater(t *testing.T, s *subject) {
	f, other := NewFeed("n1", "e1", contract.Tx).Sales(9, 10, 3), NewFeed("n1", "e1", contract.Tx).Sales(6, 11, 3)
	s.commit(f.Batch(t, 4, 3), f.Batch(t, 7, 3))
	s.want("SELECT COUNT(*) FROM record WHERE chained IS NULL", 1)
	s.commit(f.Batch(t, 1, 3))
	s.want("SELECT COUNT(*) FROM record WHERE chained = 1", 9)

	h := NewFeed("n3", "e1", contract.Tx).Sales(9, 10, 3)
	s.commit(h.Batch(t, 5, 3))
	s.commit(h.Batch(t, 1, 6)) // other borders: some of it is here already
	s.want("SELECT COUNT(*) FROM record WHERE node = 'n3' AND chained = 1", 7)
	g := NewFeed("n2", "e1", contract.Tx)
	for seq := uint64(1); seq <= 6; seq++ {
		g.AppendRaw(map[bool]*Feed{true: f, false: other}[seq > 3].Queue.Raw(seq))
	}
	s.commit(g.Batch(t, 4, 3))
	if r := s.one(g.Batch(t, 1, 3)); r.Counts.Breaks != 1 {
		t.Errorf("%+v: a chain that was written anew below what was here", r.Counts)
	}
}
