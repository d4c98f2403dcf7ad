package control

import (
	"context"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
)

// CardBook is what a node knows of cards beyond what lies on them. A node without a counter is none.
type CardBook interface {
	// CardOrders lists at most n orders of a card, newest first.
	CardOrders(ctx context.Context, card purse.CardID, n int) ([]CardOrder, error)
	// OpenOrders lists the orders whose money is without an end, oldest first. An order whose card lies in a reader of
	// this node has the card's word in Verdict.
	OpenOrders(ctx context.Context) ([]CardOrder, error)
	// LookAgain makes the node read the card in a reader once more, resolve what it proves, and waits until that is
	// done. Nothing is written on the card.
	LookAgain(ctx context.Context, reader string) error
}

// CardWatcher tells what happens at the readers.
type CardWatcher interface {
	// WatchCards calls emit, from one goroutine, first for everything that is there and then for each change, until
	// ctx ends; it returns nil then. An error of emit ends it and is returned.
	WatchCards(ctx context.Context, emit func(CardEvent) error) error
}

// Kinds of CardEvent.
const (
	ReaderAdded   = "reader_added"
	ReaderRemoved = "reader_removed"
	CardInserted  = "card_inserted"
	CardRead      = "card_read"
	CardFailed    = "card_failed" // it cannot be used; Problem says why
	CardRemoved   = "card_removed"
)

// CardEvent is one change at one reader.
type CardEvent struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Reader  string    `json:"reader"`
	ATR     string    `json:"atr"`     // hex; empty where it is not known
	Card    string    `json:"card"`    // "0571-00001234" once it was read
	Meter   string    `json:"meter"`   // that the card is bound to
	Problem string    `json:"problem"` // code of why the card cannot be used, or why a sale would be refused
}

// CardOrder is one journaled order of a card, as a technician needs it: no name, and of the money what is on the
// receipt.
type CardOrder struct {
	ID       string             `json:"id"`
	Op       purse.Op           `json:"op"`
	State    counter.OrderState `json:"state"`
	Card     purse.CardID       `json:"card"`
	Account  string             `json:"account"`
	IntentAt time.Time          `json:"intent_at"`
	EndAt    *time.Time         `json:"end_at"` // nil while it has no end
	Unit     purse.Unit         `json:"unit"`
	Seq      uint16             `json:"seq"`
	Tag      purse.Tag          `json:"tag"`
	Quantity purse.Amount       `json:"quantity"` // in Unit
	Volume   quantity.Volume    `json:"volume_l"`
	Amount   quantity.Money     `json:"amount_fen"`
	Receipt  uint64             `json:"receipt"`
	Doubted  bool               `json:"doubted"` // was in doubt at some time
	Why      string             `json:"why"`     // code of what went wrong
	Of       string             `json:"of"`      // the order that this one refunds or makes up
	Image    purse.Image        `json:"image"`   // all user bytes as they should be after the order, before the meter took it
	Verdict  purse.Verdict      `json:"verdict"` // what the card in a reader says of it; empty when it lies in none
}

// OrderOf is the journal's order as the door shows it.
func OrderOf(o counter.Order) CardOrder {
	c := CardOrder{
		ID: o.ID, Op: o.Op, State: o.State, Card: o.Card, Account: o.Account, IntentAt: o.IntentAt, Unit: o.Unit, Seq: o.Plan.Seq, Tag: o.Plan.Tag,
		Quantity: o.Plan.Qty, Volume: o.Volume, Amount: o.Amount, Receipt: o.Receipt, Doubted: o.Doubted, Why: o.Why, Of: o.Of, Image: o.Plan.After,
	}
	if !o.EndAt.IsZero() {
		end := o.EndAt
		c.EndAt = &end
	}
	return c
}

// DiffDesks says what changed from one look at the desks to the next. Before the first look nothing is there.
func DiffDesks(was, is []counter.Desk, at time.Time) []CardEvent {
	before := map[string]counter.Desk{}
	for _, d := range was {
		before[d.Reader] = d
	}
	var events []CardEvent
	for _, d := range is {
		events = append(events, diffDesk(before[d.Reader], d, at)...)
	}
	return events
}

func diffDesk(was, is counter.Desk, at time.Time) (events []CardEvent) {
	tell := func(kind string, change func(*CardEvent)) {
		e := CardEvent{At: at, Kind: kind, Reader: is.Reader}
		if change != nil {
			change(&e)
		}
		events = append(events, e)
	}
	there := func(d counter.Desk) bool { return d.Phase != "" && d.Phase != counter.NoReader }
	if there(was) && was.Insertion != 0 && was.Insertion != is.Insertion {
		tell(CardRemoved, nil)
		was.Insertion, was.Card, was.Phase = 0, nil, counter.Empty
	}
	switch {
	case there(was) && !there(is):
		tell(ReaderRemoved, nil)
		return events
	case !there(is):
		return events
	case !there(was):
		tell(ReaderAdded, nil)
	}
	if is.Insertion != 0 && is.Insertion != was.Insertion {
		tell(CardInserted, nil)
	}
	if is.Card != nil && was.Card == nil {
		tell(CardRead, func(e *CardEvent) {
			e.Card, e.Meter = is.Card.Card.String(), is.Card.Meter
			if is.Problem != nil {
				e.Problem = is.Problem.Code
			}
		})
	}
	if is.Phase == counter.Failed && was.Phase != counter.Failed {
		tell(CardFailed, func(e *CardEvent) {
			if is.Problem != nil {
				e.Problem = is.Problem.Code
			}
		})
	}
	return events
}
