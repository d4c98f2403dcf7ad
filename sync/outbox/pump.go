package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tally/sync/contract"
)

// Pump delivers queues over a link. It keeps nothing of its own: stopped anywhere and started again, it goes on from
// the queues' watermarks.
type Pump struct {
	cfg   Config
	link  Link
	lanes []*lane // by priority
	acks  map[contract.Stream]*acker

	connected bool
	central   bool
	compact   bool // the centre takes readings in the compact encoding
	flight    uint64
	landings  chan landing
	grown     chan struct{}
	view      atomic.Pointer[view]
}

// landing is what became of one publish.
type landing struct {
	l   *lane
	id  uint64
	err error
}

// NewPump wires queues, given by priority, to a link. One queue per stream.
func NewPump(cfg Config, link Link, queues ...Queue) (*Pump, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if link == nil || len(queues) == 0 {
		return nil, errors.New("set up outbox: no link or no queue")
	}
	p := &Pump{
		cfg: cfg, link: link, acks: map[contract.Stream]*acker{},
		landings: make(chan landing), grown: make(chan struct{}, 1),
	}
	for _, q := range queues {
		if !q.Stream().Known() || p.acks[q.Stream()] != nil {
			return nil, fmt.Errorf("set up outbox: stream %q is unknown or given twice", q.Stream())
		}
		l, a := newLane(q, &p.cfg), newAcker(q, cfg.OnAlarm, cfg.Pause)
		l.forget = func() { a.take() }
		p.lanes = append(p.lanes, l)
		p.acks[q.Stream()] = a
	}
	p.show()
	return p, nil
}

// Run delivers until ctx ends, and returns nil then. It may be called once.
func (p *Pump) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, l := range p.lanes {
		wg.Go(func() { p.watch(ctx, l.q) })
		wg.Go(func() { p.acks[l.stream].run(ctx) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		acted, at := p.step(ctx, &wg)
		p.show()
		if !acted {
			p.arm(timer, at)
			if !p.wait(ctx, timer.C) {
				return nil
			}
		} else if !p.hear(ctx) {
			return nil
		}
	}
}

// SetMaxRate changes Config.MaxRate while the pump runs.
func (p *Pump) SetMaxRate(perSecond int) { p.cfg.rate.Store(int64(max(perSecond, 0))) }

// step gives at most one lane its turn; when none is ready, it says when to look again.
func (p *Pump) step(ctx context.Context, wg *sync.WaitGroup) (acted bool, at time.Time) {
	if !p.connected || !p.central {
		return false, time.Time{}
	}
	now := p.cfg.Now()
	at = p.showNewest(ctx, now)
	for _, l := range p.lanes {
		at = sooner(at, l.overdue(now))
	}
	l, later := p.pick(now)
	if l == nil {
		return false, sooner(at, later)
	}
	p.send(ctx, l, wg)
	return true, time.Time{}
}

// pick returns the most urgent lane that is ready, or one that has waited for too many turns of others.
func (p *Pump) pick(now time.Time) (*lane, time.Time) {
	var first *lane
	var later time.Time
	for _, l := range p.lanes {
		ok, at := l.ready(now)
		if !ok {
			later = sooner(later, at)
			continue
		}
		if first == nil {
			first = l
		} else if l.skipped++; l.skipped > p.cfg.Patience {
			first = l
		}
	}
	if first != nil {
		first.skipped = 0
	}
	return first, later
}

// send takes the next batch of l to the link. A queue that cannot be read is left alone for a while.
func (p *Pump) send(ctx context.Context, l *lane, wg *sync.WaitGroup) {
	records, err := l.q.Read(ctx, l.next, l.limits.Records, l.limits.Bytes)
	var payload []byte
	if err == nil && len(records) > 0 {
		l.next = max(l.next, records[0].Seq) // behind a gap for ever
		payload, err = p.seal(l, records)
	}
	now := p.cfg.Now()
	if err != nil || len(records) == 0 {
		l.rest(now)
		if err != nil && ctx.Err() == nil {
			p.cfg.OnAlarm(Alarm{l.stream, AlarmRead, l.next, err.Error()})
		}
		return
	}
	p.flight++
	id := p.flight
	l.sent(id, records[len(records)-1].Seq, len(payload), now)
	done := p.link.Publish(ctx, l.stream, payload)
	wg.Go(func() {
		select {
		case err := <-done:
			select {
			case p.landings <- landing{l, id, err}:
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	})
}

func (p *Pump) seal(l *lane, records []Record) ([]byte, error) {
	raws := make([]json.RawMessage, len(records))
	for i, r := range records {
		if want := l.next + uint64(i); r.Seq != want {
			return nil, fmt.Errorf("read queue %s: got record %d where %d belongs", l.stream, r.Seq, want)
		}
		raws[i] = r.Raw
	}
	return p.pack(l, l.next, raws)
}

func (p *Pump) pack(l *lane, seq0 uint64, raws []json.RawMessage) ([]byte, error) {
	head := contract.Envelope{
		Node: p.cfg.Node, Epoch: l.epoch, Stream: l.stream, Seq0: seq0, Boot: p.cfg.Boot,
		SentAt: contract.At(p.cfg.Now()), Clock: p.cfg.Clock(),
	}
	if p.compact && l.stream == contract.Rd {
		return contract.SealCompact(head, raws)
	}
	return contract.Seal(head, raws)
}

// hear takes in what has happened meanwhile without waiting.
func (p *Pump) hear(ctx context.Context) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case e := <-p.link.Events():
			p.event(e)
		case d := <-p.landings:
			p.landed(d)
		default:
			return true
		}
	}
}

