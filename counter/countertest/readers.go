package countertest

import (
	"context"
	"fmt"
	"sync"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
)

// Fault goes wrong at one step of a card: reading, or one of the steps of a write.
type Fault struct {
	Step   string // "open", "read", "invalidate", "body", "commit", "verify"; empty for any
	Nth    int    // counts from 1 over matching steps; 0 is every one
	Effect bool   // the step takes effect nevertheless
	Pull   bool   // and the card is out afterwards
	Err    error  // what the caller gets; nil for an unknown outcome of a card pulled
	Swap   *Card  // another card lies there afterwards, and nobody noticed

	seen int
}

// Readers is a cardreader.Source without readers: cards are put on them by Insert and Remove.
type Readers struct {
	Power *Power

	mu     sync.Mutex
	slots  map[string]*slot
	last   cardreader.Insertion
	queue  []cardreader.Event
	wake   chan struct{}
	faults []*Fault
	holds  map[string]*hold
	steps  int
}

type hold struct {
	reached, released chan struct{}
	cancelled         bool // released by the end of the caller's context
}

type slot struct {
	card *Card
	ins  cardreader.Insertion
}

// NewReaders returns a source with these readers, empty, on the power p (nil for one of its own).
func NewReaders(p *Power, names ...string) *Readers {
	if p == nil {
		p = &Power{}
	}
	r := &Readers{Power: p, slots: map[string]*slot{}, holds: map[string]*hold{}, wake: make(chan struct{}, 1)}
	for _, name := range names {
		r.slots[name] = &slot{}
	}
	return r
}

// Run reports what lies there and then every change until ctx ends; see cardreader.Source.
func (r *Readers) Run(ctx context.Context, emit func(cardreader.Event)) error {
	r.mu.Lock()
	r.queue = nil
	for name, s := range r.slots {
		r.post(cardreader.Event{Kind: cardreader.ReaderArrived, Reader: name})
		if s.card != nil {
			r.last++
			s.ins = r.last
			r.post(cardreader.Event{Kind: cardreader.CardInserted, Reader: name, Insertion: s.ins})
		}
	}
	r.mu.Unlock()
	for {
		r.mu.Lock()
		events := r.queue
		r.queue = nil
		r.mu.Unlock()
		for _, e := range events {
			emit(e)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
	}
}

// Open is refused: these cards speak no APDU. Use Opener.
func (r *Readers) Open(context.Context, string, cardreader.Insertion) (cardreader.Card, error) {
	return nil, cardError(cardreader.Permanent, "open", cardreader.CodeNotSupported)
}

// Insert puts a card on a reader; one that lay there is removed first.
func (r *Readers) Insert(reader string, c *Card) cardreader.Insertion {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(reader)
	r.last++
	r.slots[reader] = &slot{card: c, ins: r.last}
	r.post(cardreader.Event{Kind: cardreader.CardInserted, Reader: reader, Insertion: r.last})
	return r.last
}

// Swap exchanges the card on a reader so quickly that nobody notices: no event, same insertion.
func (r *Readers) Swap(reader string, c *Card) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[reader].card = c
}

// Remove takes the card out.
func (r *Readers) Remove(reader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(reader)
}

// Unplug takes a reader away, with the card in it.
func (r *Readers) Unplug(reader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(reader)
	delete(r.slots, reader)
	r.post(cardreader.Event{Kind: cardreader.ReaderGone, Reader: reader})
}

// Plug brings a reader, empty.
func (r *Readers) Plug(reader string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[reader] = &slot{}
	r.post(cardreader.Event{Kind: cardreader.ReaderArrived, Reader: reader})
}

// Fail adds a fault. Faults strike once each unless Nth is 0.
func (r *Readers) Fail(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, &f)
}

// ClearFaults forgets all faults.
func (r *Readers) ClearFaults() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = nil
}

