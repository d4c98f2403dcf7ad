// Package purse puts a purchase order on a prepaid card and finds out, from the card alone, whether it is there.
//
// It knows no reader and no database. It turns an [Order] into a [Plan] (the exact bytes, before and after), writes the
// plan in an order that leaves one valid slot whatever happens, reads it back, and judges a card that comes back later
// against a plan ([Resolve]). The plan is serialisable: the counter commits it as the intent before the first byte.
package purse

import (
	"context"
	"fmt"
	"time"

	"tally/meter/quantity"
)

// Memory is an opened memory chip as the purse needs it. Addresses and lengths are in bytes from the start of the
// user memory. An error matching cardreader.ErrOutcomeUnknown may have left the card changed; after it the Memory is
// dead.
type Memory interface {
	// Size is the number of user bytes.
	Size() int
	// Read returns n bytes from addr.
	Read(ctx context.Context, addr, n int) ([]byte, error)
	// Unlock makes the memory writable (presents the secret code) and proves it by the chip's own error counter, not
	// by a status word. It refuses without a byte sent when the code was already presented in this insertion, when at
	// most one try is left, or when it would be a factory code on an issued card. Calling it when already unlocked
	// does nothing.
	Unlock(ctx context.Context) error
	// Write stores data at addr. It does not verify; the purse reads back. An error that matches
	// cardreader.ErrNotSent proves that not one byte of data reached the card, also when it takes several commands.
	Write(ctx context.Context, addr int, data []byte) error
	// Do runs f while no other program can talk to the card.
	Do(ctx context.Context, f func() error) error
}

// CardID identifies a customer's card: utility region and card number. The same number in another region is another
// card.
type CardID struct {
	Region uint16 `json:"region"`
	No     string `json:"no"` // decimal digits as printed, leading zeros kept
}

// String gives "region-number", e.g. "0571-00001234".
func (c CardID) String() string { return fmt.Sprintf("%04X-%s", c.Region, c.No) }

// IsZero reports whether c names no card.
func (c CardID) IsZero() bool { return c == CardID{} }

// Amount counts in the card's own [Unit].
type Amount int64

// Unit is what a card counts in.
type Unit string

// Units of cards.
const (
	UnitDeciM3  Unit = "0.1m3"
	UnitCentiM3 Unit = "0.01m3"
	UnitFen     Unit = "fen"
)

// Litres is the size of one unit, 0 for a money card.
func (u Unit) Litres() quantity.Volume {
	switch u {
	case UnitDeciM3:
		return 100
	case UnitCentiM3:
		return 10
	}
	return 0
}

// Kind says what a card is for.
type Kind string

// Kinds of cards.
const (
	KindUser     Kind = "user"
	KindOpen     Kind = "open_account"
	KindReissue  Kind = "reissue"
	KindTransfer Kind = "transfer"
	KindCheck    Kind = "check"
	KindClear    Kind = "clear"
	KindParam    Kind = "parameter"
	KindTool     Kind = "tool"
)

// Op says why an order was put on a card.
type Op string

// Operations of an order.
const (
	OpBuy         Op = "buy"
	OpReissue     Op = "reissue"      // 补卡
	OpMakeUp      Op = "make_up"      // 掉气补气
	OpRefund      Op = "refund"       // 退气
	OpMeterChange Op = "meter_change" // 换表补气
)

// Operations on a card that put no order on it.
const (
	OpIssue  Op = "issue"  // 发卡
	OpTariff Op = "tariff" // 写价
	OpRetire Op = "retire" // 注销
	OpTool   Op = "tool"   // a check, clear, parameter or tool card
)

// Order is what the counter wants on the card.
type Order struct {
	Tag         Tag // from the journal id; with Seq it tells our order from anybody else's
	Op          Op
	Qty         Amount // what is bought; negative only for a refund
	Price       quantity.Price
	Tier        uint8
	Alarm       Amount // remaining credit at which the meter warns
	Hoard       Amount // ceiling of credit the meter accepts (囤积上限)
	Overdraft   Amount
	Tariff      *Tariff   // prices to be put on a card that carries others, before the order; nil for none
	At          time.Time // the wall clock of its own zone goes on the card: pass local time
	Workstation uint16
	Operator    uint16
	Journal     [8]byte // the journal's id of the order, on cards that have room for it
}

