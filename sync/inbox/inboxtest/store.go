// Package inboxtest has what tests of the inbox need: a store in memory, and the suite that every store passes.
package inboxtest

import (
	"context"
	"slices"
	"sync"

	"tally/sync/contract"
	"tally/sync/inbox"
)

// Store is an inbox.Store in memory.
type Store struct {
	mu      sync.Mutex
	begun   []contract.Command
	results []contract.CommandResult
	broken  error
}

// Break makes every method return err until it is called with nil.
func (s *Store) Break(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = err
}

// Results returns what would have gone to ev.
func (s *Store) Results() []contract.CommandResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.results)
}

// Begin implements inbox.Store.
func (s *Store) Begin(_ context.Context, c contract.Command) (inbox.Standing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return 0, s.broken
	}
	for _, o := range s.begun {
		if o.ID == c.ID || o.Counter == c.Counter {
			return inbox.Seen, nil
		}
	}
	s.begun = append(s.begun, c)
	return inbox.Fresh, nil
}

// Finish implements inbox.Store.
func (s *Store) Finish(_ context.Context, r contract.CommandResult) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil && !s.finished(r.Command) {
		s.results = append(s.results, r)
	}
	return s.broken
}

func (s *Store) finished(id string) bool {
	return slices.ContainsFunc(s.results, func(r contract.CommandResult) bool { return r.Command == id })
}

// Open implements inbox.Store.
func (s *Store) Open(context.Context) ([]contract.Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []contract.Command
	for _, c := range s.begun {
		if !s.finished(c.ID) {
			open = append(open, c)
		}
	}
	return open, s.broken
}
