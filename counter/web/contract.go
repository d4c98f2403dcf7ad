package web

import (
	"context"
	"time"

	"tally/counter"
	"tally/meter"
)

// Sales is the money side of the counter service. Every method needs a live session and checks its role.
type Sales interface {
	Quote(ctx context.Context, s counter.Session, a counter.Ask) (counter.Quote, error)
	// Sell carries out a quote. The same Request returns the same receipt, however often and from wherever it comes.
	Sell(ctx context.Context, s counter.Session, r counter.Sell) (counter.Receipt, error)
	// Retry writes an order in doubt again, after the card proved that it is not there.
	Retry(ctx context.Context, s counter.Session, order string) (counter.Receipt, error)
	// Void gives up an order in doubt, after the card proved that it is not there; the money goes back.
	Void(ctx context.Context, s counter.Session, order string) error
	// Receipt returns a finished sale; again true counts and marks a copy (重打).
	Receipt(ctx context.Context, s counter.Session, order string, again bool) (counter.Receipt, error)
}

// Decisions are what a leader (a lock: also a technician) says with a written reason.
type Decisions interface {
	// Decide ends an order in quarantine; a leader does, and not about a sale of their own.
	Decide(ctx context.Context, s counter.Session, order string, d counter.Decision, reason string) error
	// Lock stops sales to a customer.
	Lock(ctx context.Context, s counter.Session, account, reason string) error
	// Unlock lifts the lock that was set at a time; a leader does, and not a lock of their own.
	Unlock(ctx context.Context, s counter.Session, account string, at time.Time, reason string) error
}

// Returns write something else than a sale on the card of a desk. The same Request returns the same receipt.
type Returns interface {
	// Refund gives the money of the newest order back; the approver is a leader and somebody else.
	Refund(ctx context.Context, s, approver counter.Session, r counter.Refund) (counter.Receipt, error)
	// MakeUp puts exactly the last order on its card again.
	MakeUp(ctx context.Context, s counter.Session, m counter.MakeUp) (counter.Receipt, error)
	// Take asks another counter for an order in doubt whose card lies here and proves it not written.
	Take(ctx context.Context, s counter.Session, order string) error
}

// Logins is the door.
type Logins interface {
	// Login is slow on purpose (argon2id) and refuses with the same code whether name or password was wrong.
	Login(ctx context.Context, name, password string) (counter.Session, error)
	// Session finds the session of a token and prolongs it; a refusal of code no_session when there is none. The page
	// asks for every request but never for an open live stream, which must not keep a session alive.
	Session(token string) (counter.Session, error)
	Logout(token string)
}

// Views is what can be looked at.
type Views interface {
	// Desks returns one desk per reader that was ever seen, by name.
	Desks() []counter.Desk
	// OpenOrders lists what is in doubt or in quarantine, oldest first.
	OpenOrders(ctx context.Context) ([]counter.Order, error)
	// Search finds accounts by number, card, meter, or a part of name or address; at most n, masked.
	Search(ctx context.Context, s counter.Session, query string, n int) ([]counter.AccountView, error)
	// Subscribe returns a channel that receives (coalesced) after anything shown has changed. cancel ends it.
	Subscribe() (changed <-chan struct{}, cancel func())
}

// Meters tells of the remote-reading meters of this node (远传表).
type Meters interface {
	Meters() []MeterView
}

// MeterView is one remote meter as the page shows it.
type MeterView struct {
	ID      meter.ID       `json:"id"`
	Line    string         `json:"line"`
	Model   string         `json:"model"`
	Last    *meter.Reading `json:"last"`           // newest reading with the time it was measured; nil when there never was one
	Failure *meter.Failure `json:"failure"`        // newest failure when it is newer than Last, nil when the meter answers
	Dead    bool           `json:"dead"`           // has failed often enough to be backed off
	Since   time.Time      `json:"since,omitzero"` // since when it is dead
	Next    time.Time      `json:"next,omitzero"`  // when it is asked again

	Valve meter.ValveState `json:"valve,omitempty"` // as the last command left it; unknown until it is read
}

// Uplink tells of the delivery to the central system.
type Uplink interface {
	Uplink() UplinkView
}

// UplinkView is the one line about what waits and what the centre has.
type UplinkView struct {
	Configured bool      `json:"configured"`
	Connected  bool      `json:"connected"` // to the broker
	Central    bool      `json:"central"`   // the central ingest says it is there
	Waiting    uint64    `json:"waiting"`   // records that the centre has not acknowledged
	Acked      uint64    `json:"acked"`     // records that it has, in this epoch
	Oldest     time.Time `json:"oldest"`    // when the oldest waiting record happened; zero when none waits
	LastAck    time.Time `json:"last_ack"`
	CertEnds   time.Time `json:"certificate_ends,omitzero"` // the node's certificate, when it has to be renewed soon; zero otherwise
}

// Bench is the simulated workbench of a demo: cards to insert, an IC-card meter to swipe them at. It is nil on a real
// counter, and the page then has no bench.
type Bench interface {
	State() BenchState
	// Do carries out one action. insert puts a card into the reader and swipe puts it into a meter, wherever it lies
	// now; remove takes it out of the reader and take out of the meter, onto the table; use lets gas flow. A refusal
	// tells why an action makes no sense.
	Do(ctx context.Context, a BenchAction) error
}

// BenchState is what lies on the workbench.
type BenchState struct {
	Cards  []BenchCard  `json:"cards"`
	Meters []BenchMeter `json:"meters"`
}

// BenchCard is one simulated card.
type BenchCard struct {
	ID    string `json:"id"`
	Label string `json:"label"` // what is printed on it
	Where string `json:"where"` // "table", "reader", "meter"
}

// BenchMeter is one simulated IC-card meter.
type BenchMeter struct {
	ID        string `json:"id"`
	Number    string `json:"number"`
	Water     bool   `json:"water"`     // it is for water, not gas
	Card      string `json:"card"`      // card that is in it, empty for none
	Remaining string `json:"remaining"` // m³
	Used      string `json:"used"`      // m³
	Valve     string `json:"valve"`     // open, closed
	Said      string `json:"said"`      // what the last swipe did, stable code: credited, nothing_new, other_card, unreadable …
	Credited  string `json:"credited"`  // m³ of the last swipe
}

// BenchAction is one thing to do on the workbench.
type BenchAction struct {
	Do    string `json:"do"` // insert, remove, swipe, take, use
	Card  string `json:"card"`
	Meter string `json:"meter"`
	Use   string `json:"use"` // m³ of gas for "use"
}
