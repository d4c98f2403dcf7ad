package icmeter

import (
	"encoding/hex"
	"slices"
)

// Addresses of GEN4442 v1.
const (
	chipSize   = 256
	headerAt   = 0x20
	orderA     = 0x30
	orderB     = 0x50
	backA      = 0x70
	backB      = 0x90
	slotLen    = 32
	commitAt   = 31
	commitByte = 0xA5
	openByte   = 0xFF // the slot is being written
)

// gen is the family of layouts with a sequence and a cumulative total: the same orders at other places.
type gen struct {
	bytes  int
	parse  func(m []byte) (header, Reason)
	cover  [2]int // of the header, under the check of an order
	orders []int
	price3 bool // the price has three bytes, and what follows lies one byte earlier
	backs  []int
	whole  bool // the card does a write whole or not at all
	once   bool // bits only fall: a write-back is written once, behind its order
}

var gen4442 = gen{
	bytes: chipSize, parse: header4442, cover: [2]int{headerAt, headerAt + 15}, orders: []int{orderA, orderB}, backs: []int{backA, backB},
}

var gen102 = gen{
	bytes: 144, parse: header102, cover: [2]int{0, 15}, orders: []int{17, 81}, price3: true, backs: []int{48, 112}, once: true,
}

var genCPU = gen{
	bytes: 816, parse: headerCPU, cover: [2]int{0, 30}, backs: []int{0x200, 0x220}, whole: true,
	orders: []int{32, 80, 128, 176, 224, 272, 320, 368, 416, 464},
}

func header4442(m []byte) (header, Reason) {
	h := m[headerAt : headerAt+16]
	switch {
	case h[0] != 0x5A || h[1] != 0x01:
		return header{}, ReasonLayout
	case crc8(h[:15]) != h[15]:
		return header{}, ReasonHeader
	}
	return named(header{kind: h[2], unit: h[3] & 3, region: be16(h[4:]), issue: h[14]}, h[6:10], h[10:14])
}

func header102(m []byte) (header, Reason) {
	switch {
	case m[0] != 0x5A || m[1] != 0x01:
		return header{}, ReasonLayout
	case crc8(m[:15]) != m[15]:
		return header{}, ReasonHeader
	}
	return named(header{kind: m[8], unit: m[9] & 3, region: be16(m[2:]), issue: m[14]}, m[4:8], m[10:14])
}

func headerCPU(m []byte) (header, Reason) {
	if m[0] != 0x01 {
		return header{}, ReasonLayout
	}
	return named(header{kind: m[21], unit: m[1] & 3, region: be16(m[2:]), issue: m[20]}, m[4:8], m[8:12])
}

// named adds the numbers of card and meter. A meter number of nothing but FF is a card not bound yet.
func named(h header, card, meter []byte) (header, Reason) {
	var ok bool
	if h.card, ok = digits(card); !ok {
		return header{}, ReasonHeader
	}
	if slices.ContainsFunc(meter, func(b byte) bool { return b != 0xFF }) {
		if h.meter, ok = digits(meter); !ok {
			return header{}, ReasonHeader
		}
	}
	return h, ""
}

func (g *gen) size() int                        { return g.bytes }
func (g *gen) header(m []byte) (header, Reason) { return g.parse(m) }

func (g *gen) order(m []byte, at int) (order, bool) {
	n, shift := slotLen, 0
	if g.price3 {
		n, shift = slotLen-1, 1
	}
	s := m[at : at+n]
	cover := append(append([]byte{}, m[g.cover[0]:g.cover[1]]...), s[:n-3]...)
	if s[n-1] != commitByte || crc16(cover) != be16(s[n-3:]) {
		return order{}, false
	}
	o := order{
		seq: be16(s), cum: be32(s[6:]), alarm: be16(s[15-shift:]), hoard: be16(s[17-shift:]), overdraft: be16(s[19-shift:]),
	}
	if o.price = be32(s[10:]); g.price3 {
		o.price >>= 8
	}
	return o, true
}

