// Package dispatch carries down what the centre wants of its nodes: commands until their results are here, the desired
// state of each node, and requests for records that the centre has lost. It keeps nothing itself; several of them may
// work beside each other on one database.
package dispatch

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// Commands are what nodes shall do.
type Commands interface {
	// Due returns the commands that are to be sent now and were not for as long as again; they count as sent.
	Due(ctx context.Context, now time.Time, again time.Duration) ([]central.Outgoing, error)
	// AskAgain commands nodes to send what they were told to be committed and what is not here.
	AskAgain(ctx context.Context, sign central.Signer, now time.Time) ([]central.Gap, error)
}

// States are how nodes shall be.
type States interface {
	// SaveStatus keeps what a node says of itself.
	SaveStatus(ctx context.Context, node string, s contract.Status, now time.Time) error
	// Outdated names the nodes whose desired state has to be made anew.
	Outdated(ctx context.Context, now time.Time, fresh time.Duration) ([]string, error)
	// Compose makes it, and keeps it signed.
	Compose(ctx context.Context, node string, sign central.Signer, now time.Time, fresh time.Duration) error
	// Publish hands what the broker may not have yet to send, held against other instances meanwhile.
	Publish(ctx context.Context, holder string, now time.Time, again time.Duration, send func(context.Context, central.Outgoing) error) error
}

// Store is the database.
type Store interface {
	Commands
	States
}

// Road is the way to the broker.
type Road interface {
	Connected() bool
	// Send a payload; a nil error says that the broker has it.
	Send(ctx context.Context, t contract.Topic, payload []byte) error
}

// Options of a Dispatcher; all have defaults.
type Options struct {
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger     // discarded when nil
	Every   time.Duration    // how often it looks; 1 s
	Repeat  time.Duration    // a command without a result is sent again after; 30 s
	Compose time.Duration    // how often desired states are made anew at the most; 5 s
	Fresh   time.Duration    // one is made anew though nothing has changed, so that the node knows of the centre; 1 h
	Again   time.Duration    // one is published again, since a broker may have lost it; 10 min
	AskGaps time.Duration    // how often lost records are looked for; 1 min
}

// Stats count since the start.
type Stats struct {
	Commands uint64 // payloads handed to the broker, repeats included
	States   uint64
	Gaps     uint64 // requests for lost records
	Errors   uint64
}

// Dispatcher works until its context ends.
type Dispatcher struct {
	store  Store
	road   Road
	sign   central.Signer // nil: nothing can be signed, statuses are kept only
	o      Options
	holder string

	mu       sync.Mutex
	statuses map[string]contract.Status
	stats    Stats
	failing  bool
}

// New wires a dispatcher. Without a signer it only keeps what nodes say of themselves and repeats what was signed before.
func New(store Store, road Road, sign central.Signer, o Options) *Dispatcher {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Every, time.Second}, {&o.Repeat, 30 * time.Second}, {&o.Compose, 5 * time.Second}, {&o.Fresh, time.Hour}, {&o.Again, 10 * time.Minute}, {&o.AskGaps, time.Minute}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return &Dispatcher{store: store, road: road, sign: sign, o: o, holder: rand.Text(), statuses: map[string]contract.Status{}}
}

// Stats may be called at any time.
func (d *Dispatcher) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats
}

func (d *Dispatcher) count(f func(*Stats)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.stats)
}

// maxStatuses bounds what is remembered between two looks; nodes tell their status again.
const maxStatuses = 100_000

