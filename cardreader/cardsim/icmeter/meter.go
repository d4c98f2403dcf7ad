package icmeter

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"tally/meter/quantity"
)

// Unit is what a meter counts in; a card of another unit is refused.
type Unit string

// Units.
const (
	DeciM3  Unit = "0.1m3"
	CentiM3 Unit = "0.01m3"
	Fen     Unit = "fen"
)

// units are the values of the header's unit bits, in their order.
var units = []Unit{DeciM3, CentiM3, Fen}

// State is all that the meter remembers. Amounts are in its unit.
type State struct {
	Layout    string  `json:"layout,omitempty"` // of its cards; empty is GEN4442
	Number    string  `json:"number"`           // 8 digits, or as many as the layout has
	Region    uint16  `json:"region"`
	Unit      Unit    `json:"unit"`
	Card      string  `json:"card"`  // the card it belongs to, "" until the first one
	Issue     uint8   `json:"issue"` // highest issue count seen; older cards are dead
	Seq       uint16  `json:"seq"`   // last order taken, 0 for none
	Accepted  uint32  `json:"accepted"`
	Remaining int64   `json:"remaining"` // negative in overdraft
	Used      uint32  `json:"used"`
	Rest      int64   `json:"rest"` // used but less than one unit: litres, or litres × price for a money meter
	Price     uint32  `json:"price"`
	Alarm     uint16  `json:"alarm"`
	Hoard     uint16  `json:"hoard"`
	Overdraft uint16  `json:"overdraft"`
	ValveOpen bool    `json:"valve_open"`
	Alarming  bool    `json:"alarming"`
	LastEvent Event   `json:"last_event"`
	Taken     int64   `json:"taken,omitempty"`  // credited of the order with Seq, where orders are quantities
	Tariff    *Tariff `json:"tariff,omitempty"` // prices taken from a card, nil before the first; a money meter prices by them
	Period    string  `json:"period,omitempty"` // in which TierUsed litres were used
	TierUsed  int64   `json:"tier_used,omitempty"`
	Unsaid    string  `json:"unsaid,omitempty"` // in hex: a write-back, or an order's mark, that was cut and is not on the card yet
}

// Event is the last thing of note, as written back.
type Event uint8

// Events.
const (
	EventNone     Event = 0
	EventCredited Event = 1
	EventEmpty    Event = 2 // credit used up, valve closed
	EventBound    Event = 3
	EventCleared  Event = 4 // a clearing card was there
	EventSet      Event = 5 // a parameter card
	EventOpened   Event = 6 // a tool card
)

// Meter is one meter. It may be used from several goroutines.
type Meter struct {
	mu  sync.Mutex
	s   State
	now func() time.Time
	cut int // bytes that the next swipe may still write; negative for no limit
}

// New makes a meter as it comes from the factory: no credit, valve closed, no card. number has 8 digits.
func New(number string, region uint16, unit Unit) (*Meter, error) {
	m := &Meter{s: State{Number: number, Region: region, Unit: unit}, now: time.Now, cut: -1}
	return m, m.s.check()
}

// NewOf makes a meter for cards of another layout; number has as many digits as those have.
func NewOf(layout, number string, region uint16, unit Unit) (*Meter, error) {
	if layout == GEN4442 {
		layout = "" // which a meter need not say
	}
	m := &Meter{s: State{Layout: layout, Number: number, Region: region, Unit: unit}, now: time.Now, cut: -1}
	return m, m.s.check()
}

// SetClock gives the meter another clock; the time is written back in the zone that now returns.
func (m *Meter) SetClock(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// State is a copy of what the meter remembers.
func (m *Meter) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.s
}

// MarshalJSON saves the meter's memory.
func (m *Meter) MarshalJSON() ([]byte, error) { return json.Marshal(m.State()) }

// UnmarshalJSON puts a saved memory back; one that no meter could have is an error and changes nothing. It also works
// on a zero Meter.
func (m *Meter) UnmarshalJSON(data []byte) error {
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("load meter: %w", err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("load meter: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.s, m.cut = s, -1
	if m.now == nil {
		m.now = time.Now
	}
	return nil
}

func (s State) check() error {
	if layoutOf(s.Layout) == nil {
		return fmt.Errorf("layout %q: want one of %v", s.Layout, Layouts())
	}
	if n, c := s.digits(); !isNumber(s.Number, n) || s.Card != "" && !isNumber(s.Card, c) {
		return fmt.Errorf("meter %q with card %q: want numbers of %d and %d digits", s.Number, s.Card, n, c)
	}
	if !slices.Contains(units, s.Unit) {
		return fmt.Errorf("unit %q: want one of %v", s.Unit, units)
	}
	if s.Remaining < -1<<31 || s.Remaining >= 1<<31 || s.Rest < 0 || s.Rest >= s.perUnit() {
		return fmt.Errorf("remaining %d and rest %d: out of range", s.Remaining, s.Rest)
	}
	return nil
}

// digits are the lengths of the numbers of a meter and of its card.
func (s State) digits() (meter, card int) {
	switch s.Layout {
	case ADD4442:
		return 10, 10
	case INC4442:
		return 10, 12
	}
	return 8, 8
}

func isNumber(s string, n int) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) == n
}

// fenCost is what 1 fen buys, in litres × 1/10 000 yuan per m³.
const fenCost = 1000 * 10000 / 100

// perUnit is how much of Rest makes one unit.
func (s State) perUnit() int64 {
	switch s.Unit {
	case DeciM3:
		return 100
	case CentiM3:
		return 10
	}
	return fenCost
}

// perLitre is how much of Rest one litre is.
func (s *State) perLitre() int64 {
	if s.Unit == Fen {
		return int64(s.priceNow())
	}
	return 1
}

// Use lets up to v through and returns how much it was: less when the credit, or the overdraft after it, ends. Then the
// valve closes. A closed valve lets nothing through, nor does a money meter that no card has given a price.
func (m *Meter) Use(v quantity.Volume) quantity.Volume {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all int64
	m.s.period(m.now())
	for v := int64(v); v > all; {
		part := m.s.use(min(v-all, m.s.tierLeft()))
		if part == 0 {
			break
		}
		all += part
	}
	return quantity.Volume(all)
}

// use lets up to v litres of one tier through.
func (s *State) use(v int64) int64 {
	if !s.ValveOpen || v <= 0 || s.perLitre() == 0 {
		return 0
	}
	left := (s.Remaining+int64(s.Overdraft))*s.perUnit() - s.Rest
	got := min(v, left/s.perLitre())
	s.Rest += got * s.perLitre()
	whole := s.Rest / s.perUnit()
	s.Rest %= s.perUnit()
	s.Remaining -= whole
	s.Used += uint32(whole)
	if left-got*s.perLitre() < s.perLitre() {
		s.ValveOpen = false
		s.LastEvent = EventEmpty
	}
	s.TierUsed += got
	s.Alarming = s.Remaining <= int64(s.Alarm)
	return got
}
