package countertest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// Profile is the name of the layout of these cards: two order slots of 32 bytes and one write-back slot.
const Profile = "TEST v1"

const (
	slotLen    = 32
	commitByte = 0xA5
	imageLen   = 3 * slotLen
)

// Card is a simulated memory card. Its meter is simulated too: see Swipe and Use.
type Card struct {
	ID    purse.CardID
	Meter string
	Kind  purse.Kind
	Unit  purse.Unit
	Issue uint8 // issue count

	mu       sync.Mutex
	mem      [imageLen]byte
	credit   purse.Amount // what the meter has left
	credited purse.Amount // all that the meter ever credited
	hurt     []string     // further areas that the card says are damaged
}

// NewCard returns an empty customer's card counting in 0.01 m³.
func NewCard(id purse.CardID, meter string) *Card {
	return &Card{ID: id, Meter: meter, Kind: purse.KindUser, Unit: purse.UnitCentiM3, Issue: 1}
}

// Swipe lets the meter take what is on the card, once, and write its state back.
func (c *Card) Swipe() purse.Amount {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.state()
	if st.Order == nil {
		return 0
	}
	gain := st.Order.Cumulative - c.credited
	c.credit, c.credited = c.credit+gain, st.Order.Cumulative
	c.writeBack(st.Order.Seq)
	return gain
}

// Use lets gas flow and puts the card in again, so that it carries the new remaining credit.
func (c *Card) Use(v quantity.Volume) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.credit -= purse.Amount(v / c.Unit.Litres())
	c.writeBack(binary.BigEndian.Uint16(c.mem[2*slotLen:]))
}

// Damage breaks both order slots.
func (c *Card) Damage() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mem[slotLen-1], c.mem[2*slotLen-1] = 0x11, 0x11
}

// TearWriteBack leaves the meter's write-back unreadable.
func (c *Card) TearWriteBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mem[imageLen-1] = 0x11
	c.hurt = append(c.hurt, "write_back_a_commit")
}

// Hurt makes the card say that an area is damaged.
func (c *Card) Hurt(area string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hurt = append(c.hurt, area)
}

// Snapshot returns the card's bytes, and Restore puts them back, as a copying machine would.
func (c *Card) Snapshot() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.mem[:])
}

// Restore overwrites the card's bytes.
func (c *Card) Restore(image []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.mem[:], image)
}

// RestoreOrders overwrites the order slots only.
func (c *Card) RestoreOrders(image []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.mem[:2*slotLen], image)
}

// State reads the card without a reader.
func (c *Card) State() purse.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state()
}

// Force puts an order on the card that no ledger knows, as another counter or a thief would.
func (c *Card) Force(seq uint16, cumulative purse.Amount, tag purse.Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.mem[:], encodeSlot(purse.OnCard{Seq: seq, Cumulative: cumulative, Tag: tag, Op: purse.OpBuy}))
	copy(c.mem[slotLen:], make([]byte, slotLen))
}

func (c *Card) writeBack(seq uint16) {
	w := c.mem[2*slotLen:]
	binary.BigEndian.PutUint16(w, seq)
	binary.BigEndian.PutUint64(w[2:], uint64(c.credited))
	binary.BigEndian.PutUint64(w[10:], uint64(c.credit))
	w[slotLen-1] = commitByte
}

func (c *Card) state() purse.State {
	st := decode(c.mem[:])
	st.Card, st.Kind, st.Meter, st.Unit, st.IssueCount = c.ID, c.Kind, c.Meter, c.Unit, c.Issue
	st.Damaged = append(st.Damaged, c.hurt...)
	return st
}

