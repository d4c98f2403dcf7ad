package countertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Record is one record in the store's outbox, its body as JSON.
type Record struct {
	Stream contract.Stream
	Type   string
	ID     string
	Body   json.RawMessage
}

// Store is a counter.Store in memory. Everything is kept as JSON, so that nothing shares memory with the caller and
// what would not survive a disk does not survive here.
type Store struct {
	Power *Power

	mu         sync.Mutex
	state      state
	updates    int
	failUpdate func(n int) error
	noRoom     bool
}

type state struct {
	accounts, operators map[string][]byte
	orders              map[string]row
	receipts            map[string]uint64
	records             []Record
}

// row is an order, and what it is looked for by: decoding all of them at each look would be most of a test's time.
type row struct {
	raw     []byte
	card    purse.CardID
	request string
	open    bool
	seen    func() (counter.Order, error) // decoded, for those who look at the store from outside
}

func (s state) clone() state {
	return state{maps.Clone(s.accounts), maps.Clone(s.operators), maps.Clone(s.orders), maps.Clone(s.receipts), slices.Clone(s.records)}
}

var _ counter.Store = (*Store)(nil)

// NewStore returns an empty store on the power p (nil for one of its own).
func NewStore(p *Power) *Store {
	if p == nil {
		p = &Power{}
	}
	return &Store{Power: p, state: state{map[string][]byte{}, map[string][]byte{}, map[string]row{}, map[string]uint64{}, nil}}
}

// FailUpdates makes every commit ask f first, which gets the number of the commit from 1 since now; an error refuses
// it. nil ends that.
func (s *Store) FailUpdates(f func(n int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failUpdate, s.updates = f, 0
}

// SetNoRoom makes Room refuse, or not.
func (s *Store) SetNoRoom(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noRoom = full
}

// Updates is the number of commits tried since the start, or since FailUpdates.
func (s *Store) Updates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

// Copy is a store of its own with what is committed now, on a power of its own.
func (s *Store) Copy() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := NewStore(nil)
	c.state = s.state.clone()
	return c
}

// Forget drops the journal and the outbox, so that a long benchmark does not measure this store.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.orders, s.state.records = map[string]row{}, nil
}

// Records is the outbox in the order of its commits.
func (s *Store) Records() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state.records)
}

// Orders is the whole journal, oldest first. It is decoded once for all who ask: to be read only.
func (s *Store) Orders() []counter.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []counter.Order
	for _, id := range slices.Sorted(maps.Keys(s.state.orders)) {
		o, err := s.state.orders[id].seen()
		if err != nil {
			panic(err)
		}
		all = append(all, o)
	}
	return all
}

// View implements counter.Store.
func (s *Store) View(ctx context.Context, f func(counter.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", counter.ErrStore, err)
	}
	if s.Power.Dead() {
		return fmt.Errorf("%w: %w", counter.ErrStore, ErrDead)
	}
	s.mu.Lock()
	st := s.state.clone()
	s.mu.Unlock()
	return f(&tx{st: &st, readOnly: true})
}

