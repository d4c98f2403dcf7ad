package metersim

import (
	"sync"
	"time"
)

// DLT645 is a line of DL/T 645 meters of both editions. It is a Speech for Bus.
type DLT645 struct {
	mu     sync.Mutex
	meters []*DLT645Meter
}

// DLT645Meter is one simulated electricity meter.
type DLT645Meter struct {
	Script
	Address [6]byte          // A0 first
	Old     bool             // edition of 1997: two bytes of identifier, control code 01
	Part    int              // most bytes of data in one frame, longer items come in parts; 0 = no limit
	Doubles bool             // sends each part twice
	Now     func() time.Time // its clock; nil = date and time are what Set says
	Stiff   bool             // its clock cannot be set

	mu    sync.Mutex
	items map[string][]byte // by identifier as on the wire without 33H
	ahead time.Duration     // of Now, once it was set
	sets  int
	next  int // part that was sent last, edition of 1997
}

// Sets counts the times at which it was told the time.
func (m *DLT645Meter) Sets() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sets
}

// Add puts a meter on the line.
func (d *DLT645) Add(m *DLT645Meter) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meters = append(d.meters, m)
}

// Set gives the meter an item: its identifier and its data, both low byte first.
func (m *DLT645Meter) Set(identifier, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.items == nil {
		m.items = map[string][]byte{}
	}
	m.items[string(identifier)] = data
}

// Frame finds a frame that starts with 68, behind any FE.
func (d *DLT645) Frame(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] != 0x68 || len(b) > 7 && b[7] != 0x68:
		return 1
	case len(b) < 10:
		return 0
	}
	return 12 + int(b[9])
}

// Hear lets the meter with the frame's address answer. AA in the address fits any two digits: AA×6 is answered by the
// first one.
func (d *DLT645) Hear(f []byte) (Reply, bool) {
	end := len(f) - 2
	if f[end] != sum(f[:end]) || f[end+1] != 0x16 {
		return Reply{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.meters {
		if fits(f[1:7], m.Address) {
			return m.hear(f), true
		}
	}
	return Reply{}, false
}

// fits compares an address with wildcards (DL/T 645-2007, 5.2.3, shortened addresses).
func fits(asked []byte, own [6]byte) bool {
	for i, b := range asked {
		if b != 0xAA && b != own[i] {
			return false
		}
	}
	return true
}

func (m *DLT645Meter) hear(f []byte) Reply {
	fault := m.fault()
	control := f[8]
	var question []byte
	for _, c := range f[10 : len(f)-2] {
		question = append(question, c-0x33)
	}
	if control == 0x08 {
		m.told(question)
		return Reply{Fault: Fault{Silent: true}}
	}
	answer := m.answer(control, question)
	if len(answer) > 0 && m.more(control, question) {
		control |= 0x20
	}
	if fault.Exception != 0 || answer == nil {
		control, answer = control|0x40, []byte{max(fault.Exception, 2)}
	}
	answer = answer[:max(len(answer)-fault.Short, 0)]
	if fault.Function != 0 {
		control = fault.Function
	}
	address := m.Address
	if fault.Foreign != 0 {
		address[0] = fault.Foreign
	}
	out := append([]byte{0x68}, address[:]...)
	out = append(out, 0x68, control|0x80, byte(len(answer)))
	for _, c := range answer {
		out = append(out, c+0x33)
	}
	out = append(out, sum(out), 0x16)
	fault.Noise = append(append([]byte(nil), fault.Noise...), 0xFE, 0xFE)
	if m.Doubles {
		out = append(out, out...)
	}
	return Reply{Who: string(m.Address[:]), Bytes: out, Fault: fault}
}

// answer gives the data of the answer, nil for a refusal.
func (m *DLT645Meter) answer(control byte, question []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	read := byte(0x11)
	if m.Old {
		read = 0x01
	}
	switch control {
	case 0x13:
		return m.Address[:]
	case read, read + 1:
		id, part := m.split(control, question)
		if data, ok := m.item(id); ok {
			from, to := m.portion(len(data), part)
			out := append(append([]byte(nil), id...), data[from:to]...)
			return append(out, question[len(id):]...)
		}
	}
	return nil
}

// split takes identifier and number of the part from a question.
func (m *DLT645Meter) split(control byte, question []byte) (id []byte, part int) {
	switch {
	case control == 0x12 && len(question) == 5:
		return question[:4], int(question[4])
	case control == 0x02:
		m.next++
		return question, m.next
	}
	m.next = 0
	return question, 0
}

func (m *DLT645Meter) portion(length, part int) (from, to int) {
	if m.Part == 0 {
		return 0, length
	}
	from = min(part*m.Part, length)
	return from, min(from+m.Part, length)
}

// more tells whether the part that is asked for is not the last.
func (m *DLT645Meter) more(control byte, question []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, part := question, 0
	switch {
	case control == 0x12 && len(question) == 5:
		id, part = question[:4], int(question[4])
	case control == 0x02:
		part = m.next
	}
	data, ok := m.item(id)
	_, to := m.portion(len(data), part)
	return ok && to < len(data)
}

// item gives an item's data; date and time come from the clock, if there is one.
func (m *DLT645Meter) item(id []byte) ([]byte, bool) {
	if m.Now != nil {
		t := m.Now().Add(m.ahead)
		switch string(id) {
		case "\x01\x01\x00\x04", "\x10\xC0":
			return []byte{byte(t.Weekday()), bcd(uint32(t.Day())), bcd(uint32(t.Month())), bcd(uint32(t.Year() % 100))}, true
		case "\x02\x01\x00\x04", "\x11\xC0":
			return []byte{bcd(uint32(t.Second())), bcd(uint32(t.Minute())), bcd(uint32(t.Hour()))}, true
		}
	}
	data, ok := m.items[string(id)]
	return data, ok
}

// told hears the time: second, minute, hour, day, month, year.
func (m *DLT645Meter) told(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sets++
	if len(b) != 6 || m.Now == nil || m.Stiff {
		return
	}
	n := func(i int) int { return int(b[i]>>4)*10 + int(b[i]&0xF) }
	now := m.Now()
	m.ahead = time.Date(2000+n(5), time.Month(n(4)), n(3), n(2), n(1), n(0), 0, now.Location()).Sub(now)
}