func decode(image []byte) purse.State {
	st := purse.State{Profile: Profile, Image: bytes.Clone(image)}
	for i, name := range []string{"a", "b"} {
		if commit := image[(i+1)*slotLen-1]; commit != 0 && commit != 0xFF && commit != commitByte {
			st.Damaged = append(st.Damaged, "slot_"+name+"_commit")
		}
		o, ok := decodeSlot(image[i*slotLen : (i+1)*slotLen])
		o.Slot = name
		if ok && (st.Order == nil || int16(o.Seq-st.Order.Seq) > 0) {
			st.Order = &o
		}
	}
	if w := image[2*slotLen:]; w[slotLen-1] == commitByte {
		st.WriteBack = &purse.WriteBack{
			Slot: "a", Seq: binary.BigEndian.Uint16(w),
			Accepted:  purse.Amount(binary.BigEndian.Uint64(w[2:])),
			Remaining: purse.Amount(binary.BigEndian.Uint64(w[10:])),
		}
	}
	if st.Order != nil {
		st.Waiting = st.Order.Cumulative
		if st.WriteBack != nil {
			st.Waiting -= st.WriteBack.Accepted
		}
	}
	st.Swiped = st.Order == nil || (st.WriteBack != nil && st.WriteBack.Seq == st.Order.Seq)
	return st
}

func encodeSlot(o purse.OnCard) []byte {
	b := make([]byte, slotLen)
	binary.BigEndian.PutUint16(b, o.Seq)
	binary.BigEndian.PutUint64(b[2:], uint64(o.Qty))
	binary.BigEndian.PutUint64(b[10:], uint64(o.Cumulative))
	copy(b[18:], o.Tag[:])
	b[21] = o.Tier
	binary.BigEndian.PutUint32(b[22:], uint32(o.Price))
	b[26] = byte(len(o.Op))
	b[slotLen-1] = commitByte
	return b
}

func decodeSlot(b []byte) (purse.OnCard, bool) {
	o := purse.OnCard{
		Seq: binary.BigEndian.Uint16(b), Tier: b[21], Price: quantity.Price(binary.BigEndian.Uint32(b[22:])),
		Qty:        purse.Amount(binary.BigEndian.Uint64(b[2:])),
		Cumulative: purse.Amount(binary.BigEndian.Uint64(b[10:])),
	}
	copy(o.Tag[:], b[18:])
	for _, op := range []purse.Op{purse.OpBuy, purse.OpReissue, purse.OpMakeUp, purse.OpRefund, purse.OpMeterChange} {
		if int(b[26]) == len(op) {
			o.Op = op
		}
	}
	return o, b[slotLen-1] == commitByte
}

// plan puts an order into the slot that does not hold the newest one.
func plan(st purse.State, o purse.Order) (purse.Plan, error) {
	if len(st.Image) != imageLen {
		return purse.Plan{}, errors.New("plan: not a read card")
	}
	var last purse.OnCard
	slot := 0
	if st.Order != nil {
		last = *st.Order
		if last.Slot == "a" {
			slot = 1
		}
	}
	next := purse.OnCard{
		Seq: last.Seq + 1, Qty: o.Qty, Cumulative: last.Cumulative + o.Qty, Price: o.Price, Tier: o.Tier, Op: o.Op, Tag: o.Tag,
	}
	if next.Cumulative < 0 {
		return purse.Plan{}, fmt.Errorf("plan: cumulative %d: %w", next.Cumulative, quantity.ErrRange)
	}
	body := encodeSlot(next)
	at := slot * slotLen
	after := bytes.Clone(st.Image)
	copy(after[at:], body)
	return purse.Plan{
		Profile: Profile, Card: st.Card, IssueCount: st.IssueCount, Seq: next.Seq, Tag: o.Tag, Qty: o.Qty, Cumulative: next.Cumulative,
		Before: st.Image, After: after, Order: next,
		Steps: []purse.Step{
			{Name: "invalidate", Addr: at + slotLen - 1, Data: purse.Image{0xFF}},
			{Name: "body", Addr: at, Data: body[:slotLen-1]},
			{Name: "commit", Addr: at + slotLen - 1, Data: purse.Image{commitByte}},
		},
	}, nil
}

// Resolve judges a card of this package against a plan, as purse.Resolve does for real ones.
func Resolve(p purse.Plan, st purse.State) purse.Verdict {
	before := decode(p.Before)
	switch {
	case st.Card != p.Card || st.IssueCount != p.IssueCount:
		return purse.OtherCard
	case st.Order != nil && st.Order.Seq == p.Seq && st.Order.Tag == p.Tag:
		return purse.Done
	case before.Order == nil && st.Order == nil:
		return purse.NotDone
	case before.Order != nil && st.Order != nil && before.Order.Seq == st.Order.Seq && before.Order.Tag == st.Order.Tag:
		return purse.NotDone
	}
	return purse.Unclear
}
