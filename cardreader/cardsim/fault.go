package cardsim

import (
	"fmt"
	"sync"

	"tally/cardreader/apdu"
)

// FaultKind is something that goes wrong around one APDU.
type FaultKind int

// Faults. "Took effect" means that the card did what the command said although the host cannot know.
const (
	PulledBefore  FaultKind = iota + 1 // the card leaves before the command reaches it
	PulledMidway                       // half of a write is done and the next byte erased, or a try is spent, then the card leaves
	PulledAfter                        // the command takes effect, then the card leaves before it answers
	EmptyAnswer                        // takes effect; success with no byte at all, as pcsc-lite reports a pull
	OneByteAnswer                      // takes effect; half a status word
	WrongAnswer                        // takes effect; 6F 00
	NoEffect                           // the answer of success, and nothing happened
	OneByteWrong                       // one byte of a command's data, or else of the answer's data, is flipped
	Silence                            // nothing happens and no answer ever comes
	LateAnswer                         // takes effect; the answer comes after the host has given up
	Swapped                            // before the command, Fault.With lies in the slot, unnoticed by the reader
	Unplugged                          // the command takes effect, then the reader goes with the card in it
)

// FaultKinds are all kinds in order, for tests that try each.
func FaultKinds() []FaultKind {
	all := make([]FaultKind, 0, Unplugged)
	for k := PulledBefore; k <= Unplugged; k++ {
		all = append(all, k)
	}
	return all
}

// String names the fault as a test's name.
func (k FaultKind) String() string {
	if k < PulledBefore || k > Unplugged {
		return fmt.Sprintf("fault %d", int(k))
	}
	return [...]string{
		"pulled before", "pulled midway", "pulled after", "empty answer", "one-byte answer", "wrong answer",
		"no effect", "one byte wrong", "silence", "late answer", "swapped", "unplugged",
	}[k-1]
}

// Fault is one line of a script.
type Fault struct {
	At   int       // the APDU it strikes, counted from 1 over the life of the Scripted
	Kind FaultKind // what happens
	With Device    // Swapped only: the card that takes the place
}

// Scripted is a Device with faults in front of it.
type Scripted struct {
	mu     sync.Mutex
	dev    Device
	faults []Fault
	count  int
	fired  int
}

// Script wraps a Device. A device for NoEffect must be a Saver. Two faults at the same APDU: the first counts.
func Script(dev Device, faults ...Fault) *Scripted { return &Scripted{dev: dev, faults: faults} }

// Count is the number of APDUs that were sent so far, the failed ones included.
func (s *Scripted) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Fired is the number of faults that struck. A test that expects a fault checks it: a script that never ran proves
// nothing.
func (s *Scripted) Fired() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fired
}

// Insert puts the card that lies behind the script into a slot.
func (s *Scripted) Insert() error { return s.device().Insert() }

// Remove takes it out.
func (s *Scripted) Remove() { s.device().Remove() }

// Reset powers it up afresh.
func (s *Scripted) Reset() []byte { return s.device().Reset() }

// PowerOff cuts its power.
func (s *Scripted) PowerOff() { s.device().PowerOff() }

// Exchange counts the APDU and lets the fault happen that the script has for it.
func (s *Scripted) Exchange(command []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	for _, f := range s.faults {
		if f.At == s.count {
			s.fired++
			return s.strike(f, command)
		}
	}
	return s.dev.Exchange(command)
}

func (s *Scripted) device() Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dev
}

func (s *Scripted) strike(f Fault, command []byte) ([]byte, error) {
	switch f.Kind {
	case PulledBefore:
		return nil, ErrPulled
	case Silence:
		return nil, ErrSilent
	case NoEffect:
		restore := s.dev.(Saver).Save()
		defer restore()
		return s.dev.Exchange(command)
	case OneByteWrong:
		return s.oneByteWrong(command)
	case Swapped:
		if err := s.swap(f.With); err != nil {
			return nil, err
		}
		return s.dev.Exchange(command)
	case PulledMidway:
		if i, ok := s.dev.(interrupter); ok {
			return nil, i.interrupt(command)
		}
		return nil, ErrPulled
	}
	answer, err := s.dev.Exchange(command)
	if err != nil {
		return nil, err
	}
	return spoil(f.Kind, answer)
}

// spoil is what the host sees of the answer to a command that took effect.
func spoil(k FaultKind, answer []byte) ([]byte, error) {
	switch k {
	case PulledAfter:
		return nil, ErrPulled
	case EmptyAnswer:
		return nil, nil
	case OneByteAnswer:
		return answer[:1], nil
	case WrongAnswer:
		return []byte{0x6F, 0x00}, nil
	case LateAnswer:
		return nil, ErrSilent
	case Unplugged:
		return nil, ErrUnplugged
	}
	return answer, nil
}

func (s *Scripted) oneByteWrong(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err == nil && len(c.Data) > 0 {
		c.Data = append([]byte(nil), c.Data...)
		c.Data[len(c.Data)/2] ^= 0x10
		if command, err = c.Bytes(); err != nil {
			return nil, err
		}
		return s.dev.Exchange(command)
	}
	answer, err := s.dev.Exchange(command)
	if n := len(answer); n > 2 {
		answer[(n-2)/2] ^= 0x10
	}
	return answer, err
}

// swap puts another card under the reader's contacts. The reader does not notice, so what its firmware had set up for
// the old card holds for the new one; what the old card had granted does not.
func (s *Scripted) swap(with Device) error {
	old := s.dev
	old.Remove()
	s.dev = with
	if err := with.Insert(); err != nil {
		return err
	}
	with.Reset()
	if h, ok := with.(heir); ok {
		h.inherit(old)
	}
	return nil
}

// interrupter is a Device that can be pulled while a command is at work. It returns ErrPulled or worse.
type interrupter interface{ interrupt(command []byte) error }

// heir is a Device whose firmware carries state over from the card before.
type heir interface{ inherit(old Device) }
