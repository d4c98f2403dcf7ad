package metersim

import (
	"bytes"
	"sync"
	"time"
)

// CJT188 is a line of CJ/T 188 meters. It is a Speech for Bus.
type CJT188 struct {
	mu     sync.Mutex
	meters []*CJT188Meter
}

// CJT188Meter is one simulated water or gas meter (with Kind 20 or 21 a heat meter) that answers item 901F, its history
// and its address, lets its clock and address be set, and has the valve of A017.
type CJT188Meter struct {
	Script
	Kind    byte
	Address [7]byte          // A0 first
	Swapped bool             // sends identifiers low byte first
	Deaf    bool             // does not give the serial number back, as some do
	History []uint32         // counter at past settlement days in 10 litres, the latest first
	Settles byte             // day of the month on which it settles; 0 = it does not tell
	Now     func() time.Time // its clock, before somebody sets it; nil = one that stands
	Stiff   bool             // its valve, clock and address do not move, whatever it is told
	Control byte             // what it wants instead of control code 01

	mu       sync.Mutex
	commands int    // to the valve
	writes   int    // all that changes it
	count    uint32 // in 10 litres
	closed   bool
	stands   time.Time     // where a standing clock stands
	ahead    time.Duration // of Now, once it was set
}

// Add puts a meter on the line.
func (c *CJT188) Add(m *CJT188Meter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.stands = time.Date(2015, 5, 11, 22, 1, 31, 0, time.UTC)
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

// Writes counts the commands that would change the meter: valve, clock, address.
func (m *CJT188Meter) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
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
	if control == 0x04 && bytes.Contains(data[:2], []byte{0xA0}) && bytes.Contains(data[:2], []byte{0x17}) {
		m.commands++
	}
	if control == 0x04 || control == 0x15 {
		m.writes++
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
	if len(data) < 3 {
		return nil
	}
	item := uint16(data[0])<<8 | uint16(data[1])
	if m.Swapped {
		item = uint16(data[1])<<8 | uint16(data[0])
	}
	out := append([]byte(nil), data[:3]...)
	read := byte(0x01)
	if m.Control != 0 {
		read = m.Control
	}
	switch control {
	case read:
		return m.read(item, out)
	case 0x03:
		if item == 0x810A {
			return out
		}
	case 0x04, 0x15:
		return m.write(item, data[3:], out)
	}
	return nil
}

func (m *CJT188Meter) read(item uint16, out []byte) []byte {
	switch {
	case item == 0x901F && m.Kind&0xF0 == 0x20:
		return m.heat(out)
	case item == 0x901F:
		last := m.count
		if len(m.History) > 0 {
			last = m.History[0]
		}
		out = append(append(out, bcd32(m.count)...), 0x2C)
		out = append(append(out, bcd32(last)...), 0x2C)
		return append(append(out, m.clock()...), m.status(), 0)
	case item >= 0xD120 && int(item-0xD120) < len(m.History):
		return append(append(out, bcd32(m.History[item-0xD120])...), 0x2C)
	case item == 0x8103 && m.Settles != 0:
		return append(out, bcd(uint32(m.Settles)))
	case item == 0x8102: // three prices and two limits of tiers
		return append(out, 0x45, 0x03, 0x00, 0x20, 0x04, 0x00, 0x00, 0x06, 0x00, 0x00, 0x15, 0x00, 0x00, 0x30, 0x00)
	}
	return nil
}

// heat is 901F of a heat meter: two energies, power, flow, volume, two temperatures, hours, clock, status.
func (m *CJT188Meter) heat(out []byte) []byte {
	for _, v := range []struct {
		n    uint32
		unit byte
	}{{m.count, 0x05}, {m.count, 0x05}, {1234, 0x17}, {12500, 0x35}, {m.count, 0x2C}} {
		out = append(append(out, bcd32(v.n)...), v.unit)
	}
	for _, n := range []uint32{6525, 4310, 1234} {
		out = append(out, bcd(n), bcd(n/100), bcd(n/10_000))
	}
	return append(append(out, m.clock()...), m.status(), 0)
}

func (m *CJT188Meter) status() byte {
	if m.closed {
		return 1
	}
	return 0
}

func (m *CJT188Meter) write(item uint16, data, out []byte) []byte {
	switch {
	case item == 0xA017 && len(data) == 1:
		if !m.Stiff {
			m.closed = data[0] == 0x99
		}
		return append(out, m.status(), 0)
	case item == 0xA015 && len(data) == 7:
		if !m.Stiff {
			m.set(data)
		}
		return out
	case item == 0xA018 && len(data) == 7:
		if !m.Stiff {
			copy(m.Address[:], data)
		}
		return out
	}
	return nil
}

// clock is what the meter shows: second, minute, hour, day, month, year, century.
func (m *CJT188Meter) clock() []byte {
	t := m.stands
	if m.Now != nil {
		t = m.Now().Add(m.ahead)
	}
	return []byte{bcd(uint32(t.Second())), bcd(uint32(t.Minute())), bcd(uint32(t.Hour())), bcd(uint32(t.Day())), bcd(uint32(t.Month())), bcd(uint32(t.Year() % 100)), bcd(uint32(t.Year() / 100))}
}

func (m *CJT188Meter) set(b []byte) {
	n := func(i int) int { return int(b[i]>>4)*10 + int(b[i]&0xF) }
	zone := time.UTC
	if m.Now != nil {
		zone = m.Now().Location()
	}
	m.stands = time.Date(n(6)*100+n(5), time.Month(n(4)), n(3), n(2), n(1), n(0), 0, zone)
	if m.Now != nil {
		m.ahead = m.stands.Sub(m.Now())
	}
}

func bcd(n uint32) byte { return byte(n%10) | byte(n/10%10)<<4 }

func bcd32(n uint32) []byte { return []byte{bcd(n), bcd(n / 100), bcd(n / 10_000), bcd(n / 1_000_000)} }
