package purse_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

func TestPlanRefusesValues(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	with := func(f func(o *purse.Order)) purse.Order { o := buy(2, 50); f(&o); return o }
	for _, c := range []struct {
		name, code string
		o          purse.Order
	}{
		{"nothing bought", purse.CodeBadQuantity, buy(2, 0)},
		{"negative purchase", purse.CodeBadQuantity, buy(2, -1)},
		{"negative make-up", purse.CodeBadQuantity, with(func(o *purse.Order) { o.Op, o.Qty = purse.OpMakeUp, -1 })},
		{"negative reissue", purse.CodeBadQuantity, with(func(o *purse.Order) { o.Op, o.Qty = purse.OpReissue, -1 })},
		{"positive refund", purse.CodeBadQuantity, with(func(o *purse.Order) { o.Op = purse.OpRefund })},
		{"empty refund", purse.CodeBadQuantity, with(func(o *purse.Order) { o.Op, o.Qty = purse.OpRefund, 0 })},
		{"no operation", purse.CodeBadQuantity, with(func(o *purse.Order) { o.Op = "" })},
		{"over the profile's limit", purse.CodeBadQuantity, buy(2, 100_000_000)},
		{"the greatest number", purse.CodeBadQuantity, buy(2, math.MaxInt64)},
		{"refund of more than was ever bought", purse.CodeOverflow, with(func(o *purse.Order) { o.Op, o.Qty = purse.OpRefund, -101 })},
		{"price too high", purse.CodeOutOfRange, with(func(o *purse.Order) { o.Price = 1 << 32 })},
		{"negative price", purse.CodeOutOfRange, with(func(o *purse.Order) { o.Price = -1 })},
		{"negative alarm", purse.CodeOutOfRange, with(func(o *purse.Order) { o.Alarm = -1 })},
		{"negative hoard", purse.CodeOutOfRange, with(func(o *purse.Order) { o.Hoard = -1 })},
		{"negative overdraft", purse.CodeOutOfRange, with(func(o *purse.Order) { o.Overdraft = -70000 })},
		{"year 2100", purse.CodeOutOfRange, with(func(o *purse.Order) { o.At = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) })},
	} {
		pl, err := purse.Make(p, decode(t, p, image), c.o)
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, %v, want %s", c.name, pl.Steps, err, c.code)
		}
	}
}

// Settings for the meter hold for the cards of all makers: what one's fields cannot say stops no order. A loan or an alarm
// is the greatest that the field holds, a ceiling none at all.
func TestSettingsThatTheFieldsCannotSay(t *testing.T) {
	p, image := other(t, "ADD4442 v1")
	o := plain(1, 10)
	o.Alarm = 155 // a byte of whole cubic metres
	pl := plan(t, p, image, o)
	if got, err := p.Order.Field(profile.Alarm).Int(p.Order.Of(pl.After, 0)); err != nil || got != 150 {
		t.Errorf("alarm %d %v", got, err)
	}
	gen := gen4442(t)
	o = buy(1, 100)
	o.Alarm, o.Hoard, o.Overdraft = 65536, 65536, 1<<40
	pl = plan(t, gen, blankImage(t, gen, blankHeader), o)
	for m, want := range map[profile.Meaning]int64{profile.Alarm: 65535, profile.Hoard: 0, profile.Overdraft: 65535} {
		if got, err := gen.Order.Field(m).Int(gen.Order.Of(pl.After, 0)); err != nil || got != want {
			t.Errorf("%s %d %v, want %d", m, got, err, want)
		}
	}
}

func TestPlanEdges(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	o := buy(2, -100)
	o.Op = purse.OpRefund
	if pl := plan(t, p, image, o); pl.Seq != 2 || pl.Cumulative != 0 || pl.Qty != -100 {
		t.Errorf("refund of all: %+v", pl)
	}
	got := decode(t, p, sell(t, p, image, o)).Order
	if got.Qty != -100 || got.Cumulative != 0 || got.Op != purse.OpRefund {
		t.Errorf("refund on the card: %+v", got)
	}
	o = buy(2, 1)
	o.Price, o.Tier, o.Alarm, o.Hoard, o.Overdraft = 1<<32-1, 255, 65535, 65535, 65535
	if got := decode(t, p, sell(t, p, image, o)).Order; got.Price != quantity.Price(1<<32-1) || got.Tier != 255 {
		t.Errorf("greatest values: %+v", got)
	}
}

// The total is 32 bits wide; an order that does not fit is refused, never wrapped.
func TestCumulativeOverflow(t *testing.T) {
	p := gen4442(t)
	image := blankImage(t, p, blankHeader)
	total := purse.Amount(0)
	const step = 99_999_999
	for total+step <= math.MaxUint32 {
		image = sell(t, p, image, buy(1, step))
		total += step
	}
	rest := math.MaxUint32 - total
	if _, err := purse.Make(p, decode(t, p, image), buy(2, rest+1)); codeOf(err) != purse.CodeOverflow {
		t.Errorf("one too many: %v", err)
	}
	if pl := plan(t, p, image, buy(2, rest)); pl.Cumulative != math.MaxUint32 {
		t.Errorf("just full: %+v", pl)
	}
}