// State is all that a read card said.
type State struct {
	Profile    string     `json:"profile"` // name and version, "GEN4442 v1"
	Card       CardID     `json:"card"`
	Kind       Kind       `json:"kind"`
	Meter      string     `json:"meter"` // bound meter number, empty when not bound yet
	Unit       Unit       `json:"unit"`
	Water      bool       `json:"water"`
	IssueCount uint8      `json:"issue_count"`
	Order      *OnCard    `json:"order"`      // newest valid order, nil when there is none
	Older      *OnCard    `json:"older"`      // the valid order in the other slot: the one before, or the backup copy; nil when there is none
	WriteBack  *WriteBack `json:"write_back"` // newest valid state the meter wrote back, nil when none
	Condition  Condition  `json:"condition,omitempty"`
	Swiped     bool       `json:"swiped"`           // the meter has taken the newest order (also true when there is none to take)
	Waiting    Amount     `json:"waiting"`          // what the meter has not taken; less than 0 after a refund that it has not seen
	Unsaid     bool       `json:"unsaid,omitempty"` // what the meter wrote back was erased with its order: Waiting may count what it has taken
	Damaged    []string   `json:"damaged"`          // what on the card is invalid, in stable words ("slot_a_crc")
	Months     []MonthUse `json:"months,omitempty"`
	ValidFrom  string     `json:"valid_from,omitempty"` // YYYYMMDD; empty: no limit
	ValidTo    string     `json:"valid_to,omitempty"`
	Receipt    Image      `json:"receipt,omitempty"` // the card's own, of its last load: MAC and TAC
	Image      Image      `json:"image"`             // every byte that was read
}

// OnCard is an order as it lies on the card.
type OnCard struct {
	Slot       string         `json:"slot"` // "a" or "b"
	Seq        uint16         `json:"seq"`
	Qty        Amount         `json:"qty"`
	Cumulative Amount         `json:"cumulative"`
	Price      quantity.Price `json:"price"`
	Tier       uint8          `json:"tier"`
	Op         Op             `json:"op"`
	Tag        Tag            `json:"tag"`
	At         string         `json:"at"` // as on the card, hour resolution, "2026-11-21T14"
}

// WriteBack is what the meter wrote on the card when it was swiped.
type WriteBack struct {
	Slot       string   `json:"slot"`
	Seq        uint16   `json:"seq"`
	Accepted   Amount   `json:"accepted"`  // cumulative that the meter has credited
	Remaining  Amount   `json:"remaining"` // signed: negative in overdraft
	Used       Amount   `json:"used"`
	Valve      uint8    `json:"valve"`
	BatteryDV  uint8    `json:"battery_dv"` // 0.1 V
	Status     []string `json:"status"`     // set flags in stable words: magnet, tamper, overflow, leak, low_battery, valve_fault, overdraft, clock
	LastEvent  uint8    `json:"last_event"`
	Magnet     uint8    `json:"magnet"`
	ValveError uint8    `json:"valve_errors"`
	MeterTime  string   `json:"meter_time"`
	MeterNo    string   `json:"meter_no"`
}

// Plan is one order, worked out to the byte against one state of one card. It goes into the journal as it is.
type Plan struct {
	Profile    string `json:"profile"`
	Make       Making `json:"make,omitempty"` // empty for an order; else what becomes of the card, which may carry an order or none
	Card       CardID `json:"card"`
	Seq        uint16 `json:"seq"`
	Tag        Tag    `json:"tag"`
	Qty        Amount `json:"qty"`        // what is bought with this order; Order.Qty is what the card will say
	Cumulative Amount `json:"cumulative"` // 0 when the card carries no total
	IssueCount uint8  `json:"issue_count"`
	Slot       string `json:"slot"` // where the order goes
	// Order is the new order as it will lie on the card, Taken as it will look after the meter took it when that differs.
	Order OnCard  `json:"order"`
	Taken *OnCard `json:"taken,omitempty"`
	// Base is the newest order when the plan was made; nil for the first order of a card. Spent: the meter had taken it,
	// so that nothing is lost with its bytes.
	Base  *OnCard `json:"base"`
	Spent bool    `json:"spent"`
	// StaleMark: the meter's mark was in the slot already. A cut write that leaves it there looks like an order taken.
	StaleMark bool   `json:"stale_mark,omitempty"`
	Before    Image  `json:"before"`
	After     Image  `json:"after"`
	Steps     []Step `json:"steps"`
	// Waiting is what lay on the card before a making, not taken by the meter, in the card's unit.
	Waiting Amount `json:"waiting,omitempty"`
	// Was is the number that a card had before it was retired, as its bytes say it, when it becomes one of another number:
	// until the secret code is changed it is that number's. Zero otherwise.
	Was CardID `json:"was,omitzero"`
	// Places is set in a plan that makes, changes or retires a card.
	Places *Places `json:"places,omitempty"`
}

// Step is one write that is read back before the next is begun.
type Step struct {
	Name string `json:"name"` // repair, invalidate, body, commit, backup, stamp
	Addr int    `json:"addr"`
	Data Image  `json:"data"`
}

// Verdict is what a card says about a plan.
type Verdict string

// Verdicts of Resolve.
const (
	// Done: our sequence and our tag are on the card, valid.
	Done Verdict = "done"
	// NotDone: the order the plan was made against is still the newest; ours is not there and nothing else is.
	NotDone Verdict = "not_done"
	// OtherCard: this is not the card of the plan; it says nothing.
	OtherCard Verdict = "other_card"
	// Begun: half of a card that is being made, changed or retired, or of an order over one that the meter had not taken and
	// that has no other copy. It can be finished, whatever was done so far, and it cannot be given up.
	Begun Verdict = "begun"
	// Unclear: a foreign sequence, or no valid slot: a leader decides (quarantine).
	Unclear Verdict = "unclear"
)