// newest picks the order that counts; when another valid one is neither older nor the same, none does.
func (g *gen) newest(m []byte) (order, int, Reason) {
	var all []order
	var places []int
	best := 0
	for i, at := range g.orders {
		o, ok := g.order(m, at)
		if !ok {
			continue
		}
		all, places = append(all, o), append(places, i)
		if after(o.seq, all[best].seq) {
			best = len(all) - 1
		}
	}
	if len(all) == 0 {
		return order{}, 0, ReasonNoOrder
	}
	for _, o := range all {
		if o != all[best] && !after(all[best].seq, o.seq) {
			return order{}, 0, ReasonConflict
		}
	}
	return all[best], places[best], ""
}

// back is what the meter looks at of its own write-back slots.
type back struct {
	seq   uint16
	used  uint32
	time  uint32
	meter string
}

func readBack(m []byte, at int) (back, bool) {
	s := m[at : at+slotLen]
	if s[commitAt] != commitByte || crc16(s[:29]) != be16(s[29:]) {
		return back{}, false
	}
	no, ok := digits(s[25:29])
	return back{seq: be16(s), used: be32(s[10:]), time: be32(s[21:]), meter: no}, ok
}

// older is the address of the write-back slot to be overwritten: an invalid one, else the older.
func (g *gen) older(m []byte) int {
	a, okA := readBack(m, g.backs[0])
	b, okB := readBack(m, g.backs[1])
	switch {
	case !okA:
		return g.backs[0]
	case !okB:
		return g.backs[1]
	case a.seq != b.seq && after(b.seq, a.seq), a.seq == b.seq && b.used > a.used,
		a.seq == b.seq && b.used == a.used && b.time > a.time:
		return g.backs[0]
	}
	return g.backs[1]
}

func (g *gen) writer(m []byte) string {
	for _, at := range g.backs {
		if b, ok := readBack(m, at); ok {
			return b.meter
		}
	}
	return ""
}

// bind claims an unbound card by the first write-back. Where a write-back goes with its order, no claim would last.
func (g *gen) bind(m *Meter, card Memory) Reason {
	if g.once {
		return ReasonUnbound
	}
	before := m.s.LastEvent
	m.s.LastEvent = EventBound
	if err := g.writeBack(m, card, 0); err != nil {
		m.s.LastEvent = before
		return ReasonWriteBack
	}
	return ""
}

func (g *gen) take(m *Meter, card Memory, image []byte) (int64, Reason, error) {
	o, slot, why := g.newest(image)
	var credited int64
	if why == "" {
		credited, why = m.creditTotal(o)
	}
	if g.counts() {
		m.takeTariff(image)
	}
	if g.once && why != "" && why != ReasonTaken {
		return credited, why, errNoRoom // only behind an order that was taken
	}
	return credited, why, g.writeBack(m, card, slot)
}

// writeBack stores the state. Where slots can be rewritten it is the older one: its commit byte is taken away first and
// given back last, so that the newer slot stays whatever happens in between.
func (g *gen) writeBack(m *Meter, card Memory, slot int) error {
	image := card.ReadMem()
	if len(image) < g.bytes {
		return errPulled
	}
	fresh := m.s.slot(m.now())
	switch {
	case g.once:
		return g.writeOnce(m, card, image, slot, fresh)
	case g.whole:
		return m.writeWhole(card, g.older(image), fresh)
	}
	at := g.older(image)
	return m.writeAll(card, piece{at + commitAt, []byte{openByte}}, piece{at, fresh[:commitAt]}, piece{at + commitAt, fresh[commitAt:]})
}

// writeOnce writes behind the order, and what was cut before is written again: the same bytes, as bits do not rise.
func (g *gen) writeOnce(m *Meter, card Memory, image []byte, slot int, fresh []byte) error {
	at := g.backs[slot]
	if b, ok := readBack(image, at); ok && b.seq == m.s.Seq {
		return errNoRoom // it says so already
	}
	if b, err := hex.DecodeString(m.s.Unsaid); err == nil && len(b) == slotLen && be16(b) == m.s.Seq {
		fresh = b
	}
	m.s.Unsaid = hex.EncodeToString(fresh)
	err := m.writeAll(card, piece{at, fresh[:commitAt]}, piece{at + commitAt, fresh[commitAt:]})
	if err == nil {
		m.s.Unsaid = ""
	}
	return err
}