// Hold makes the next step of that name wait until release is called; reached is closed when it waits.
func (r *Readers) Hold(step string) (reached <-chan struct{}, release func()) {
	h := &hold{reached: make(chan struct{}), released: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holds[step] = h
	return h.reached, sync.OnceFunc(func() { close(h.released) })
}

// HoldUntilCancelled makes the next step of that name hang until its caller gives up, as a silent card does;
// reached is closed when it hangs.
func (r *Readers) HoldUntilCancelled(step string) (reached <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := &hold{reached: make(chan struct{}), cancelled: true}
	r.holds[step] = h
	return h.reached
}

// wait holds a step back, before it is anything.
func (r *Readers) wait(ctx context.Context, step string) {
	r.mu.Lock()
	h := r.holds[step]
	delete(r.holds, step)
	r.mu.Unlock()
	if h == nil {
		return
	}
	close(h.reached)
	if h.cancelled {
		<-ctx.Done()
	} else {
		<-h.released
	}
}

// Current is the insertion of the card that lies on a reader, 0 for none.
func (r *Readers) Current(reader string) cardreader.Insertion {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slots[reader]; s != nil && s.card != nil {
		return s.ins
	}
	return 0
}

// Steps counts the card steps since the start.
func (r *Readers) Steps() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.steps
}

func (r *Readers) remove(reader string) {
	s := r.slots[reader]
	if s == nil || s.card == nil {
		return
	}
	s.card = nil
	r.post(cardreader.Event{Kind: cardreader.CardRemoved, Reader: reader, Insertion: s.ins})
}

func (r *Readers) post(e cardreader.Event) {
	r.queue = append(r.queue, e)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Opener opens these cards as a counter.Opener does.
func (r *Readers) Opener() counter.Opener {
	return func(ctx context.Context, reader string, ins cardreader.Insertion) (counter.Purse, error) {
		p := &cardPurse{readers: r, reader: reader, ins: ins}
		return p, p.do(ctx, "open", func(*Card) {})
	}
}

type cardPurse struct {
	readers *Readers
	reader  string
	ins     cardreader.Insertion
	dead    bool
}

// do runs one step on the card that lies there, with the fault that is due.
func (p *cardPurse) do(ctx context.Context, name string, f func(*Card)) error {
	r := p.readers
	r.wait(ctx, name)
	err := r.Power.Step("card "+name, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		s := r.slots[p.reader]
		switch {
		case ctx.Err() != nil || p.dead:
			return cardError(cardreader.Retry, name, cardreader.CodeTimeout)
		case s == nil || s.card == nil || s.ins != p.ins:
			return cardError(cardreader.Operator, name, cardreader.CodeCardRemoved)
		}
		r.steps++
		fault := r.due(name)
		if fault == nil || fault.Effect {
			f(s.card)
		}
		if fault == nil {
			return nil
		}
		if fault.Swap != nil {
			s.card = fault.Swap
		}
		if fault.Pull {
			r.remove(p.reader)
		}
		if fault.Err != nil {
			return fault.Err
		}
		return cardError(cardreader.Unknown, name, cardreader.CodeShortAnswer)
	})
	if err != nil {
		p.dead = true
	}
	return err
}

func (r *Readers) due(step string) *Fault {
	for _, f := range r.faults {
		if f.Step != "" && f.Step != step {
			continue
		}
		if f.seen++; f.Nth == 0 || f.seen == f.Nth {
			return f
		}
	}
	return nil
}

func (p *cardPurse) Read(ctx context.Context) (purse.State, error) {
	var st purse.State
	err := p.do(ctx, "read", func(c *Card) { st = c.State() })
	if err != nil {
		return purse.State{}, err
	}
	return st, nil
}

func (p *cardPurse) Plan(st purse.State, o purse.Order) (purse.Plan, error) { return plan(st, o) }

func (p *cardPurse) Write(ctx context.Context, pl purse.Plan) error {
	for _, step := range pl.Steps {
		if err := p.do(ctx, step.Name, func(c *Card) {
			c.mu.Lock()
			defer c.mu.Unlock()
			copy(c.mem[step.Addr:], step.Data)
		}); err != nil {
			return err
		}
	}
	ok := false
	err := p.do(ctx, "verify", func(c *Card) { ok = string(c.Snapshot()[:2*slotLen]) == string(pl.After[:2*slotLen]) })
	if err == nil && !ok {
		return cardError(cardreader.Unknown, "verify", "read_back_differs")
	}
	return err
}

func (p *cardPurse) Close() error { return nil }

func cardError(class cardreader.Class, op, code string) error {
	return &cardreader.Error{Class: class, Code: code, Op: op, Reader: "test", Err: fmt.Errorf("simulated")}
}
