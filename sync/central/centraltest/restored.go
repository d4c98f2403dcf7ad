package centraltest

import (
	"testing"
	"time"

	"tally/sync/contract"
)

// nodeRestored: a node that was restored from a backup has forgotten what it was told since. The desired state that the
// broker still has tells it only of what came after that; so it is told everything again once its new epoch is seen.
func nodeRestored(t *testing.T, s *subject) {
	at := Start
	s.status("n1", at, nil)
	s.status("n2", at, nil)
	f := NewFeed("n2", "e1", contract.Tx)
	for i, account := range []string{"a1", "a2"} {
		sold(f, account, 5, 1000)
		s.commit(f.Batch(t, uint64(i+1), 1))
		at = at.Add(time.Minute)
		d := s.compose("n1", at)
		if a := part[contract.Accounts](t, d, contract.PartAccounts); len(a.Deltas) != 1 || a.Deltas[0].Account != account {
			t.Fatalf("told of %+v", a.Deltas)
		}
		s.status("n1", at, func(st *contract.Status) { st.Cfg = d.Version })
	}
	version := uint64(s.number("SELECT version FROM desired WHERE node = 'n1'"))
	restored := func(cfg uint64) func(*contract.Status) {
		return func(st *contract.Status) { st.Session, st.Epoch, st.Cfg = "s2", "e2", cfg }
	}
	at = at.Add(time.Minute)
	s.status("n1", at, restored(version)) // it has taken what lay at the broker
	d := s.compose("n1", at)
	if a := part[contract.Accounts](t, d, contract.PartAccounts); len(a.Deltas) != 2 {
		t.Errorf("after a restore the node is told of %d accounts, want both", len(a.Deltas))
	}
	at = at.Add(time.Minute)
	s.status("n1", at, restored(d.Version))
	if again := s.compose("n1", at); again != nil {
		t.Error("it is told without end")
	}
	sold(f, "a3", 5, 1000)
	s.commit(f.Batch(t, 3, 1))
	if a := part[contract.Accounts](t, s.compose("n1", at.Add(time.Minute)), contract.PartAccounts); len(a.Deltas) != 1 {
		t.Errorf("told of %d accounts, want the new one", len(a.Deltas))
	}
}
