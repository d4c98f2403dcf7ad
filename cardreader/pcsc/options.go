package pcsc

import (
	"log/slog"
	"time"

	"tally/cardreader"
)

// Options of a Source. The zero value is what a counter uses.
type Options struct {
	// Watchdog ends a call into PC/SC that does not return; 10 s when zero. The longest honest exchange, a write of
	// 128 bytes at 5 ms each, takes 0.7 s.
	Watchdog time.Duration
	// Retry is the pause before the service is looked for again; 1 s when zero.
	Retry time.Duration
	// After is the number behind which insertions are counted. A program that was started again must not give a card the
	// number that another one had before: what a clerk left open on a page speaks of that number still.
	After cardreader.Insertion
	// Service is told, by the goroutine of Run, why the service cannot be used (an error of package cardreader) and, with
	// nil, that it can be used again. Nil is told nothing.
	Service func(error)
	// Log gets a line when the service is lost and when it is back; nil discards it.
	Log *slog.Logger
}

func (o Options) filled() Options {
	if o.Watchdog <= 0 {
		o.Watchdog = 10 * time.Second
	}
	if o.Retry <= 0 {
		o.Retry = time.Second
	}
	if o.Service == nil {
		o.Service = func(error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Reader is one line of a list of readers.
type Reader struct {
	Name    string
	Present bool   // a card lies in it
	Mute    bool   // the card does not answer to reset
	ATR     []byte // empty without a card or with a mute one
}
