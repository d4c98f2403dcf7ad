package icmeter

import (
	"bytes"
	"errors"
	"time"
)

// Memory is the card in the meter's slot. A simulated chip implements it; the meter holds the secret code of its cards,
// so nothing is presented here.
type Memory interface {
	// ReadMem is a copy of the user memory.
	ReadMem() []byte
	// WriteMem stores data at addr; an error means that the card was pulled, with or without an effect.
	WriteMem(addr int, data []byte) error
}

// Result is what one swipe did.
type Result struct {
	Accepted  bool   `json:"accepted"`   // a new order was taken
	Credited  int64  `json:"credited"`   // in units; negative for a refund
	WroteBack bool   `json:"wrote_back"` // the card carries the state below
	Reason    Reason `json:"reason"`     // why no order was taken, or why it was not written back; "" when all went well
	State     State  `json:"state"`
}

// Reason is why a swipe did less than everything, in stable words.
type Reason string

// Reasons.
const (
	ReasonNoCard    Reason = "no_card"
	ReasonLayout    Reason = "unknown_layout"
	ReasonHeader    Reason = "header_damaged"
	ReasonKind      Reason = "kind" // no user card
	ReasonUnit      Reason = "unit"
	ReasonRegion    Reason = "region"
	ReasonCard      Reason = "other_card"  // the meter belongs to another card
	ReasonMeter     Reason = "other_meter" // the card belongs to another meter
	ReasonUnbound   Reason = "not_bound"   // the card belongs to no meter, and cannot be bound by one
	ReasonOldIssue  Reason = "old_issue"   // a card that was replaced
	ReasonNoOrder   Reason = "no_order"
	ReasonConflict  Reason = "conflict"      // two valid orders and neither is newer
	ReasonTaken     Reason = "already_taken" // the newest order is the last one taken
	ReasonOld       Reason = "old_order"
	ReasonHoard     Reason = "over_hoard" // the credit would pass the ceiling
	ReasonWriteBack Reason = "write_back" // the card was pulled while the meter wrote
)

// CutAfter pulls the card during the next swipe: the meter writes n more bytes, and the rest does not reach the card.
func (m *Meter) CutAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = n
}

// Swipe takes a card: checks that it is the meter's, credits an order that is newer than the last one by the difference
// of the totals, and writes the meter's state back. Nothing is credited before the card is bound to this meter, so that
// one unbound card cannot be taken by two.
func (m *Meter) Swipe(card Memory) Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.cut = -1 }()
	l := layoutOf(m.s.Layout)
	image := card.ReadMem()
	if len(image) < l.size() {
		return m.result(ReasonNoCard)
	}
	h, why := l.header(image)
	writer := l.writer(image)
	if g, ok := l.(*gen); why == "" && ok && g.counts() && isTool(h.kind) {
		return m.serve(g, card, image, h)
	}
	if why == "" {
		why = m.admit(h, writer)
	}
	if why == "" && h.meter == "" && writer == "" {
		why = l.bind(m, card)
	}
	if why != "" {
		return m.result(why)
	}
	m.s.Card, m.s.Issue = h.card, h.issue
	credited, why, err := l.take(m, card, image)
	r := m.result(why)
	r.Accepted, r.Credited, r.WroteBack = why == "", credited, err == nil
	if err != nil && why == "" {
		r.Reason = ReasonWriteBack
	}
	return r
}

func (m *Meter) result(why Reason) Result { return Result{Reason: why, State: m.s} }

// admit checks that the card may speak to this meter.
func (m *Meter) admit(h header, writer string) Reason {
	switch {
	case h.kind != 1:
		return ReasonKind
	case int(h.unit) >= len(units) || units[h.unit] != m.s.Unit:
		return ReasonUnit
	case h.region != m.s.Region:
		return ReasonRegion
	case h.meter != "" && h.meter != m.s.Number, h.meter == "" && writer != "" && writer != m.s.Number:
		return ReasonMeter
	case m.s.Card != "" && m.s.Card != h.card:
		return ReasonCard
	case h.issue < m.s.Issue:
		return ReasonOldIssue
	}
	return ""
}

// creditTotal credits the difference of the totals, once for each sequence.
func (m *Meter) creditTotal(o order) (int64, Reason) {
	s := &m.s
	if o.seq == s.Seq {
		return 0, ReasonTaken
	}
	if !after(o.seq, s.Seq) {
		return 0, ReasonOld
	}
	diff := int64(o.cum) - int64(s.Accepted)
	if why := m.credit(diff, o); why != "" {
		return 0, why
	}
	s.Seq, s.Accepted = o.seq, o.cum
	return diff, ""
}

// credit adds to what is left, unless it would pass the ceiling.
func (m *Meter) credit(diff int64, o order) Reason {
	s := &m.s
	sum := s.Remaining + diff
	if diff > 0 && o.hoard != 0 && sum > int64(o.hoard) || sum >= 1<<31 || sum < -1<<31 {
		return ReasonHoard
	}
	s.Remaining = sum
	s.Price, s.Alarm, s.Hoard, s.Overdraft = o.price, o.alarm, o.hoard, o.overdraft
	s.ValveOpen = sum+int64(o.overdraft) > 0
	s.Alarming = sum <= int64(o.alarm)
	s.LastEvent = EventCredited
	return ""
}

var (
	errPulled = errors.New("card pulled")
	errNoRoom = errors.New("nothing to write back, or no room for it")
)

// piece is one write.
type piece struct {
	at   int
	data []byte
}

func (m *Meter) writeAll(card Memory, all ...piece) error {
	for _, w := range all {
		if err := m.write(card, w.at, w.data); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole is a write that the card carries out whole or, when it is cut, not at all.
func (m *Meter) writeWhole(card Memory, at int, data []byte) error {
	if m.cut >= 0 && m.cut < len(data) {
		m.cut = 0
		return errPulled
	}
	return m.write(card, at, data)
}

// write stores and reads back, within what CutAfter leaves.
func (m *Meter) write(card Memory, at int, data []byte) error {
	n := len(data)
	if m.cut >= 0 {
		n = min(n, m.cut)
		m.cut -= n
	}
	if n > 0 {
		if err := card.WriteMem(at, data[:n]); err != nil {
			return err
		}
	}
	image := card.ReadMem()
	if n < len(data) || len(image) < at+n || !bytes.Equal(image[at:at+n], data) {
		return errPulled
	}
	return nil
}

// slot is the state as the 32 bytes of a write-back.
func (s State) slot(now time.Time) []byte {
	b := make([]byte, slotLen)
	put(b[0:2], uint64(s.Seq))
	put(b[2:6], uint64(s.Accepted))
	put(b[6:10], uint64(uint32(int32(s.Remaining))))
	put(b[10:14], uint64(s.Used))
	if s.ValveOpen {
		b[14] = 1
	}
	b[15] = 36 // 3.6 V, a fresh lithium cell
	if s.Remaining < 0 {
		b[17] |= 1 << 6
	}
	b[18] = byte(s.LastEvent)
	for i, v := range []int{now.Year() % 100, int(now.Month()), now.Day(), now.Hour()} {
		b[21+i] = byte(v/10<<4 | v%10)
	}
	for i := range 4 {
		b[25+i] = (s.Number[2*i]-'0')<<4 | (s.Number[2*i+1] - '0')
	}
	put(b[29:31], uint64(crc16(b[:29])))
	b[commitAt] = commitByte
	return b
}

func put(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(v)
		v >>= 8
	}
}
