package metersim

import (
	"bytes"
	"sync"
)

// CJT188 is a line of CJ/T 188 meters. It is a Speech for Bus.
type CJT188 struct {
	mu     sync.Mutex
	meters []*CJT188Meter
}

// CJT188Meter is one simulated water or gas meter that answers item 901F and its address, with the valve of A017.
type CJT188Meter struct {
	Script
	Kind    byte
	Address [7]byte // A0 first
	Swapped bool    // sends identifiers low byte first
	Deaf    bool    // does not give the serial number back, as some do

	mu       sync.Mutex
	commands int    // to the valve
	count    uint32 // in 10 litres
	closed   bool
	clock    [7]byte
}

// Add puts a meter on the line.
func (c *CJT188) Add(m *CJT188Meter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.clock = [7]byte{0x31, 0x01, 0x22, 0x11, 0x05, 0x15, 0x20}
	c.meters = append(c.meters, m)
}

// Turn sets the meter's counter, in units of 10 litres.
func (m *CJT188Meter) Turn(count uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count = count
}

// Closed tells whether the valve is closed.
func (m *CJT188Meter) Closed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Commands counts the valve commands that reached the meter.
func (m *CJT188Meter) Commands() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commands
}

// Frame finds a frame that starts with 68, behind any FE.
func (c *CJT188) Frame(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] != 0x68:
		return 1
	case len(b) < 11:
		return 0
	}
	return 13 + int(b[10])
}

// Hear lets the meter with the frame's address answer; AA×7 is answered by the first one.
func (c *CJT188) Hear(f []byte) (Reply, bool) {
	end := len(f) - 2
	if f[end] != sum(f[:end]) || f[end+1] != 0x16 || len(f) < 16 {
		return Reply{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.meters {
		anyone := bytes.Equal(f[2:9], bytes.Repeat([]byte{0xAA}, 7))
		if (anyone || bytes.Equal(f[2:9], m.Address[:])) && (f[1] == m.Kind || f[1] == 0xAA || anyone) {
			return m.hear(f)
		}
	}
	return Reply{}, false
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

func (m *CJT188Meter) hear(f []byte) (Reply, bool) {
	fault := m.fault()
	m.mu.Lock()
	defer m.mu.Unlock()
	control, data := f[9], f[11:len(f)-2]
	if control == 0x04 {
		m.commands++
	}
	if fault.Deaf && fault.Exception == 0 {
		return Reply{}, false
	}
	var answer []byte
	if !fault.Deaf {
		answer = m.answer(control, data)
	}
	switch {
	case fault.Exception != 0 || answer == nil:
		control, answer = control|0x40, []byte{data[2], fault.Exception, 0}
	case fault.Short > 0:
		answer = answer[:len(answer)-fault.Short]
	}
	if fault.Function != 0 {
		control = fault.Function
	}
	address := m.Address
	if fault.Foreign != 0 {
		address[0] = fault.Foreign
	}
	if m.Deaf && len(answer) > 2 {
		answer[2] = 0
	}
	out := append([]byte{0x68, m.Kind}, address[:]...)
	out = append(append(out, control|0x80, byte(len(answer))), answer...)
	out = append(out, sum(out), 0x16)
	fault.Noise = append(append([]byte(nil), fault.Noise...), 0xFE, 0xFE, 0xFE, 0xFE)
	return Reply{Who: string(m.Address[:]), Bytes: out, Fault: fault}, true
}

// answer gives the data of the answer, nil for a refusal.
func (m *CJT188Meter) answer(control byte, data []byte) []byte {
	di := [2]byte{data[0], data[1]}
	if m.Swapped {
		di = [2]byte{data[1], data[0]}
	}
	out := append([]byte(nil), data[:3]...)
	var status byte
	if m.closed {
		status = 1
	}
	switch {
	case control == 0x01 && di == [2]byte{0x90, 0x1F}:
		count := []byte{bcd(m.count), bcd(m.count / 100), bcd(m.count / 10_000), bcd(m.count / 1_000_000)}
		out = append(append(append(out, count...), 0x2C), count...)
		out = append(append(out, 0x2C), m.clock[:]...)
		return append(out, status, 0)
	case control == 0x03 && di == [2]byte{0x81, 0x0A}:
		return out
	case control == 0x04 && di == [2]byte{0xA0, 0x17} && len(data) == 4:
		m.closed = data[3] == 0x99
		if status = 0; m.closed {
			status = 1
		}
		return append(out, status, 0)
	}
	return nil
}

func bcd(n uint32) byte { return byte(n%10) | byte(n/10%10)<<4 }
