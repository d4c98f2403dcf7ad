package counter

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/sync/outbox"
)

// journal is the least Store that an ending needs: one order, one account. The one in countertest cannot be used from
// inside this package.
type journal struct {
	Tx
	operator Operator
	order    Order
	account  Account
	receipts uint64
	records  []string
}

func (j *journal) Update(_ context.Context, f func(Tx) error) error { return f(j) }
func (j *journal) View(_ context.Context, f func(Tx) error) error   { return f(j) }
func (j *journal) Room(context.Context) error                       { return nil }
func (j *journal) Order(string) (Order, error)                      { return j.order, nil }
func (j *journal) PutOrder(o Order) error                           { j.order = o; return nil }
func (j *journal) Account(string) (Account, error)                  { return j.account, nil }
func (j *journal) PutAccount(a Account) error                       { j.account = a; return nil }
func (j *journal) NextReceipt(string) (uint64, error)               { j.receipts++; return j.receipts, nil }
func (j *journal) Emit(d outbox.Draft) error                        { j.records = append(j.records, d.Type); return nil }

func (j *journal) Operator(name string) (Operator, error) {
	if j.operator.Name != name {
		return Operator{}, ErrNotFound
	}
	return j.operator, nil
}

// Promise 12: whoever finds an end first, the worker, a later insertion or the retry of a failed commit: it is
// committed once, and the first end stands.
func TestPromise12AnEndIsCommittedOnce(t *testing.T) {
	for _, first := range []OrderState{Done, Void, InDoubt, Quarantined} {
		for _, second := range []OrderState{Done, Void, InDoubt, Quarantined} {
			j := &journal{
				order:   Order{ID: "o", Op: purse.OpBuy, State: Intended, Volume: 5, Period: "p", Plan: purse.Plan{Seq: 4}},
				account: Account{No: "a", Bought: 5, PeriodStart: "p"},
			}
			s, err := New(Options{
				Store: j, Station: "H", Password: testCost, Now: time.Now,
				Logger:  slog.New(slog.DiscardHandler),
				Open:    func(context.Context, string, cardreader.Insertion) (Purse, error) { return nil, nil },
				Resolve: func(purse.Plan, purse.State) purse.Verdict { return purse.Unclear },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, state := range []OrderState{first, second} {
				if _, err := s.end(context.Background(), "o", ending{state: state}); err != nil {
					t.Fatal(err)
				}
			}
			want := second
			if first != InDoubt {
				want = first // of these only a leader gets an order out
			}
			if j.order.State != want {
				t.Errorf("%s, then %s: it is %s", first, second, j.order.State)
			}
			if j.receipts > 1 || len(j.records) > 2 || first == second && len(j.records) > 1 || j.account.Bought < 0 {
				t.Errorf("%s, then %s: %d receipts, records %v, bought %d", first, second, j.receipts, j.records, j.account.Bought)
			}
		}
	}
}

// Every login costs one hash, so that time does not tell whether a name is known.
func TestEveryLoginCostsOneHash(t *testing.T) {
	good, err := testCost.Hash("right")
	if err != nil {
		t.Fatal(err)
	}
	for name, op := range map[string]Operator{
		"known": {Name: "known", Password: good}, "disabled": {Name: "disabled", Password: good, Disabled: true},
		"without a hash": {Name: "without a hash"}, "unknown": {},
	} {
		s, err := New(Options{
			Store: &journal{operator: op}, Station: "H", Password: testCost, Logger: slog.New(slog.DiscardHandler),
			Open:    func(context.Context, string, cardreader.Insertion) (Purse, error) { return nil, nil },
			Resolve: func(purse.Plan, purse.State) purse.Verdict { return purse.Unclear },
		})
		if err != nil {
			t.Fatal(err)
		}
		hashes := 0
		s.doors.equal = func(p phc, password string) bool {
			hashes++
			if p.cost != testCost {
				t.Errorf("%s: a hash of cost %+v", name, p.cost)
			}
			return p.matches(password)
		}
		_, err = s.Login(context.Background(), name, "wrong")
		if hashes != 1 || AsRefusal(err).Code != CodeLogin {
			t.Errorf("%s: %d hashes, %v", name, hashes, err)
		}
	}
}
