package counter_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tally/counter"
	"tally/sync/contract"
)

// verdicts counts how the points of a matrix ended, by operation.
type verdicts struct {
	turns  int // points that could have been tried
	points int
	ends   map[string]int            // of all
	by     map[string]map[string]int // of each operation
	hard   map[string]int            // where a leader had to decide
}

func newVerdicts() *verdicts {
	return &verdicts{ends: map[string]int{}, by: map[string]map[string]int{}, hard: map[string]int{}}
}

// turn tells whether the next point is one of a sample that tries one of so many.
func (v *verdicts) turn(stride int) bool {
	v.turns++
	return v.turns%stride == 0
}

func (v *verdicts) count(s *scene, how string, orders []counter.Order) {
	deed, end := s.name, "nothing stored"
	if len(orders) > 0 {
		end = endOf(orders[0])
		if orders[0].Why == counter.WhyDecided {
			v.hard[fmt.Sprintf("%s, %s, %s: %s", s.prof.Name, deed, how, end)]++
		}
	}
	if v.by[deed] == nil {
		v.by[deed] = map[string]int{}
	}
	v.points++
	v.ends[end]++
	v.by[deed][end]++
}

// endOf names how an order ended, and by what: at once, by reading the card, or by a leader.
func endOf(o counter.Order) string {
	switch {
	case o.Why == counter.WhyDecided:
		return string(o.State) + ", a leader decided"
	case o.Doubted:
		return string(o.State) + " after doubt"
	}
	return string(o.State)
}

func (v *verdicts) String() string {
	s := fmt.Sprintf("%d of %d points; ends %v", v.points, v.turns, v.ends)
	for _, deed := range slices.Sorted(maps.Keys(v.by)) {
		s += fmt.Sprintf("\n%34s %v", deed, v.by[deed])
	}
	for _, where := range slices.Sorted(maps.Keys(v.hard)) {
		s += fmt.Sprintf("\n%6d times a leader: %s", v.hard[where], where)
	}
	return s
}

// finishPoint checks the books after an accident, lets the card come back and checks them again.
func (s *scene) finishPoint(err error, how string, finish bool, seen *verdicts) {
	s.Helper()
	s.o.settled()
	orders := s.o.store.Orders()[s.before:]
	if want := cmp.Or(s.wants, counter.Done); err == nil && (len(orders) != 1 || orders[0].State != want) {
		s.Errorf("the clerk heard %s, the orders are %+v", want, orders)
	}
	s.follow()
	s.law()
	s.back(how, finish)
	s.recorded()
	orders = s.o.store.Orders()[s.before:]
	seen.count(s, how, orders)
	if len(orders) == 0 {
		return
	}
	if orders[0].State.Open() {
		s.Errorf("still %s", orders[0].State)
	}
	s.law()
	if s.c.card != nil { // and the meter takes it all
		s.o.take()
		s.c.meter.Swipe(s.c.card.chip)
		s.law()
	}
}

// recorded checks what the centre will be told: each end once, with the same money, under receipts without gap or reuse.
func (s *scene) recorded() {
	s.Helper()
	told := map[string][]string{}
	for _, r := range s.o.store.Records() {
		if r.Type == contract.TypeOrderInDoubt {
			continue // for other counters
		}
		told[r.ID] = append(told[r.ID], r.Type)
		if r.Stream == contract.Tx && !strings.HasSuffix(r.Type, "_void") {
			s.sameMoney(r.ID, r.Body)
		}
	}
	var receipts []uint64
	for _, o := range s.o.store.Orders() {
		ends := slices.DeleteFunc(told[o.ID], func(typ string) bool { return typ == contract.TypeCardInDoubt || typ == contract.TypeQuarantine })
		void := len(ends) > 0 && strings.HasSuffix(ends[0], "_void")
		switch {
		case o.State == counter.Done && (len(ends) != 1 || void), o.State == counter.Void && (len(ends) > 1 || (len(ends) == 1) != o.Doubted || o.Doubted && !void),
			o.State.Open() && len(ends) > 0:
			s.Errorf("the centre is told %v of an order that is %s, in doubt before: %v", ends, o.State, o.Doubted)
		}
		if o.State == counter.Done {
			receipts = append(receipts, o.Receipt)
		}
	}
	slices.Sort(receipts)
	for i, no := range receipts {
		if no != uint64(i+1) {
			s.Errorf("receipts %v", receipts)
			break
		}
	}
}

func (s *scene) sameMoney(id string, body json.RawMessage) {
	s.Helper()
	var r struct {
		Amount  int64  `json:"amount_fen"`
		Receipt uint64 `json:"receipt"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		s.Fatal(err)
	}
	for _, o := range s.o.store.Orders() {
		if o.ID == id && (int64(o.Amount) != r.Amount || o.Receipt != r.Receipt) {
			s.Errorf("receipt %d over %s, the centre is told of %d over %d fen", o.Receipt, o.Amount, r.Receipt, r.Amount)
		}
	}
}
