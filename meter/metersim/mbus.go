package metersim

import (
	"bytes"
	"sync"
	"time"
)

// MBus is a line of wired M-Bus meters. It is a Speech for Bus.
type MBus struct {
	mu     sync.Mutex
	meters []*MBusMeter
}

// MBusMeter is one simulated meter: it answers SND_NKE, a selection by its secondary address, and REQ_UD2 with its
// telegrams one after the other. A request with the same frame count bit gets the same telegram again.
type MBusMeter struct {
	Script
	Address byte
	Clingy  bool     // stays selected whatever is selected, and acknowledges it
	Header  [12]byte // ID4 (low byte first), maker 2, version, medium, access, status, signature 2

	Now    func() time.Time // its clock, which goes into the first telegram; nil = it has none
	Stiff  bool             // address, clock and speed do not change, whatever it is told
	Switch func(baud int)   // called when it is told to change its speed

	mu        sync.Mutex
	telegrams [][]byte // records
	at        int
	last      byte // C field of the last REQ_UD2, 0 after a reset
	selected  bool
	writes    int
	sent      []byte // telegram that went out last
	repeat    bool
	ahead     time.Duration // of Now, once it was set
}

// Writes counts the commands that would change the meter.
func (m *MBusMeter) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// Add puts a meter on the line.
func (m *MBus) Add(meter *MBusMeter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.meters = append(m.meters, meter)
}

// Set gives the meter its telegrams: the records of each. All but the last should end with 1F.
func (m *MBusMeter) Set(telegrams ...[]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.telegrams = telegrams
}

// Renumber gives the meter another identification number, as if it had been replaced.
func (m *MBusMeter) Renumber(id []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	copy(m.Header[:4], id)
}

// Repeat makes the meter give its last telegram again to the next question, whatever that says: as after another master
// has asked with the frame count bit that comes next.
func (m *MBusMeter) Repeat() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.repeat = true
}

// Frame finds a short or long frame.
func (m *MBus) Frame(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == 0x10:
		return 5
	case b[0] != 0x68:
		return 1
	case len(b) < 2:
		return 0
	}
	return int(b[1]) + 6
}

// Hear lets the meter that is addressed answer; 254 is answered by the first one.
func (m *MBus) Hear(f []byte) (Reply, bool) {
	from := 1
	if f[0] == 0x68 {
		from = 4
	}
	end := len(f) - 2
	if end <= from || f[end] != sum(f[from:end]) || f[end+1] != 0x16 {
		return Reply{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, meter := range m.meters {
		if r, answers := meter.hear(f[from:end]); answers {
			return r, true
		}
	}
	return Reply{}, false
}

// hear takes C, A and what follows.
func (m *MBusMeter) hear(b []byte) (Reply, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, a := b[0], b[1]
	choosing := a == 253 && len(b) == 11 && b[2] == 0x52
	if choosing {
		m.selected = m.Clingy || m.matches(b[3:])
		m.at, m.last = 0, 0
	}
	mine := a == m.Address || a == 254 || a == 253 && m.selected
	if !mine {
		return Reply{}, false
	}
	fault := m.fault()
	reply := Reply{Who: string(m.Header[:]), Fault: fault, Bytes: []byte{0xE5}}
	switch {
	case c == 0x40:
		m.at, m.last = 0, 0
	case c&^0x20 == 0x5B:
		reply.Bytes = m.data(c, fault)
	case c&^0x20 == 0x53 && !choosing:
		m.command(b[2:])
	case !choosing:
		return Reply{}, false
	}
	return reply, true
}

// command takes CI and what follows of a SND_UD.
func (m *MBusMeter) command(b []byte) {
	if len(b) == 0 {
		return
	}
	m.writes++
	switch {
	case m.Stiff:
	case b[0] >= 0xB8 && b[0] <= 0xBF && m.Switch != nil:
		m.Switch([]int{300, 600, 1200, 2400, 4800, 9600, 19200, 38400}[b[0]-0xB8])
	case len(b) == 4 && b[0] == 0x51 && b[1] == 0x01 && b[2] == 0x7A:
		m.Address = b[3]
	case len(b) == 7 && b[0] == 0x51 && b[1] == 0x04 && b[2] == 0x6D && m.Now != nil:
		t := b[3:]
		now := m.Now()
		year := 2000 + int(t[2]>>5|t[3]>>4<<3)
		m.ahead = time.Date(year, time.Month(t[3]&0xF), int(t[2]&0x1F), int(t[1]&0x1F), int(t[0]&0x3F), 0, 0, now.Location()).Sub(now)
	}
}

// clock is the record with date and time, type F.
func (m *MBusMeter) clock() []byte {
	if m.Now == nil || m.at != 0 {
		return nil
	}
	t := m.Now().Add(m.ahead)
	year := t.Year() % 100
	return []byte{0x04, 0x6D, byte(t.Minute()), byte(t.Hour()), byte(t.Day() | year&7<<5), byte(int(t.Month()) | year>>3<<4)}
}

// matches compares a selection with the meter's secondary address: nibbles F and bytes FF fit everything.
func (m *MBusMeter) matches(choice []byte) bool {
	for i, want := range choice {
		got := m.Header[i]
		if i < 4 {
			if want>>4 != 0xF && want>>4 != got>>4 || want&0xF != 0xF && want&0xF != got&0xF {
				return false
			}
		} else if want != 0xFF && want != got {
			return false
		}
	}
	return true
}

// data is the telegram that a REQ_UD2 gets.
func (m *MBusMeter) data(c byte, f Fault) []byte {
	if m.repeat && m.sent != nil {
		m.repeat = false
		return m.sent
	}
	if m.last != 0 && c != m.last && len(m.telegrams) > 0 {
		m.at = (m.at + 1) % len(m.telegrams)
		m.Header[8]++
	}
	m.last = c
	var records []byte
	if m.at < len(m.telegrams) {
		records = m.telegrams[m.at]
	}
	records = append(m.clock(), records...)
	body := append([]byte{0x08, m.Address, 0x72}, m.Header[:]...)
	body = append(body, records[:max(len(records)-f.Short, 0)]...)
	switch {
	case f.Exception != 0:
		body = []byte{0x08, m.Address, 0x70, f.Exception}
	case f.Function != 0:
		body[0] = f.Function
	}
	if f.Foreign != 0 {
		body[1] = f.Foreign
	}
	n := byte(len(body))
	out := append([]byte{0x68, n, n, 0x68}, bytes.Clone(body)...)
	m.sent = append(out, sum(body), 0x16)
	return m.sent
}
