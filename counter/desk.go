package counter

import (
	"context"
	"maps"
	"slices"
	"sync"

	"tally/cardreader"
	"tally/cardreader/purse"
)

// desk is one reader. Its worker is the only one who touches the card; everybody else leaves a job for it.
type desk struct {
	s    *Service
	name string
	jobs chan job      // holds one; only who has set busy may put one in
	wake chan struct{} // holds one: there is a card to look at

	// mu guards what follows. It is never held over I/O.
	mu     sync.Mutex
	view   Desk
	here   context.Context // ends when the card of view.Insertion is taken out
	gone   context.CancelFunc
	looked bool // the card of view.Insertion was looked at
	busy   bool // a job was taken and not answered yet
	closed bool
}

// job is one operation on the card of an insertion.
type job struct {
	ins  cardreader.Insertion
	work func(ctx context.Context, ins cardreader.Insertion)
}

func newDesk(s *Service, name string) *desk {
	d := &desk{s: s, name: name, jobs: make(chan job, 1), wake: make(chan struct{}, 1)}
	d.view = Desk{Reader: name, Phase: NoReader}
	d.here, d.gone = context.WithCancel(context.Background())
	d.gone()
	return d
}

// event takes one event of the reader. It never waits: what lay there is off the screen at once, whatever the worker
// is doing.
func (d *desk) event(e cardreader.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case cardreader.ReaderArrived:
		d.clear(Empty)
	case cardreader.ReaderGone:
		d.clear(NoReader)
	case cardreader.CardRemoved:
		if d.view.Insertion == e.Insertion {
			d.clear(Empty)
		}
	case cardreader.CardInserted:
		d.clear(Reading)
		d.view.Insertion = e.Insertion
		d.here, d.gone = context.WithCancel(context.Background())
		d.poke()
	}
}

func (d *desk) clear(p Phase) {
	d.gone()
	d.view = Desk{Reader: d.name, Phase: p}
	d.looked = false
}

func (d *desk) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// again makes the worker look at the card once more, if c lies there.
func (d *desk) again(c purse.CardID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.view.Card != nil && d.view.Card.Card == c {
		d.looked = false
		d.poke()
	}
}

// show changes the view if the card of ins still lies there, and tells everybody.
func (d *desk) show(ins cardreader.Insertion, change func(*Desk)) {
	d.mu.Lock()
	if d.view.Insertion == ins {
		change(&d.view)
	}
	d.mu.Unlock()
	d.s.watch.changed()
}

func (d *desk) snapshot() Desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view
}

// begin gives the worker a job on the card of ins, as the clerk saw it; a desk that is doing something refuses.
func (d *desk) begin(ins cardreader.Insertion, work func(context.Context, cardreader.Insertion)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.view.Phase == NoReader || d.closed:
		return refuse(cardreader.CodeReaderGone, nil, "reader", d.name)
	case d.view.Insertion == 0:
		return refuse(cardreader.CodeCardRemoved, nil, "reader", d.name)
	case d.view.Insertion != ins:
		return refuse(CodeCardChanged, nil)
	case d.view.Phase == Failed:
		return d.view.Problem
	case d.busy || d.view.Card == nil:
		return refuse(CodeBusy, nil, "reader", d.name)
	}
	d.busy = true
	d.jobs <- job{ins, work}
	return nil
}

// idle lets the next job in: the one before has been answered, though the worker may still look at the card once more.
func (d *desk) idle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
}

// Desks returns one desk per reader that was ever seen, by name.
func (s *Service) Desks() []Desk {
	s.mu.Lock()
	desks := slices.Collect(maps.Values(s.desks))
	s.mu.Unlock()
	out := make([]Desk, 0, len(desks))
	for _, d := range desks {
		out = append(out, d.snapshot())
	}
	slices.SortFunc(out, func(a, b Desk) int {
		if a.Reader < b.Reader {
			return -1
		}
		return 1
	})
	return out
}

func (s *Service) desk(reader string) (*desk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.desks[reader]
	if !ok {
		return nil, refuse(cardreader.CodeReaderGone, nil, "reader", reader)
	}
	return d, nil
}

// deskWith finds the desk on which an order in doubt waits for the clerk's choice.
func (s *Service) deskWith(order string) (*desk, cardreader.Insertion, error) {
	for _, v := range s.Desks() {
		if v.InDoubt != nil && v.InDoubt.ID == order {
			d, err := s.desk(v.Reader)
			return d, v.Insertion, err
		}
	}
	return nil, 0, refuse(CodeCardNeeded, nil, "order", order)
}

// shown is the card that the clerk saw on a reader.
func (s *Service) shown(reader string, ins cardreader.Insertion) (purse.State, error) {
	d, err := s.desk(reader)
	if err != nil {
		return purse.State{}, err
	}
	v := d.snapshot()
	switch {
	case v.Phase == NoReader:
		err = refuse(cardreader.CodeReaderGone, nil, "reader", reader)
	case v.Insertion == 0:
		err = refuse(cardreader.CodeCardRemoved, nil, "reader", reader)
	case v.Insertion != ins:
		err = refuse(CodeCardChanged, nil)
	case v.Phase == Failed:
		err = v.Problem
	case v.Phase != Ready || v.Card == nil:
		err = refuse(CodeBusy, nil, "reader", reader)
	default:
		return *v.Card, nil
	}
	return purse.State{}, err
}

// lookAgain makes every desk on which the card lies read it once more.
func (s *Service) lookAgain(c purse.CardID) {
	s.mu.Lock()
	desks := slices.Collect(maps.Values(s.desks))
	s.mu.Unlock()
	for _, d := range desks {
		d.again(c)
	}
}
