package centraltest

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"slices"
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
