package inboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/inbox"
)

// Subject is a store under test. It starts empty.
type Subject struct {
	Store   inbox.Store
	Results func(t *testing.T) []contract.CommandResult // what went to ev, in order
	Reopen  func(t *testing.T) inbox.Store              // nil for one that keeps nothing
}

// Command makes a command of the given counter.
func Command(counter uint64) contract.Command {
	at := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	return contract.Command{
		ID: fmt.Sprintf("c-%d", counter), Node: "hall-1", Counter: counter, Issued: contract.At(at), Expires: contract.At(at.Add(time.Hour)),
		Type: contract.CommandReadNow, Args: json.RawMessage("{}"),
	}
}

// RunStore checks that a store keeps the contract of inbox.Store.
func RunStore(t *testing.T, fresh func(t *testing.T) Subject) {
	for name, test := range map[string]func(t *testing.T, s Subject){
		"EachIsFreshOnce": freshOnce, "ResultsComeOnce": resultsOnce, "OpenAreThoseBegun": openOnes, "KeepsOverARestart": keeps,
		"FreshForOneOnly": forOneOnly,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func begin(t *testing.T, s inbox.Store, c contract.Command, want inbox.Standing) {
	t.Helper()
	if got, err := s.Begin(context.Background(), c); err != nil || got != want {
		t.Errorf("command %d: standing %d, want %d, %v", c.Counter, got, want, err)
	}
}

func finish(t *testing.T, s inbox.Store, c contract.Command, outcome string) {
	t.Helper()
	err := s.Finish(context.Background(), contract.CommandResult{Command: c.ID, Counter: c.Counter, Type: c.Type, Outcome: outcome})
	if err != nil {
		t.Error(err)
	}
}

func freshOnce(t *testing.T, s Subject) {
	for _, n := range []uint64{5, 3, 1000, 4} { // out of order
		begin(t, s.Store, Command(n), inbox.Fresh)
		begin(t, s.Store, Command(n), inbox.Seen)
	}
	same := Command(6)
	same.ID = Command(5).ID
	begin(t, s.Store, same, inbox.Seen)
	same = Command(5)
	same.ID = "another"
	begin(t, s.Store, same, inbox.Seen)
}

func resultsOnce(t *testing.T, s Subject) {
	c := Command(1)
	begin(t, s.Store, c, inbox.Fresh)
	finish(t, s.Store, c, contract.Done)
	finish(t, s.Store, c, contract.Failed)
	begin(t, s.Store, c, inbox.Seen)
	if r := s.Results(t); len(r) != 1 || r[0].Outcome != contract.Done || r[0].Command != c.ID {
		t.Errorf("%+v", r)
	}
}

func openOnes(t *testing.T, s Subject) {
	for n := range uint64(4) {
		begin(t, s.Store, Command(n+1), inbox.Fresh)
	}
	finish(t, s.Store, Command(2), contract.Done)
	wantOpen(t, s.Store, 3)
}

func wantOpen(t *testing.T, s inbox.Store, want int) {
	t.Helper()
	open, err := s.Open(context.Background())
	if err != nil || len(open) != want {
		t.Errorf("%d open, want %d, %v", len(open), want, err)
	}
	for _, c := range open {
		if c.Type != contract.CommandReadNow || c.Counter == 2 {
			t.Errorf("%+v is open", c)
		}
	}
}

func keeps(t *testing.T, s Subject) {
	if s.Reopen == nil {
		t.Skip("keeps nothing")
	}
	begin(t, s.Store, Command(1), inbox.Fresh)
	begin(t, s.Store, Command(2), inbox.Fresh)
	finish(t, s.Store, Command(2), contract.Done)
	again := s.Reopen(t)
	begin(t, again, Command(1), inbox.Seen)
	begin(t, again, Command(2), inbox.Seen)
	wantOpen(t, again, 1)
}

func forOneOnly(t *testing.T, s Subject) {
	var fresh atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := s.Store.Begin(context.Background(), Command(7)); err != nil {
				t.Error(err)
			} else if got == inbox.Fresh {
				fresh.Add(1)
			}
		})
	}
	if wg.Wait(); fresh.Load() != 1 {
		t.Errorf("fresh for %d", fresh.Load())
	}
}
