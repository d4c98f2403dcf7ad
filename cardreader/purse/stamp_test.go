package purse_test

import (
	"bytes"
	"testing"

	"tally/cardreader/purse"
)

// The stamp is for people: whatever goes wrong with it, the order is on the card and Write says so.
func TestStampCannotUndoAnOrder(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	o := buy(2, 50)
	o.Operator++
	c := newChip(image)
	if err := purse.New(c, p).Write(ctx, plan(t, p, image, o)); err != nil {
		t.Fatal(err)
	}
	last := c.calls
	for at := last - 2; at < last; at++ {
		for kind := faultNone + 1; kind < faultSwap; kind++ {
			c := newChip(image)
			c.fault = fault{at: at, kind: kind, torn: 5}
			if err := purse.New(c, p).Write(ctx, plan(t, p, image, o)); err != nil {
				t.Errorf("call %d, fault %d: %v", at, kind, err)
			}
			if st := decode(t, p, c.mem); st.Order.Seq != 2 {
				t.Errorf("call %d, fault %d: order %+v", at, kind, st.Order)
			}
		}
	}
}

// A cell of the chip wears with every write: nothing is written twice, nothing that is right already, and the newest
// order and the meter's side of the card not at all.
func TestWear(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100), buy(2, 100))
	c := newChip(image)
	pl := plan(t, p, image, buy(3, 100)) // same clerk and time: the stamp is right already
	if err := purse.New(c, p).Write(ctx, pl); err != nil {
		t.Fatal(err)
	}
	for at, n := range c.wear {
		most := 1
		if at == 0x4F {
			most = 2 // invalid, then committed
		}
		if at < 0x30 || at > 0x4F || n > most {
			t.Errorf("byte %X written %d times", at, n)
		}
	}
}

// A plan comes back from a file. One that would not leave the card as it says never reaches it.
func TestWriteRefusesABadPlan(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	for name, spoil := range map[string]func(pl *purse.Plan){
		"other profile":          func(pl *purse.Plan) { pl.Profile = "GEN4442 v2" },
		"step outside":           func(pl *purse.Plan) { pl.Steps[3].Addr = 255 },
		"negative address":       func(pl *purse.Plan) { pl.Steps[0].Addr = -1 },
		"empty step":             func(pl *purse.Plan) { pl.Steps[1].Data = nil },
		"no steps":               func(pl *purse.Plan) { pl.Steps = nil },
		"commit missing":         func(pl *purse.Plan) { pl.Steps = pl.Steps[:2] },
		"over the newest order":  func(pl *purse.Plan) { pl.Steps[1].Addr = 0x30 },
		"invalidates the newest": func(pl *purse.Plan) { pl.Steps[0].Addr = 0x4F },
		"newest invalid for a while": func(pl *purse.Plan) {
			pl.Steps = append([]purse.Step{{Name: "x", Addr: 0x4F, Data: purse.Image{0xFF}}}, append(pl.Steps, purse.Step{Name: "y", Addr: 0x4F, Data: purse.Image{0xA5}})...)
		},
		"a byte of the order":        func(pl *purse.Plan) { pl.Steps[1].Data[3] ^= 1 },
		"image after":                func(pl *purse.Plan) { pl.After[0xD3] ^= 1 },
		"image before cut":           func(pl *purse.Plan) { pl.Before = pl.Before[:200] },
		"no images":                  func(pl *purse.Plan) { pl.Before, pl.After = nil, nil },
		"another tag":                func(pl *purse.Plan) { pl.Tag[0] ^= 1 },
		"another card's name":        func(pl *purse.Plan) { pl.Card.No = "00000001" },
		"the order before forgotten": func(pl *purse.Plan) { pl.Base = nil },
	} {
		pl := plan(t, p, image, buy(2, 50))
		spoil(&pl)
		c := newChip(image)
		if err := purse.New(c, p).Write(ctx, pl); codeOf(err) != purse.CodeBadPlan {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.log) > 0 || !bytes.Equal(c.mem, image) {
			t.Errorf("%s: the card was touched: %v", name, c.log)
		}
	}
}

// The card must hold, to the byte, what the plan was made against.
func TestWriteRefusesAChangedCard(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	pl := plan(t, p, image, buy(2, 50))
	for at := 0; at < 256; at++ {
		c := newChip(image)
		c.mem[at] ^= 0x01
		if err := purse.New(c, p).Write(ctx, pl); codeOf(err) != purse.CodeCardChanged || bytes.Equal(c.mem, pl.After) {
			t.Errorf("byte %X other than planned: %v", at, err)
		}
		for _, call := range c.log {
			if call == "write" {
				t.Errorf("byte %X other than planned: written", at)
			}
		}
	}
}

type closer struct {
	*chip
	closed int
}

func (c *closer) Close() error { c.closed++; return nil }

func TestCloseClosesTheMemory(t *testing.T) {
	p := gen4442(t)
	c := &closer{chip: newChip(blankImage(t, p, blankHeader))}
	if err := purse.New(c, p).Close(); err != nil || c.closed != 1 {
		t.Errorf("closed %d times, %v", c.closed, err)
	}
	if err := purse.New(c.chip, p).Close(); err != nil {
		t.Errorf("a memory that cannot be closed: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	p := gen4442(t)
	if _, err := purse.New(newChip(make([]byte, 128)), p).Read(ctx); codeOf(err) != purse.CodeWrongSize {
		t.Errorf("small chip: %v", err)
	}
	for kind, want := range map[faultKind]string{faultNotSent: "not sent", faultUnknown: "unknown", faultShort: "unknown"} {
		c := newChip(blankImage(t, p, blankHeader))
		c.fault = fault{at: 0, kind: kind}
		if _, err := purse.New(c, p).Read(ctx); said(err) != want {
			t.Errorf("fault %d: %v, want %s", kind, err, want)
		}
	}
}
