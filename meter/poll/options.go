package poll

import (
	"cmp"
	"log/slog"
	"time"
)

// Options tune a Poller; the zero value is useful.
type Options struct {
	Retries   int           // further tries within a round; 0 = 2, negative = none
	DeadAfter int           // failed rounds after which a meter is dead; 0 = 3
	Slowest   time.Duration // longest interval between probes of a dead meter; 0 = 15 min
	Limit     time.Duration // longest time for one read, the wait for the line included; 0 = 30 s
	Queue     int           // values that wait for a Sink which refuses; 0 = 10 000
	Share     int           // percent of a busy line's time that probes of dead meters may take; 0 = 5

	// A line is down when CutAfter meters that are not dead (all of them where there are fewer, at least two) were silent
	// one after the other and as many others, spread over the line, were then too; or when the port or connection itself
	// could not be used for LostAfter. 0 = 4 and 5 s.
	CutAfter  int
	LostAfter time.Duration

	// Zone is the local time of the utility. With it every meter is read as soon after local midnight as its line allows
	// (the daily freeze), and failures that last are reported once a local day. nil = neither.
	Zone *time.Location

	Backfill time.Duration // an outage of a meter at least that long is filled from its own history; 0 = never

	ClockEvery time.Duration // how often a meter's clock is compared with the node's; 0 = never
	ClockLimit time.Duration // further off than that is set right where SetClocks allows; 0 = 2 min
	SetClocks  bool          // meters' clocks are set, each at most once in SetEvery
	SetEvery   time.Duration // 0 = 24 h; less than an hour is taken as an hour
	Sound      func() bool   // whether the node's clock can be trusted; nil = it can from 2026 on

	Watch Watch            // nil = nobody watches
	Now   func() time.Time // wall clock; nil = time.Now
	Log   *slog.Logger     // nil = slog.Default()
}

func (o Options) withDefaults() Options {
	o.Retries = max(cmp.Or(o.Retries, 2), 0)
	o.DeadAfter = cmp.Or(o.DeadAfter, 3)
	o.Slowest = cmp.Or(o.Slowest, 15*time.Minute)
	o.Limit = cmp.Or(o.Limit, 30*time.Second)
	o.Queue = cmp.Or(o.Queue, 10_000)
	o.Share = min(cmp.Or(o.Share, 5), 100)
	o.CutAfter = max(cmp.Or(o.CutAfter, 4), 2)
	o.LostAfter = cmp.Or(o.LostAfter, 5*time.Second)
	o.ClockLimit = cmp.Or(o.ClockLimit, 2*time.Minute)
	o.SetEvery = max(cmp.Or(o.SetEvery, 24*time.Hour), time.Hour)
	if o.Watch == nil {
		o.Watch = nobody{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sound == nil {
		o.Sound = func() bool { return o.Now().Year() >= firstSound }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// firstSound is the first year in which this program can run: a node whose clock says less was started without one.
const firstSound = 2026
