package counter

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"tally/cardreader/purse"
	"tally/counter/tariff"
)

// Service is the counter. Its methods may be called from any goroutine; those that touch a card work only while Run is
// running.
type Service struct {
	o     Options
	log   *slog.Logger
	ids   idMaker
	calls calls
	doors doors
	watch watchers

	// mu guards what follows. It is never held over I/O.
	mu        sync.Mutex
	desks     map[string]*desk
	tables    []tariff.Table
	claims    map[purse.CardID]chan struct{}
	fresh     Freshness
	told      map[evidence]bool // mismatches that the centre was told of
	pending   map[string]ending // results that the ledger could not store yet, by order
	stopping  bool
	recovered bool // every intent of an earlier run was found and marked
}

// New checks the options and returns a Service that waits for Run.
func New(o Options) (*Service, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s := &Service{
		o: o, log: o.Logger, tables: slices.Clone(o.Tables),
		desks: map[string]*desk{}, told: map[evidence]bool{}, claims: map[purse.CardID]chan struct{}{}, pending: map[string]ending{},
	}
	s.ids.init(o.Random, o.StationNo)
	s.calls.init()
	s.watch.init()
	return s, s.doors.init(&s.o)
}

// SetTables replaces the released price tables. A sale that was quoted with the old ones is refused as quote_changed
// when the new ones price it otherwise.
func (s *Service) SetTables(tables []tariff.Table) error {
	if err := tariff.CheckAll(tables); err != nil {
		return fmt.Errorf("release price tables: %w", err)
	}
	s.mu.Lock()
	s.tables = slices.Clone(tables)
	s.mu.Unlock()
	s.watch.changed()
	return nil
}

func (s *Service) table(class, day string) (tariff.Table, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return tariff.Pick(s.tables, class, day)
}

// day is today's business day.
func (s *Service) day() string { return s.o.Now().In(s.o.Location).Format("2006-01-02") }

// claim reserves a card for one operation of one desk. When somebody has it already, it returns a channel that closes
// when that ends, and no release.
func (s *Service) claim(c purse.CardID) (release func(), wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.claims[c]; ok {
		return nil, held
	}
	done := make(chan struct{})
	s.claims[c] = done
	return sync.OnceFunc(func() {
		s.mu.Lock()
		delete(s.claims, c)
		s.mu.Unlock()
		close(done)
	}), nil
}

// claimAny claims the card of a state; one that has no number yet needs no claim.
func (s *Service) claimAny(st purse.State) (release func(), wait <-chan struct{}) {
	if st.Card.IsZero() {
		return func() {}, nil
	}
	return s.claim(st.Card)
}

// Subscribe returns a channel that receives after anything shown has changed; several changes may be one. cancel ends
// it and may be called twice.
func (s *Service) Subscribe() (changed <-chan struct{}, cancel func()) { return s.watch.subscribe() }

// view runs f on the ledger and turns its errors into refusals.
func (s *Service) view(ctx context.Context, f func(Tx) error) error {
	return storeRefusal(s.o.Store.View(ctx, f))
}