// Heard takes the payload of a node's status. It never blocks.
func (d *Dispatcher) Heard(topic string, payload []byte) {
	t, err := contract.ParseTopic(topic)
	if err != nil || t.Kind != contract.KindStatus {
		return
	}
	s, err := contract.OpenStatus(payload)
	if err != nil {
		d.o.Log.Warn("cannot read the status of a node", "node", t.Node, "err", err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.statuses[t.Node]; known || len(d.statuses) < maxStatuses {
		d.statuses[t.Node] = s
	}
}

// Run looks every so often what is to be done, until ctx ends, and returns nil then. What fails is tried again.
func (d *Dispatcher) Run(ctx context.Context) error {
	tick := time.NewTicker(d.o.Every)
	defer tick.Stop()
	var composed, asked time.Time
	for {
		now := d.o.Now()
		jobs := []func(context.Context, time.Time) error{d.keepStatuses, d.repeat}
		if d.sign != nil && (composed.IsZero() || now.Sub(composed) >= d.o.Compose || now.Before(composed)) {
			jobs, composed = append(jobs, d.compose), now
		}
		if d.sign != nil && (asked.IsZero() || now.Sub(asked) >= d.o.AskGaps || now.Before(asked)) {
			jobs, asked = append(jobs, d.askAgain), now
		}
		d.do(ctx, now, append(jobs, d.publish))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// do all jobs, whatever becomes of one. A trouble that lasts is told once.
func (d *Dispatcher) do(ctx context.Context, now time.Time, jobs []func(context.Context, time.Time) error) {
	var errs []error
	for _, job := range jobs {
		if err := job(ctx, now); err != nil {
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		d.count(func(s *Stats) { s.Errors++ })
		if !d.failing {
			d.o.Log.Error("cannot reach nodes", "err", err)
		}
	} else if d.failing {
		d.o.Log.Info("nodes are reached again")
	}
	d.failing = err != nil
}

func (d *Dispatcher) keepStatuses(ctx context.Context, now time.Time) error {
	d.mu.Lock()
	heard := d.statuses
	d.statuses = map[string]contract.Status{}
	d.mu.Unlock()
	for node, s := range heard {
		if err := d.store.SaveStatus(ctx, node, s, now); err != nil {
			d.forgive(heard)
			return err
		}
	}
	return nil
}

// forgive puts statuses back that could not be kept, under what came meanwhile.
func (d *Dispatcher) forgive(heard map[string]contract.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for node, s := range heard {
		if _, newer := d.statuses[node]; !newer {
			d.statuses[node] = s
		}
	}
}

// repeat sends the commands that have no result yet. Without a broker none counts as sent.
func (d *Dispatcher) repeat(ctx context.Context, now time.Time) error {
	if !d.road.Connected() {
		return nil
	}
	due, err := d.store.Due(ctx, now, d.o.Repeat)
	for _, out := range due {
		if sent := d.road.Send(ctx, out.Topic, out.Payload); sent != nil {
			return errors.Join(err, sent) // all of them are sent again later
		}
		d.count(func(s *Stats) { s.Commands++ })
	}
	return err
}

func (d *Dispatcher) compose(ctx context.Context, now time.Time) error {
	nodes, err := d.store.Outdated(ctx, now, d.o.Fresh)
	if err != nil {
		return err
	}
	var errs []error
	for _, node := range nodes {
		if err := d.store.Compose(ctx, node, d.sign, now, d.o.Fresh); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (d *Dispatcher) publish(ctx context.Context, now time.Time) error {
	if !d.road.Connected() {
		return nil
	}
	return d.store.Publish(ctx, d.holder, now, d.o.Again, func(ctx context.Context, out central.Outgoing) error {
		err := d.road.Send(ctx, out.Topic, out.Payload)
		if err == nil {
			d.count(func(s *Stats) { s.States++ })
		}
		return err
	})
}

func (d *Dispatcher) askAgain(ctx context.Context, now time.Time) error {
	gaps, err := d.store.AskAgain(ctx, d.sign, now)
	for _, g := range gaps {
		d.count(func(s *Stats) { s.Gaps++ })
		d.o.Log.Warn("records that were acknowledged are not here; their node is asked for them",
			"node", g.Node, "epoch", g.Epoch, "stream", g.Stream, "first", g.First, "last", g.Last)
	}
	return err
}