func TestSequenceWraps(t *testing.T) {
	p := gen4442(t)
	image := withSeq(t, p, sell(t, p, blankImage(t, p, blankHeader), buy(1, 100), buy(2, 100)), 65534)
	for _, want := range []uint16{65535, 0, 1} {
		pl := plan(t, p, image, buy(3, 1))
		image = sell(t, p, image, buy(3, 1))
		if st := decode(t, p, image); pl.Seq != want || st.Order.Seq != want || st.Older.Seq != want-1 {
			t.Errorf("plan %d, card %d after %d, want %d", pl.Seq, st.Order.Seq, st.Older.Seq, want)
		}
	}
}

// A card whose last order cannot be told is not written: every guess would be somebody's gas.
func TestPlanRefusesDamage(t *testing.T) {
	p := gen4442(t)
	fresh := blankImage(t, p, blankHeader)
	two := sell(t, p, fresh, buy(1, 100), buy(2, 100))
	swiped := newChip(two)
	meterWith(t, 0, 0).Swipe(swiped)
	for _, c := range []struct {
		name  string
		image []byte
		edit  func(m []byte)
	}{
		{"both slots broken", two, func(m []byte) { m[0x30] ^= 1; m[0x50] ^= 1 }},
		{"both slots uncommitted", two, func(m []byte) { m[0x4F], m[0x6F] = 0xFF, 0xFF }},
		{"one broken, one empty", fresh, func(m []byte) { copy(m[0x30:0x50], two[0x30:0x50]); m[0x30] ^= 1 }},
		{"slots erased, but the meter has taken orders", swiped.mem, func(m []byte) { copy(m[0x30:0x70], bytes.Repeat([]byte{0xFF}, 64)) }},
		{"conflict", two, func(m []byte) { m[0x51] = 1; p.Seal(p.Order, m, 1) }},
		{"unit without a name", two, func(m []byte) {
			m[0x23] = 3
			p.Seal(p.Header, m, 0)
			p.Seal(p.Order, m, 0)
			p.Seal(p.Order, m, 1)
		}},
	} {
		m := bytes.Clone(c.image)
		c.edit(m)
		if pl, err := purse.Make(p, decode(t, p, m), buy(3, 1)); codeOf(err) != purse.CodeCardDamaged {
			t.Errorf("%s: planned %v, %v", c.name, pl.Steps, err)
		}
	}
}

// A first write that was cut leaves a card that can still be sold to.
func TestPlanAfterATornFirstWrite(t *testing.T) {
	p := gen4442(t)
	fresh := blankImage(t, p, blankHeader)
	one := sell(t, p, fresh, buy(1, 100))
	m := bytes.Clone(fresh)
	copy(m[0x30:], one[0x30:0x41])
	if pl := plan(t, p, m, buy(2, 7)); pl.Seq != 1 || pl.Cumulative != 7 {
		t.Errorf("plan %+v", pl)
	}
}

// Only the bytes that were read count, not what a state says about them.
func TestPlanBelievesTheImage(t *testing.T) {
	p := gen4442(t)
	st := decode(t, p, sell(t, p, blankImage(t, p, blankHeader), buy(1, 100)))
	st.Order.Seq, st.Order.Cumulative, st.Order.Slot = 77, 999, "b"
	pl, err := purse.Make(p, st, buy(2, 1))
	if err != nil || pl.Seq != 2 || pl.Cumulative != 101 || pl.Slot != "b" {
		t.Errorf("plan %+v, %v", pl, err)
	}
}

// The plan says every byte: the order of steps, their places, and nothing outside the free slot and the stamp.
func TestPlanSteps(t *testing.T) {
	p := gen4442(t)
	image := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	pl := plan(t, p, image, buy(2, 50))
	type place struct {
		name    string
		addr, n int
	}
	want := []place{{"invalidate", 0x6F, 1}, {"body", 0x50, 31}, {"commit", 0x6F, 1}, {"stamp", 0xD0, 16}}
	for i, s := range pl.Steps {
		if got := (place{s.Name, s.Addr, len(s.Data)}); i >= len(want) || got != want[i] {
			t.Errorf("step %d: %+v", i, got)
		}
	}
	for at := range image {
		inSlot, inStamp := at >= 0x50 && at < 0x70, at >= 0xD0 && at < 0xE0
		if !inSlot && !inStamp && pl.After[at] != pl.Before[at] {
			t.Errorf("byte %X would change", at)
		}
	}
}
