package counter_test

import (
	"fmt"
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
	"tally/counter"
)

// spoilers are what a meter may leave of the first copy of an order when it is disturbed while it takes it. The layout INC
// has the first copy at 40 with its amount at +02, its check at +12 and its commit at +13, and the backup at 60.
var spoilers = map[string]func(m []byte){
	"erased":           func(m []byte) { fill(m[0x40:0x54], 0xFF) },
	"invalidated":      func(m []byte) { m[0x53] = 0xFF },
	"emptied only":     func(m []byte) { fill(m[0x42:0x46], 0); m[0x52] ^= 0x55 },
	"emptied and open": func(m []byte) { fill(m[0x42:0x46], 0); m[0x53] = 0xFF },
	"zeros":            func(m []byte) { fill(m[0x40:0x54], 0) },
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// spoil changes the bytes of a card behind everybody's back.
func (p *plastic) spoil(h *hall, change func([]byte)) {
	h.Helper()
	p.take()
	m := p.chip.ReadMem()
	change(m)
	if err := p.chip.WriteMem(0x20, m[0x20:]); err != nil {
		h.Fatal(err)
	}
}

// oldBackup is a counter where a sale ended without its backup, and is done all the same: the backup carries the order
// before, taken by the meter or not.
func oldBackup(t *testing.T, at int, kind cardsim.FaultKind) (*hall, *client, counter.Order, bool) {
	t.Helper()
	h := newHall(t, "INC4442 v1", purse.UnitFen, 1)
	o, c := h.offices[0], h.client(0)
	o.issue(c)
	for range 2 {
		if _, err := o.sell(c.card, 500); err != nil {
			t.Fatal(err)
		}
		c.card.take()
		c.meter.Swipe(c.card.chip)
	}
	o.next, o.nextAt = cardsim.Fault{Kind: kind}, at
	_, err := o.sell(c.card, 300)
	o.next, o.nextAt = cardsim.Fault{}, 0
	o.settled()
	o.stored()
	if err == nil {
		return h, c, counter.Order{}, false // nothing was cut
	}
	o.insert(c.card)
	x := o.lastOrder()
	m := c.card.chip.ReadMem()
	if x.Plan.Qty != 300 || x.State != counter.Done || string(m[0x40:0x54]) == string(m[0x60:0x74]) {
		return h, c, x, false
	}
	return h, c, x, true
}

// A power cut between the order and its backup, and a meter that spoils the order while it takes it: the card comes back
// with the order before. The counter says so, with every byte, and sells nothing on top.
func TestCardThatCameBackOlderIsNoticed(t *testing.T) {
	seen := 0
	for at := 8; at < 40; at++ {
		for _, kind := range []cardsim.FaultKind{cardsim.PulledBefore, cardsim.PulledAfter} {
			if _, _, _, ok := oldBackup(t, at, kind); !ok {
				continue
			}
			for name, spoil := range spoilers {
				for _, took := range []bool{true, false} {
					seen++
					t.Run(fmt.Sprintf("command %d %v %s took %t", at, kind, name, took), func(t *testing.T) { cameBackOlder(t, at, kind, spoil, took) })
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d ways to an old backup", seen)
	}
}

func cameBackOlder(t *testing.T, at int, kind cardsim.FaultKind, spoil func([]byte), took bool) {
	h, c, sold, ok := oldBackup(t, at, kind)
	if !ok {
		t.Fatal("the same accident ends otherwise")
	}
	o := h.offices[0]
	if took {
		before := c.card.chip.ReadMem()
		c.card.take()
		c.meter.Swipe(c.card.chip)
		if err := c.card.chip.WriteMem(0x60, before[0x60:0x74]); err != nil { // it never came to the backup
			t.Fatal(err)
		}
	} else {
		c.lost += 300
	}
	c.card.spoil(h, spoil)
	mismatches := o.mismatches()
	d := o.insert(c.card)
	if d.Problem == nil || d.Problem.Code != counter.CodeCardBehind && d.Problem.Code != counter.CodeDamaged {
		t.Fatalf("the counter takes a card of before order %s: %+v\n%s", sold.ID, d.Problem, h.story(c))
	}
	if d.Account == nil || d.InDoubt != nil {
		t.Errorf("desk %+v", d)
	}
	told := o.mismatches()
	if len(told) != len(mismatches)+1 {
		t.Fatalf("%d events, want one more than %d", len(told), len(mismatches))
	}
	if m := told[len(told)-1]; m.LedgerSeq != sold.Plan.Seq || m.Code != d.Problem.Code || len(m.Image) != 512 || m.Account != c.no {
		t.Errorf("evidence %+v", m)
	}
	orders := len(o.store.Orders())
	if _, err := o.sell(c.card, 100); err == nil || len(o.store.Orders()) != orders {
		t.Errorf("sold on top: %v\n%s", err, h.story(c))
	}
	h.law()
	// What the clerk may still do about it is to put exactly the lost order back; a meter that took it credits nothing.
	if _, err := o.svc.MakeUp(bg, o.clerk, counter.MakeUp{Request: o.request(), Reader: d.Reader, Insertion: o.ins}); err == nil {
		c.lost = 0
	}
	o.settled()
	c.card.take()
	c.meter.Swipe(c.card.chip)
	h.law()
}

// The same, and nobody has seen the card since the write that was cut: what fits neither before nor after is nobody's to
// give back.
func TestDoubtWhoseCardCameBackOlderGoesToALeader(t *testing.T) {
	seen := 0
	for at := 8; at < 40; at++ {
		for name, spoil := range spoilers {
			h := newHall(t, "INC4442 v1", purse.UnitFen, 1)
			o, c := h.offices[0], h.client(0)
			o.issue(c)
			if _, err := o.sell(c.card, 500); err != nil {
				t.Fatal(err)
			}
			c.card.take()
			c.meter.Swipe(c.card.chip)
			before := c.card.chip.ReadMem()
			o.next, o.nextAt = cardsim.Fault{Kind: cardsim.PulledAfter}, at
			_, err := o.sell(c.card, 300)
			o.next, o.nextAt = cardsim.Fault{}, 0
			o.settled()
			if x := o.lastOrder(); err == nil || x.State != counter.InDoubt || x.Plan.Qty != 300 {
				continue
			}
			c.card.take()
			if c.meter.Swipe(c.card.chip) != 300 {
				continue // it was not there
			}
			if err := c.card.chip.WriteMem(0x60, before[0x60:0x74]); err != nil {
				t.Fatal(err)
			}
			c.card.spoil(h, spoil)
			seen++
			d := o.insert(c.card)
			if d.InDoubt != nil {
				t.Errorf("command %d, %s: the clerk may give back what the meter took: %s", at, name, h.story(c))
			}
			if x := o.lastOrder(); x.State != counter.Quarantined {
				t.Errorf("command %d, %s: the order is %s", at, name, x.State)
			}
			h.law()
		}
	}
	if seen == 0 {
		t.Error("no such accident")
	}
}

func (o *office) mismatches() (out []counter.CardMismatch) {
	for _, r := range o.store.Records() {
		if r.Type == counter.TypeCardMismatch {
			var m counter.CardMismatch
			o.decode(r.Body, &m)
			out = append(out, m)
		}
	}
	return out
}
