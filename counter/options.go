package counter

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tally/cardreader/purse"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// Options is what a Service is built from. Store, Open, Resolve, Tables and Station must be set; the rest has a
// sensible value when left zero.
type Options struct {
	Store   Store
	Open    Opener
	Resolve Resolver

	// Tables are the released price tables of every class; the one whose From is the newest not after the day holds.
	Tables []tariff.Table

	Station   string // as on receipts; names the stock of receipt numbers
	StationNo uint16 // as in the card's write stamp
	Region    uint16 // of the utility; a card of another one is refused

	Alarm     quantity.Volume // remaining credit at which the meter warns
	Overdraft quantity.Volume // credit that the meter lends

	// MaxPriceAge and MaxLockAge are how old the centre's last word about prices and locks may be before nothing is sold,
	// MaxAccountAge the one about accounts before no new card is made; 0 for any age. RefuseArrears: a customer who owes money buys nothing.
	MaxPriceAge   time.Duration
	MaxLockAge    time.Duration
	MaxAccountAge time.Duration
	RefuseArrears bool

	// CardUnit is what new cards count in, default 0.01 m³. ReissueFees is the published list of what a replacement costs,
	// by cause; what is not on it costs nothing.
	CardUnit    purse.Unit
	ReissueFees map[string]quantity.Money

	Now      func() time.Time // default time.Now
	Location *time.Location   // of the business day, default UTC+8
	Logger   *slog.Logger     // default slog.Default()
	Random   io.Reader        // default crypto/rand

	Password     PasswordCost  // of the dummy hash that unknown names are checked against, default DefaultPasswordCost
	SessionIdle  time.Duration // default 30 minutes
	SessionLimit time.Duration // default 12 hours

	// StoreRetry is how long to wait before a result that the ledger could not store is tried again; default 2 s.
	StoreRetry time.Duration
	// Grace is how long a card write under way may still take when Run is asked to end; default 3 s.
	Grace time.Duration
}

// Resolver judges a card that was just read against a plan: purse.Resolve, or the one of a simulated purse.
type Resolver func(purse.Plan, purse.State) purse.Verdict

// utc8 is the one time zone of the trade (UTC+8, no daylight saving).
var utc8 = time.FixedZone("UTC+8", 8*60*60)

func (o *Options) fill() error {
	switch {
	case o.Store == nil || o.Open == nil || o.Resolve == nil:
		return errors.New("counter: store, opener and resolver are needed")
	case o.Station == "":
		return errors.New("counter: the station needs a name")
	}
	if err := tariff.CheckAll(o.Tables); err != nil {
		return fmt.Errorf("counter: %w", err)
	}
	orElse(&o.Location, utc8)
	orElse(&o.CardUnit, purse.UnitCentiM3)
	orElse(&o.Logger, slog.Default())
	orElse(&o.Password, DefaultPasswordCost)
	orElse(&o.SessionIdle, 30*time.Minute)
	orElse(&o.SessionLimit, 12*time.Hour)
	orElse(&o.StoreRetry, 2*time.Second)
	orElse(&o.Grace, 3*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return nil
}

func orElse[T comparable](p *T, def T) {
	var zero T
	if *p == zero {
		*p = def
	}
}
