package icmeter

import "encoding/hex"

// The layouts of other semantics: what the meter does to the card is its rule, not a write-back in two slots. Each meter
// remembers what it credited, so that a card that is pulled at the wrong moment is not credited twice.

// adding is ADD4442 v1: a quantity that grows until the meter takes it, and a mark, AA fresh and 58 taken.
type adding struct{}

func (adding) size() int                  { return chipSize }
func (adding) writer([]byte) string       { return "" }
func (adding) bind(*Meter, Memory) Reason { return ReasonUnbound }

func (adding) header(m []byte) (header, Reason) {
	h := m[0x20:0x30]
	switch {
	case h[0] != 0xAD:
		return header{}, ReasonLayout
	case xor8(h[:15]) != h[15]:
		return header{}, ReasonHeader
	}
	return named(header{kind: h[1], unit: 0, issue: h[12]}, h[2:7], h[7:12])
}

// take credits what has been added to the order since it was last seen, then sets the mark. A mark that is still fresh on
// an order that was credited whole was cut, and is set again.
func (adding) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	s := image[0x40:0x50]
	qty, ok := base100(s[1:4])
	if !ok || sum8(s[:14]) != s[14] || s[15] != 0xAA && s[15] != 0x58 {
		return 0, ReasonNoOrder, errNoRoom
	}
	if s[15] == 0x58 {
		return 0, ReasonTaken, errNoRoom
	}
	credited, why := m.creditQuantity(order{seq: uint16(s[0]), price: uint32(be16(s[7:])) * 100, alarm: uint16(s[9]) * 10}, qty)
	if why != "" && why != ReasonTaken {
		return 0, why, errNoRoom
	}
	return credited, why, m.write(card, 0x4F, []byte{0x58})
}

// creditQuantity credits an order that says how much, of which some may have been credited already.
func (m *Meter) creditQuantity(o order, qty int64) (int64, Reason) {
	s := &m.s
	had := s.Taken
	if o.seq != s.Seq {
		had = 0
	}
	if qty == had {
		return 0, ReasonTaken
	}
	if why := m.credit(qty-had, o); why != "" {
		return 0, why
	}
	s.Seq, s.Taken = o.seq, qty
	return qty - had, ""
}

// replacing is REP4442 v1: an order with a count of the meter's own, and one write-back.
type replacing struct{}

func (replacing) size() int { return chipSize }

func (replacing) header(m []byte) (header, Reason) {
	h := m[0x20:0x30]
	switch {
	case be16(h) != 0x5250:
		return header{}, ReasonLayout
	case sum8(h[:15]) != h[15]:
		return header{}, ReasonHeader
	}
	return named(header{kind: 1, unit: 1, region: le16(h[2:]), issue: h[12]}, reversed(h[4:8]), reversed(h[8:12]))
}

func (replacing) writer(m []byte) string {
	if w := m[0x60:0x78]; xmodem(w[:22]) == be16(w[22:]) && le16(w) != 0 {
		if no, ok := digits(reversed(w[17:21])); ok {
			return no
		}
	}
	return ""
}

// bind: the first write-back claims the card, with the count that the meter has.
func (r replacing) bind(m *Meter, card Memory) Reason {
	if r.writeBack(m, card) != nil {
		return ReasonWriteBack
	}
	return ""
}

func (r replacing) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	s := image[0x40:0x58]
	qty, ok := decimal(s[2:6])
	hoard, fine := decimal(reversed(s[12:15]))
	cover := append(append([]byte{}, image[0x24:0x28]...), s[:22]...)
	if !ok || !fine || hoard > 0xFFFF || xmodem(cover) != be16(s[22:]) {
		return 0, ReasonNoOrder, r.writeBack(m, card)
	}
	o := order{seq: le16(s), price: uint32(le16(s[6:])) | uint32(s[8])<<16, alarm: le16(s[10:]), hoard: uint16(hoard)}
	if o.seq == m.s.Seq {
		return 0, ReasonTaken, r.writeBack(m, card)
	}
	if !after(o.seq, m.s.Seq) {
		return 0, ReasonOld, r.writeBack(m, card)
	}
	if why := m.credit(qty, o); why != "" {
		return 0, why, r.writeBack(m, card)
	}
	m.s.Seq = o.seq
	return qty, "", r.writeBack(m, card)
}

// writeBack has one place: what is cut fails its check, and the next swipe writes it again.
func (replacing) writeBack(m *Meter, card Memory) error {
	b := make([]byte, 24)
	putLE(b[0:2], uint64(m.s.Seq))
	putLE(b[2:6], uint64(uint32(int32(m.s.Remaining))))
	putLE(b[6:10], uint64(m.s.Used))
	if m.s.ValveOpen {
		b[10] = 0xFF
	}
	now := m.now()
	for i, v := range []int{now.Year() % 100, int(now.Month()), now.Day(), now.Hour(), now.Minute()} {
		b[12+i] = byte(v/10<<4 | v%10)
	}
	copy(b[17:21], reversed(packed(m.s.Number)))
	put(b[22:24], uint64(xmodem(b[:22])))
	return m.writeAll(card, piece{0x60, b})
}

