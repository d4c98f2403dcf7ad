package centraltest

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

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
	st = statement(tx, 10, 10_000, 3_000) // the day is stated anew
	ev.Append(contract.TypeStatement, "d", Start.Add(21*time.Hour), st)
	s.commit(ev.Batch(t, 2, 1))
	if got := codes(central.Query{Day: day}); len(got) != 0 {
		t.Errorf("the newest statement of the day is right: %v", got)
	}
	if got := codes(central.Query{}); len(got) != 0 {
		t.Errorf("the newest statement of the day is right: %v", got)
	}
	st = statement(tx, 11, 10_000, 3_000)
	ev.Append(contract.TypeStatement, "d", Start.Add(19*time.Hour), st) // newest by its number, whatever its clock says
	s.commit(ev.Batch(t, 3, 1))
	if got := codes(central.Query{Day: day}); !slices.Equal(got, []string{central.FindingSums}) {
		t.Errorf("the newest statement of the day is wrong: %v", got)
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