// Update implements counter.Store. f runs twice, as a store that shares commits may do.
func (s *Store) Update(ctx context.Context, f func(counter.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", counter.ErrStore, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates++
	var fromF error
	err := s.Power.Step("update", func() error {
		rehearsal := s.state.clone()
		if fromF = f(&tx{st: &rehearsal}); fromF != nil {
			return fromF
		}
		if s.failUpdate != nil {
			if err := s.failUpdate(s.updates); err != nil {
				return err
			}
		}
		next := s.state.clone()
		if fromF = f(&tx{st: &next}); fromF != nil {
			return fromF
		}
		s.state = next
		return nil
	})
	if err != nil && fromF == nil {
		return fmt.Errorf("%w: %w", counter.ErrStore, err)
	}
	return err
}

// Room implements counter.Store.
func (s *Store) Room(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noRoom {
		return counter.ErrNoRoom
	}
	return nil
}

type tx struct {
	st       *state
	readOnly bool
}

var errReadOnly = errors.New("put in a view")

func get[T any](m map[string][]byte, key, what string) (T, error) {
	var v T
	b, ok := m[key]
	if !ok {
		return v, fmt.Errorf("%s %q: %w", what, key, counter.ErrNotFound)
	}
	return v, json.Unmarshal(b, &v)
}

func (t *tx) put(m map[string][]byte, key string, v any) error {
	if t.readOnly {
		return errReadOnly
	}
	b, err := json.Marshal(v)
	m[key] = b
	return err
}

func (t *tx) Account(no string) (counter.Account, error) {
	return get[counter.Account](t.st.accounts, no, "account")
}

func (t *tx) AccountOfCard(c purse.CardID) (counter.Account, error) {
	var found counter.Account
	err := t.EachAccount(func(a counter.Account) bool {
		if a.Card == c && !c.IsZero() {
			found = a
		}
		return found.No == ""
	})
	if err == nil && found.No == "" {
		err = fmt.Errorf("account of card %s: %w", c, counter.ErrNotFound)
	}
	return found, err
}

func (t *tx) PutAccount(a counter.Account) error { return t.put(t.st.accounts, a.No, a) }

func (t *tx) EachAccount(f func(counter.Account) bool) error {
	for _, no := range slices.Sorted(maps.Keys(t.st.accounts)) {
		a, err := t.Account(no)
		if err != nil {
			return err
		}
		if !f(a) {
			return nil
		}
	}
	return nil
}

func (t *tx) Order(id string) (counter.Order, error) {
	var o counter.Order
	r, ok := t.st.orders[id]
	if !ok {
		return o, fmt.Errorf("order %q: %w", id, counter.ErrNotFound)
	}
	return o, json.Unmarshal(r.raw, &o)
}

func (t *tx) OrderOfRequest(request string) (counter.Order, error) {
	found, err := t.orders(func(r row) bool { return r.request == request })
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("order of request %q: %w", request, counter.ErrNotFound)
	}
	if err != nil {
		return counter.Order{}, err
	}
	return found[0], nil
}

func (t *tx) PutOrder(o counter.Order) error {
	if t.readOnly {
		return errReadOnly
	}
	raw, err := json.Marshal(o)
	t.st.orders[o.ID] = row{raw, o.Card, o.Request, o.State.Open(), sync.OnceValues(func() (o counter.Order, err error) {
		return o, json.Unmarshal(raw, &o)
	})}
	return err
}

func (t *tx) OpenOrders() ([]counter.Order, error) {
	return t.orders(func(r row) bool { return r.open })
}

func (t *tx) OrdersOfCard(c purse.CardID, n int) ([]counter.Order, error) {
	var newest []string
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(t.st.orders))) {
		if len(newest) < n && t.st.orders[id].card == c {
			newest = append(newest, id)
		}
	}
	return t.decoded(newest)
}

func (t *tx) orders(keep func(row) bool) ([]counter.Order, error) {
	ids := slices.Sorted(maps.Keys(t.st.orders))
	return t.decoded(slices.DeleteFunc(ids, func(id string) bool { return !keep(t.st.orders[id]) }))
}

func (t *tx) decoded(ids []string) ([]counter.Order, error) {
	var out []counter.Order
	for _, id := range ids {
		o, err := t.Order(id)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (t *tx) Operator(name string) (counter.Operator, error) {
	return get[counter.Operator](t.st.operators, name, "operator")
}

func (t *tx) PutOperator(o counter.Operator) error {
	return t.put(t.st.operators, strings.Clone(o.Name), o)
}

func (t *tx) NextReceipt(station string) (uint64, error) {
	if t.readOnly {
		return 0, errReadOnly
	}
	t.st.receipts[station]++
	return t.st.receipts[station], nil
}

func (t *tx) Emit(d outbox.Draft) error {
	if t.readOnly {
		return errReadOnly
	}
	b, err := json.Marshal(d.Body)
	if err != nil {
		return err
	}
	if len(b) > contract.MaxRecord {
		return outbox.ErrTooLarge
	}
	t.st.records = append(t.st.records, Record{d.Stream, d.Type, d.ID, b})
	return nil
}