// bare is RAW4442 v1: a quantity behind a mark that also says that it counts: AA bought, 58 taken.
type bare struct{}

func (bare) size() int                  { return chipSize }
func (bare) writer([]byte) string       { return "" }
func (bare) bind(*Meter, Memory) Reason { return "" } // its cards name no meter: the first one that comes is the meter's

func (bare) header(m []byte) (header, Reason) {
	if h := m[0x20:0x28]; be16(h) == 0x7A31 {
		return named(header{kind: 1}, h[2:6], []byte{0xFF})
	}
	return header{}, ReasonLayout
}

// take sets the mark first and credits when it is there: an order that could be taken twice would be worse than one that
// waits. A mark whose end is not known is remembered with its order; found there at the next swipe, it is credited then.
func (bare) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	s := image[0x40:0x48]
	qty, ok := decimal(reversed(s[1:4]))
	alarm, fine := decimal(s[4:5])
	bought := hex.EncodeToString(s[1:8])
	switch {
	case !ok || !fine || s[0] != 0xAA && s[0] != 0x58:
		return 0, ReasonNoOrder, errNoRoom
	case s[0] == 0x58 && m.s.Unsaid != bought:
		m.s.Unsaid = ""
		return 0, ReasonTaken, errNoRoom
	case s[0] == 0xAA:
		m.s.Unsaid = bought
		if err := m.write(card, 0x40, []byte{0x58}); err != nil {
			return 0, ReasonWriteBack, err
		}
	}
	m.s.Unsaid = ""
	if why := m.credit(qty, order{alarm: uint16(alarm)}); why != "" {
		return 0, why, nil
	}
	return qty, "", nil
}

// emptying is INC4442 v1: money with a total, of which the meter credits what is new, and an amount that it sets to zero.
type emptying struct{}

func (emptying) size() int                  { return chipSize }
func (emptying) writer([]byte) string       { return "" }
func (emptying) bind(*Meter, Memory) Reason { return ReasonUnbound }

func (emptying) header(m []byte) (header, Reason) {
	h := m[0x20:0x30]
	switch {
	case h[0] != 0xC4 || h[1] != 3:
		return header{}, ReasonLayout
	case crc8(h[:15]) != h[15]:
		return header{}, ReasonHeader
	}
	return named(header{kind: 1, unit: 2, region: be16(h[2:])}, h[4:10], h[10:15])
}

func (emptying) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	s := append([]byte{}, image[0x40:0x54]...)
	cover := func() byte { return crc8(append(append([]byte{}, image[0x24:0x2A]...), s[:18]...)) }
	seq, okS := decimal(s[0:2])
	cum, okC := base100(reversed(s[6:10]))
	if !okS || !okC || s[19] != 0x69 || cover() != s[18] {
		return 0, ReasonNoOrder, errNoRoom
	}
	o := order{seq: uint16(seq), price: uint32(s[10])<<16 | uint32(be16(s[11:]))}
	credited, why := max(cum-int64(m.s.Accepted), 0), ReasonTaken
	if credited > 0 {
		if why = m.credit(credited, o); why != "" {
			return 0, why, errNoRoom
		}
		m.s.Seq, m.s.Accepted = o.seq, uint32(cum)
	}
	if be32(s[2:]) == 0 {
		return credited, why, errNoRoom // empty already
	}
	copy(s[2:6], []byte{0, 0, 0, 0})
	s[18] = cover()
	// The commit byte stays: its invalid value is the counter's mark for a write that never was an order. Half an emptied
	// order fails its check, and the backup copy is the counter's.
	return credited, why, m.writeAll(card, piece{0x42, s[2:6]}, piece{0x52, s[18:19]})
}

// loaded is LOADCPU v1: the card's own purse, of which the meter takes all.
type loaded struct{}

func (loaded) size() int                  { return 86 }
func (loaded) writer([]byte) string       { return "" }
func (loaded) bind(*Meter, Memory) Reason { return ReasonUnbound }

func (loaded) header(m []byte) (header, Reason) {
	h, why := headerCPU(m)
	h.unit = 2
	return h, why
}

// take debits and credits what the card gave: the card does it whole, and this one never answers less than it did.
func (loaded) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	balance, seq := be32(image[32:]), be16(image[36:])
	o := order{seq: seq, price: uint32(image[38+9])<<16 | uint32(be16(image[38+10:]))}
	if balance == 0 {
		return 0, ReasonTaken, errNoRoom
	}
	if err := m.writeWhole(card, 32, []byte{0, 0, 0, 0, byte(seq >> 8), byte(seq)}); err != nil {
		return 0, ReasonWriteBack, err
	}
	if why := m.credit(int64(balance), o); why != "" {
		return 0, why, nil
	}
	m.s.Seq = seq
	return int64(balance), "", nil
}
