//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"

	"tally/cardreader"
)

// Source watches and opens the readers of the PC/SC service. One Source at a time runs in a process: the binding keeps
// reader names in a global table while a call waits.
type Source struct {
	opt       Options
	establish func() (pcscContext, error)
	polls     bool // see pollPause

	mu      sync.Mutex
	running bool
	last    cardreader.Insertion
	present map[string]insertion            // by reader, as last seen by the watcher
	open    map[cardreader.Insertion]bool   // cards that were opened and not closed
	stuck   map[string]int                  // by reader, threads that hang in a call
	out     map[string]cardreader.Insertion // by reader, cards that the service called removed when they were used
}

// insertion is a card as the watcher saw it.
type insertion struct {
	ins   cardreader.Insertion
	count uint16 // the service's counter of insertions and removals
	atr   []byte
}

// New makes a Source. It talks to the service when it is run or opened.
func New(o Options) *Source {
	return &Source{
		opt: o.filled(), establish: establish, polls: runtime.GOOS == "windows", present: make(map[string]insertion),
		open: make(map[cardreader.Insertion]bool), stuck: make(map[string]int),
		out: make(map[string]cardreader.Insertion), last: o.After,
	}
}

func (s *Source) claimRun() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return errors.New("watch readers: already running")
	}
	s.running = true
	return nil
}

func (s *Source) releaseRun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
}

// inserted gives a new insertion its number.
func (s *Source) inserted(reader string, count uint16, atr []byte) cardreader.Insertion {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.present[reader] = insertion{ins: s.last, count: count, atr: atr}
	return s.last
}

func (s *Source) removed(reader string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.present, reader)
	delete(s.out, reader)
}

// wentOut notes that the service called the card of an insertion removed. The watcher may never hear of it: pcscd looks
// into its slots every 400 ms, and a card that is back by then was always there for it.
func (s *Source) wentOut(reader string, ins cardreader.Insertion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out[reader] = ins
}

// outNow returns what wentOut has noted so far.
func (s *Source) outNow() map[string]cardreader.Insertion {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.out)
}

// claim reserves an insertion for one Card.
func (s *Source) claim(ctx context.Context, reader string, ins cardreader.Insertion) (insertion, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.present[reader]
	e := &cardreader.Error{Op: "open", Reader: reader}
	switch {
	case ctx.Err() != nil:
		e.Class, e.Code, e.Err = cardreader.Retry, cardreader.CodeCanceled, ctx.Err()
	case !ok || p.ins != ins:
		e.Class, e.Code = cardreader.Operator, cardreader.CodeCardRemoved
	case s.open[ins]:
		e.Class, e.Code, e.Err = cardreader.Retry, cardreader.CodeCardBusy, errors.New("this card is open already")
	case s.stuck[reader] > 0:
		e.Class, e.Code, e.Err = cardreader.Operator, cardreader.CodeTimeout, errors.New("an earlier call to this reader still hangs")
	case len(p.atr) == 0:
		e.Class, e.Code = cardreader.Operator, cardreader.CodeCardMute
	default:
		s.open[ins] = true
		return p, nil
	}
	return p, e
}

func (s *Source) release(ins cardreader.Insertion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, ins)
}

func (s *Source) hang(reader string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stuck[reader] += by; s.stuck[reader] == 0 {
		delete(s.stuck, reader)
	}
}