func (p *Pump) wait(ctx context.Context, timer <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case e := <-p.link.Events():
		p.event(e)
	case d := <-p.landings:
		p.landed(d)
	case <-p.grown:
	case <-timer:
	}
	return true
}

func (p *Pump) landed(d landing) {
	if d.err == nil {
		d.l.landed(d.id, p.cfg.Now())
		return
	}
	d.l.broken(d.id, p.cfg.Now())
}

func (p *Pump) event(e Event) {
	switch e.Kind {
	case Connected, Lost:
		p.connected, p.central = e.Kind == Connected, false
		p.renew()
	case CentralOnline:
		if !p.central {
			p.renew()
		}
		p.central = true
		p.compact = !p.cfg.PlainReadings && slices.Contains(e.Enc, contract.EncColumns)
	case CentralOffline:
		p.central = false
	case Acked:
		p.acked(e.Stream, e.Ack)
	}
}

func (p *Pump) renew() {
	for _, l := range p.lanes {
		l.renew(p.cfg.Now())
	}
}

func (p *Pump) acked(s contract.Stream, a contract.Ack) {
	for _, l := range p.lanes {
		if l.stream != s {
			continue
		}
		v := l.heard(a, p.cfg.Now())
		if v.beyond != 0 {
			p.cfg.OnAlarm(Alarm{s, AlarmBeyond, v.beyond, ErrBeyond.Error()})
			return
		}
		if v.stale {
			return
		}
		p.acks[s].put(v.ack)
		for _, n := range v.nacks {
			p.cfg.OnAlarm(Alarm{s, AlarmNacked, n.Seq, n.Code + ": " + n.Text})
		}
	}
}

// watch wakes the pump when q has grown. It wakes after it has looked, not only after Grown: a record that was
// committed between the pump's look and this one is above the pump's state and not above last.
func (p *Pump) watch(ctx context.Context, q Queue) {
	for {
		last := q.State().Next - 1
		wake(p.grown)
		select {
		case <-ctx.Done():
			return
		case <-q.Grown(last):
			wake(p.grown)
		}
	}
}

// arm sets timer to at, or to never.
func (p *Pump) arm(timer *time.Timer, at time.Time) {
	timer.Stop()
	if !at.IsZero() {
		timer.Reset(max(0, at.Sub(p.cfg.Now())))
	}
}

// sooner is the earlier of two times, of which zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
