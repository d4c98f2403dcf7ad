// Package metersim simulates meters of Modbus, CJ/T 188, DL/T 645 and M-Bus on a line that takes the time a real one takes:
// byte times, turnaround, silence between frames; and with the faults that real lines have. It is written from the
// specifications, not from tally's drivers, so that the two can find each other's mistakes.
//
// It serves tests, benchmarks, training and the demo. Nothing in it decides anything about real meters.
package metersim

import (
	"encoding/binary"
	"sync"
	"time"
)

// Slave is one simulated meter: a table of registers that answers functions 03, 04, 06 and 10. Its methods may be
// called from several goroutines.
type Slave struct {
	Script

	// Identity are maker, product and version, which functions 2B/0E and 11 tell; without the first both are refused,
	// without the others only 2B/0E is.
	Identity []string

	// Wrote is called with the registers of a write before it is answered; false makes the meter do nothing, though it
	// answers as if it had. nil = all is done.
	Wrote func(at uint16, values []uint16) bool

	mu     sync.Mutex
	regs   map[uint16]uint16
	max    int
	writes int
}

// Writes counts the writes that reached the meter.
func (s *Slave) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// NewSlave makes a meter without registers; asking for one it does not have is exception 02.
func NewSlave() *Slave { return &Slave{regs: map[uint16]uint16{}, max: 125} }

// Registers of the generic gas meter (profile generic-gas-modbus).
const (
	gasVolume      = 0
	gasFlow        = 2
	gasTemperature = 4
	gasBattery     = 5
)

// NewGasMeter makes a meter with the registers of the profile generic-gas-modbus and volume litres on its counter.
func NewGasMeter(litres uint32) *Slave {
	s := NewSlave()
	s.SetUint32(gasVolume, litres)
	s.SetUint32(gasFlow, 0)
	s.Set(gasTemperature, 185)
	s.Set(gasBattery, 362)
	return s
}

// Consume lets gas through: the counter grows by litres, and the flow register shows the rate over the given time.
func (s *Slave) Consume(litres uint32, over time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put32(gasVolume, s.get32(gasVolume)+litres)
	if over > 0 {
		s.put32(gasFlow, uint32(uint64(litres)*uint64(time.Hour)/uint64(over)))
	}
}

// Litres is what the counter shows.
func (s *Slave) Litres() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get32(gasVolume)
}

// Set writes consecutive registers.
func (s *Slave) Set(at uint16, values ...uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, v := range values {
		s.regs[at+uint16(i)] = v
	}
}

// SetUint32 writes two registers, the high word first.
func (s *Slave) SetUint32(at uint16, v uint32) { s.Set(at, uint16(v>>16), uint16(v)) }

// Limit sets how many registers one request may ask for; more is exception 02.
func (s *Slave) Limit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max = n
}

func (s *Slave) get32(at uint16) uint32 { return uint32(s.regs[at])<<16 | uint32(s.regs[at+1]) }

func (s *Slave) put32(at uint16, v uint32) { s.regs[at], s.regs[at+1] = uint16(v>>16), uint16(v) }

// answer gives the answer PDU to a request PDU (Application Protocol V1.1b3, 6).
func (s *Slave) answer(pdu []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(pdu) == 5 && (pdu[0] == 3 || pdu[0] == 4):
		return s.read(pdu)
	case len(pdu) == 5 && pdu[0] == 6:
		s.put(binary.BigEndian.Uint16(pdu[1:]), binary.BigEndian.Uint16(pdu[3:]))
		return pdu
	case len(pdu) == 1 && pdu[0] == 0x11 && len(s.Identity) > 0:
		text := s.Identity[0]
		return append([]byte{0x11, byte(len(text) + 2), 0x01, 0xFF}, text...)
	case len(pdu) == 4 && pdu[0] == 0x2B && pdu[1] == 0x0E && len(s.Identity) == 3 && int(pdu[3]) < 3:
		return s.objects(pdu)
	case len(pdu) >= 6 && pdu[0] == 16:
		return s.write(pdu)
	}
	return []byte{pdu[0] | 0x80, 0x01}
}

func (s *Slave) read(pdu []byte) []byte {
	start, n := int(binary.BigEndian.Uint16(pdu[1:])), int(binary.BigEndian.Uint16(pdu[3:]))
	if n < 1 || n > 125 {
		return []byte{pdu[0] | 0x80, 0x03}
	}
	out := []byte{pdu[0], byte(2 * n)}
	for a := start; a < start+n; a++ {
		v, ok := s.regs[uint16(a)]
		if !ok || a > 0xFFFF || n > s.max {
			return []byte{pdu[0] | 0x80, 0x02}
		}
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

func (s *Slave) write(pdu []byte) []byte {
	start, n := int(binary.BigEndian.Uint16(pdu[1:])), int(binary.BigEndian.Uint16(pdu[3:]))
	if n < 1 || n > 123 || int(pdu[5]) != 2*n || len(pdu) != 6+2*n || start+n > 0x10000 {
		return []byte{pdu[0] | 0x80, 0x03}
	}
	values := make([]uint16, n)
	for i := range values {
		values[i] = binary.BigEndian.Uint16(pdu[6+2*i:])
	}
	s.put(uint16(start), values...)
	return pdu[:5]
}

func (s *Slave) put(at uint16, values ...uint16) {
	s.writes++
	if s.Wrote != nil && !s.Wrote(at, values) {
		return
	}
	for i, v := range values {
		s.regs[at+uint16(i)] = v
	}
}

// objects tells one object of the identification at a time (Application Protocol V1.1b3, 6.21).
func (s *Slave) objects(pdu []byte) []byte {
	n := pdu[3]
	more, next := byte(0xFF), n+1
	if n == 2 {
		more, next = 0, 0
	}
	out := []byte{0x2B, 0x0E, pdu[2], 0x01, more, next, 1, n, byte(len(s.Identity[n]))}
	return append(out, s.Identity[n]...)
}
