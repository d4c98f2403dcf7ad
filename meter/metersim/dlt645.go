package metersim

import "sync"

// DLT645 is a line of DL/T 645 meters of both editions. It is a Speech for Bus.
type DLT645 struct {
	mu     sync.Mutex
	meters []*DLT645Meter
}

// DLT645Meter is one simulated electricity meter.
type DLT645Meter struct {
	Script
	Address [6]byte // A0 first
	Old     bool    // edition of 1997: two bytes of identifier, control code 01

	mu    sync.Mutex
	items map[string][]byte // by identifier as on the wire without 33H
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
	answer := m.answer(control, question)
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
	case read:
		if data, ok := m.items[string(question)]; ok {
			return append(append([]byte(nil), question...), data...)
		}
	}
	return nil
}
