package metersim

import (
	"sync"
	"time"
)

// Fault is what goes wrong with one answer. The zero value is a good answer; several may be combined.
type Fault struct {
	Silent    bool          // no answer
	Deaf      bool          // the meter does not understand: no answer, nothing done (CJ/T 188)
	Late      time.Duration // the answer comes that much after its time
	Damage    bool          // one bit of the answer is wrong (RTU)
	Truncate  int           // only that many bytes are sent
	Noise     []byte        // sent in front of the answer
	Trailing  []byte        // sent behind the answer
	Exception byte          // this exception code instead of data
	Foreign   byte          // the answer carries this address
	Function  byte          // the answer carries this function code
	Short     int           // that many registers fewer than asked, well framed
	Split     time.Duration // a pause in the middle of the answer
	Dribble   time.Duration // a pause before each byte
	Stale     bool          // TCP: an answer with the previous transaction number goes first
	Hangup    bool          // TCP: the connection is closed instead of an answer, or after Truncate bytes
	Reset     bool          // TCP: the same with a RST
}

// mangle applies to an answer PDU what changes its content.
func (f Fault) mangle(request, pdu []byte) []byte {
	if f.Exception != 0 {
		return []byte{request[0] | 0x80, f.Exception}
	}
	out := append([]byte(nil), pdu...)
	if f.Function != 0 {
		out[0] = f.Function
	}
	if f.Short > 0 && len(out) > 2+2*f.Short {
		out = out[:len(out)-2*f.Short]
		out[1] = byte(len(out) - 2)
	}
	return out
}

// address is the one that the answer carries.
func (f Fault) address(own byte) byte {
	if f.Foreign != 0 {
		return f.Foreign
	}
	return own
}

// cut applies what changes the frame after its checksum was made.
func (f Fault) cut(frame []byte) []byte {
	out := append([]byte(nil), frame...)
	if f.Damage {
		out[len(out)/2] ^= 0x10
	}
	if f.Truncate > 0 && f.Truncate < len(out) {
		out = out[:f.Truncate]
	}
	return append(append(append([]byte(nil), f.Noise...), out...), f.Trailing...)
}

// Script decides what each request to a simulated meter meets. The zero value is a meter in order. Its methods may be
// called from several goroutines.
type Script struct {
	mu     sync.Mutex
	always *Fault
	next   []Fault
	asked  int
	chance *chance
}

// Next makes the following requests meet these faults, one each.
func (s *Script) Next(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, faults...)
}

// Always makes every request meet the fault; a nil fault ends that.
func (s *Script) Always(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = f
}

// Asked counts the requests that reached the meter.
func (s *Script) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// fault returns what this request meets.
func (s *Script) fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if len(s.next) > 0 {
		f := s.next[0]
		s.next = s.next[1:]
		return f
	}
	if s.always != nil {
		return *s.always
	}
	if f, ill := s.chance.draw(); ill {
		return f
	}
	return Fault{}
}
