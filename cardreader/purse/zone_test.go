package purse_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/purse"
)

// two102 is a card with an order in each zone, and the plan of a third, which erases the first.
func two102(t *testing.T) (kit, []byte, purse.Plan) {
	t.Helper()
	k := kit102(t)
	image := sell(t, k.p, blankImage(t, k.p, k.header), buy(1, 100), buy(2, 200))
	return k, image, plan(t, k.p, image, buy(3, 50))
}

// TestTornErasure: however far an erasure came, byte by byte and in whatever order, the order before is still the newest,
// and the card says that ours is not there.
func TestTornErasure(t *testing.T) {
	k, image, pl := two102(t)
	if pl.Steps[0].Name != "erase" || pl.Slot != "a" {
		t.Fatalf("steps %+v", pl.Steps)
	}
	for n := range 65 {
		for name, spread := range map[string]func(i int) bool{
			"from the start": func(i int) bool { return i < n }, "from the end": func(i int) bool { return i >= 64-n },
			"here and there": func(i int) bool { return (i*37)%64 < n },
		} {
			cut := bytes.Clone(image)
			for i := range 64 {
				if spread(i) {
					cut[16+i] = 0xFF
				}
			}
			st := decode(t, k.p, cut)
			if v := purse.Resolve(pl, st); v != purse.NotDone || st.Order.Seq != 2 {
				t.Fatalf("%d bytes %s: %s, newest %d, damaged %v", n, name, v, st.Order.Seq, st.Damaged)
			}
			if again := plan(t, k.p, cut, buy(3, 50)); again.Slot != "a" || again.Seq != 3 {
				t.Fatalf("%d bytes %s: planned again as %d in %s", n, name, again.Seq, again.Slot)
			}
		}
	}
	rotten := bytes.Clone(pl.After)
	rotten[18] ^= 1 // of an order that was whole
	if v := purse.Resolve(pl, decode(t, k.p, rotten)); v != purse.Unclear {
		t.Errorf("an order that rotted: %s", v)
	}
}

// TestPlanMayNotRaiseBits: bits of a zone rise only with all of it. A plan that forgets the erasure is kept off the card.
func TestPlanMayNotRaiseBits(t *testing.T) {
	k, image, pl := two102(t)
	for name, spoil := range map[string]func(*purse.Plan){
		"no erasure":      func(p *purse.Plan) { p.Steps = p.Steps[1:] },
		"half an erasure": func(p *purse.Plan) { p.Steps[0].Data = p.Steps[0].Data[:32] },
		"over two zones":  func(p *purse.Plan) { p.Steps[0].Addr += 32 },
	} {
		bad := pl
		bad.Steps = slices.Clone(pl.Steps)
		spoil(&bad)
		c := chipOf(k.p, image)
		if err := purse.New(c, k.p).Write(ctx, bad); codeOf(err) != purse.CodeBadPlan || !bytes.Equal(c.mem, image) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRecordIsProvedByItself: the read-back of a record is of that record; with one byte other than ours it is no proof.
func TestPromise1RecordIsReadBack(t *testing.T) {
	k := kitCPU(t, "3des")
	image := blankImage(t, k.p, k.header)
	pl := plan(t, k.p, image, buy(1, 50))
	for kind := range faultKinds {
		c := chipOf(k.p, image)
		if err := purse.New(c, k.p).Write(ctx, pl); err != nil {
			t.Fatal(err)
		}
		for at := range len(c.log) {
			c := chipOf(k.p, image)
			c.fault = fault{at: at, kind: kind, swap: chipOf(k.p, image)}
			err := purse.New(c, k.p).Write(ctx, pl)
			if kind == faultSwap {
				continue // two cards with one image are one card
			}
			if err == nil && !bytes.Equal(k.p.Order.Of(c.mem, 0), k.p.Order.Of(pl.After, 0)) {
				t.Errorf("fault %d at call %d: done, and the record is not there", kind, at)
			}
		}
	}
}

// TestErasuresUsedUp: zone 2 of a chip that has no erasure left is not written, and the card keeps what it has; an order
// that goes into zone 1 is still sold.
func TestErasuresUsedUp(t *testing.T) {
	k, image, _ := two102(t)
	h := newHall(t)
	spent := func(image []byte) simChip {
		c := cardsim.NewAT88SC102(cardsim.AT88SC102Options{
			Code: secret102.Code, EZ1: secret102.Keys.Zone1, EZ2: secret102.Keys.Zone2, EC2: true, Erasures: 128,
			Issuer: image[:8], Protected: image[8:16], Zone1: image[16:80], Zone2: image[80:],
		})
		return simChip{c.Run(k.p.Map), cardsim.ACS102(c), c.Tries}
	}
	one := spent(image) // the newest lies in zone 2: the next goes into zone 1
	h.with(k, one.dev, func(pr *purse.MemoryPurse) {
		if _, err := sale(pr, buy(3, 50)); err != nil {
			t.Error(err)
		}
	})
	two := spent(one.ReadMem())
	before := two.ReadMem()
	h.with(k, two.dev, func(pr *purse.MemoryPurse) {
		if _, err := sale(pr, buy(4, 50)); codeOf(err) != cardreader.CodeErasuresUsed || !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%v", err)
		}
	})
	if !bytes.Equal(two.ReadMem(), before) {
		t.Error("the card was changed")
	}
}
