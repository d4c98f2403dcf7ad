package cardsim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tally/cardreader"
)

// Source is a cardreader.Source whose readers exist in this process only. Insert, Remove, Plug and Unplug are the hands
// of a person and may be called at any time from any goroutine.
type Source struct {
	// Watchdog ends an exchange with a card that is silent: after that time; never by itself when 0, so that the
	// caller's context must end it; at once when negative, for tests that do not want to wait. Set before use.
	Watchdog time.Duration

	mu      sync.Mutex
	slots   map[string]*slot
	order   []string
	last    cardreader.Insertion
	running bool
	queue   []cardreader.Event
	wake    chan struct{} // one token: the queue is not empty
}

// Errors of the hands.
var (
	ErrNoReader = errors.New("no reader of that name")
	ErrOccupied = errors.New("a card lies in the reader")
	ErrEmpty    = errors.New("no card in the reader")
)

// NewSource makes a Source with these readers, plugged in and empty.
func NewSource(readers ...string) *Source {
	s := &Source{slots: make(map[string]*slot), wake: make(chan struct{}, 1)}
	for _, name := range readers {
		s.addReader(name)
	}
	return s
}

func (s *Source) addReader(name string) {
	s.slots[name] = &slot{src: s, name: name, plugged: true}
	s.order = append(s.order, name)
}

// Readers lists the readers that are plugged in, in the order in which they were made.
func (s *Source) Readers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, n := range s.order {
		if s.slots[n].plugged {
			names = append(names, n)
		}
	}
	return names
}

// Insert puts a card into a reader.
func (s *Source) Insert(reader string, d Device) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, err := s.slot(reader)
	if err != nil {
		return err
	}
	if sl.dev != nil {
		return fmt.Errorf("insert into %q: %w", reader, ErrOccupied)
	}
	if err := d.Insert(); err != nil {
		return fmt.Errorf("insert into %q: %w", reader, err)
	}
	sl.dev = d
	s.appear(sl)
	return nil
}

// Remove takes the card out.
func (s *Source) Remove(reader string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, err := s.slot(reader)
	if err != nil {
		return err
	}
	if sl.dev == nil {
		return fmt.Errorf("remove from %q: %w", reader, ErrEmpty)
	}
	s.takeOut(sl)
	return nil
}

// Unplug pulls the reader's cable. A card in it stays there, without power.
func (s *Source) Unplug(reader string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl, err := s.slot(reader)
	if err == nil {
		s.unplug(sl)
	}
	return err
}

// Plug plugs a reader in, a new one too. A card that lies in it is a new insertion.
func (s *Source) Plug(reader string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.slots[reader]; !ok {
		s.addReader(reader)
		s.slots[reader].plugged = false
	}
	sl := s.slots[reader]
	if sl.plugged {
		return nil
	}
	sl.plugged = true
	s.post(cardreader.Event{Kind: cardreader.ReaderArrived, Reader: reader})
	if sl.dev != nil {
		s.appear(sl)
	}
	return nil
}

// slot returns a reader that a hand can reach: known and plugged in.
func (s *Source) slot(reader string) (*slot, error) {
	sl, ok := s.slots[reader]
	if !ok || !sl.plugged {
		return nil, fmt.Errorf("%q: %w", reader, ErrNoReader)
	}
	return sl, nil
}

// The following run under s.mu.

func (s *Source) appear(sl *slot) {
	s.last++
	sl.ins, sl.atr = s.last, sl.dev.Reset()
	s.post(sl.event(cardreader.CardInserted))
}

// vanish ends the insertion; the card may still lie in an unplugged reader.
func (s *Source) vanish(sl *slot) {
	s.post(sl.event(cardreader.CardRemoved))
	sl.ins, sl.atr = 0, nil
	if sl.open != nil {
		sl.open.gone()
		sl.open = nil
	}
}

func (s *Source) takeOut(sl *slot) {
	sl.dev.Remove()
	sl.dev = nil
	s.vanish(sl)
}

func (s *Source) unplug(sl *slot) {
	if sl.dev != nil {
		sl.dev.PowerOff()
		s.vanish(sl)
	}
	sl.plugged = false
	s.post(cardreader.Event{Kind: cardreader.ReaderGone, Reader: sl.name})
}

func (s *Source) post(e cardreader.Event) {
	if !s.running {
		return // Run starts with what is there by then
	}
	s.queue = append(s.queue, e)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run reports what the hands do, in order.
func (s *Source) Run(ctx context.Context, emit func(cardreader.Event)) error {
	if err := s.start(); err != nil {
		return err
	}
	defer s.stop()
	for ctx.Err() == nil {
		for _, e := range s.take() {
			if ctx.Err() == nil {
				emit(e)
			}
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
	return nil
}

func (s *Source) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return errors.New("watch simulated readers: already running")
	}
	s.running = true
	for _, name := range s.order {
		sl := s.slots[name]
		if !sl.plugged {
			continue
		}
		s.post(cardreader.Event{Kind: cardreader.ReaderArrived, Reader: name})
		if sl.ins != 0 {
			s.post(sl.event(cardreader.CardInserted))
		}
	}
	return nil
}

func (s *Source) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.queue = false, nil
}

func (s *Source) take() []cardreader.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue
	s.queue = nil
	return q
}
