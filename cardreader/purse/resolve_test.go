package purse_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"tally/cardreader/purse"
)

func TestResolve(t *testing.T) {
	p := gen4442(t)
	base := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	fresh := blankImage(t, p, blankHeader)
	pl, first := plan(t, p, base, buy(2, 50)), plan(t, p, fresh, buy(2, 50))
	done := sell(t, p, base, buy(2, 50))
	reissued := blankHeader
	reissued.IssueCount = 2
	elsewhere := blankHeader
	elsewhere.Region = 0x0572
	for _, c := range []struct {
		name  string
		plan  purse.Plan
		want  purse.Verdict
		image []byte
		edit  func(m []byte)
	}{
		{"as written", pl, purse.Done, done, nil},
		{"a later order on top", pl, purse.Done, sell(t, p, done, buy(3, 1)), nil},
		{"two later orders", pl, purse.Unclear, sell(t, p, done, buy(3, 1), buy(4, 1)), nil},
		{"as before", pl, purse.NotDone, base, nil},
		{"fresh card as before", first, purse.NotDone, fresh, nil},
		{"first order as written", first, purse.Done, first.After, nil},
		{"half a body", pl, purse.NotDone, base, func(m []byte) { copy(m[0x50:], done[0x50:0x60]) }},
		{"whole body, no commit", pl, purse.NotDone, base, func(m []byte) { copy(m[0x50:], done[0x50:0x6F]) }},
		{"our sequence with another tag", pl, purse.Unclear, sell(t, p, base, buy(3, 50)), nil},
		{"our sequence and tag with another total", pl, purse.Unclear, sell(t, p, base, buy(2, 51)), nil},
		{"first order, but somebody else's", first, purse.Unclear, sell(t, p, fresh, buy(3, 50)), nil},
		{"neither slot valid", pl, purse.Unclear, done, func(m []byte) { m[0x30] ^= 1; m[0x50] ^= 1 }},
		{"ours broken after it was whole", pl, purse.Unclear, done, func(m []byte) { m[0x50] ^= 1 }},
		{"first order broken after it was whole", first, purse.Unclear, first.After, func(m []byte) { m[0x30] ^= 1 }},
		{"ours erased, but the meter took it", pl, purse.Unclear, swipedThenErased(t, done), nil},
		{"the order before is broken, ours whole", pl, purse.Done, done, func(m []byte) { m[0x30] ^= 1 }},
		{"the order before is gone", pl, purse.Unclear, base, func(m []byte) { m[0x4F] = 0xFF }},
		{"conflict", pl, purse.Unclear, done, func(m []byte) { m[0x31] = 2; p.Seal(p.Order, m, 0) }},
		{"the stamp is torn", pl, purse.Done, done, func(m []byte) { m[0xD0] ^= 1 }},
		{"another customer's", pl, purse.OtherCard, blankImage(t, p, purse.Header{Region: 0x0571, CardNo: "00009999", Unit: purse.UnitFen, IssueCount: 1}), nil},
		{"the same number elsewhere", pl, purse.OtherCard, blankImage(t, p, elsewhere), nil},
		{"the same customer's new card", pl, purse.OtherCard, blankImage(t, p, reissued), nil},
	} {
		m := bytes.Clone(c.image)
		if c.edit != nil {
			c.edit(m)
		}
		st := decode(t, p, m)
		if got := purse.Resolve(c.plan, st); got != c.want {
			t.Errorf("%s: %s, want %s (damaged %v)", c.name, got, c.want, st.Damaged)
		}
	}
	st := decode(t, p, done)
	st.Profile = "OTHER v1"
	if got := purse.Resolve(pl, st); got != purse.OtherCard {
		t.Errorf("card of another layout: %s", got)
	}
}

// swipedThenErased is a card whose newest order the meter took and whose slot was lost after that.
func swipedThenErased(t *testing.T, image []byte) []byte {
	c := newChip(image)
	if r := meterWith(t, 0, 0).Swipe(c); !r.Accepted {
		t.Fatalf("meter: %+v", r)
	}
	copy(c.mem[0x50:0x70], bytes.Repeat([]byte{0xFF}, 32))
	return c.mem
}

// The meter may take the order before ours while ours is in doubt; that changes nothing about ours.
func TestResolveAfterTheMeterTookTheOrderBefore(t *testing.T) {
	p := gen4442(t)
	base := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100))
	pl := plan(t, p, base, buy(2, 50))
	c := newChip(base)
	copy(c.mem[0x50:], pl.After[0x50:0x60])
	if r := meterWith(t, 0, 0).Swipe(c); r.Credited != 100 {
		t.Fatalf("meter: %+v", r)
	}
	if got := purse.Resolve(pl, decode(t, p, c.mem)); got != purse.NotDone {
		t.Errorf("verdict %s", got)
	}
}

// FuzzResolve takes plans as they could come back from a damaged journal: neither the judgement nor the writer panics,
// and a plan that the writer takes leaves the card as the plan says.
func FuzzResolve(f *testing.F) {
	p := gen4442(f)
	base := sell(f, p, blankImage(f, p, blankHeader), buy(1, 100))
	pl := plan(f, p, base, buy(2, 50))
	for _, spoil := range []func(*purse.Plan){
		func(*purse.Plan) {},
		func(pl *purse.Plan) { pl.Steps[0].Data = nil },
		func(pl *purse.Plan) { pl.Steps[0].Addr = -5 },
		func(pl *purse.Plan) { pl.Before = pl.Before[:3] },
		func(pl *purse.Plan) { pl.Base = nil },
	} {
		other := pl
		other.Steps = append([]purse.Step(nil), pl.Steps...)
		spoil(&other)
		data, err := json.Marshal(other)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte(base), []byte(pl.After))
	}
	f.Fuzz(func(t *testing.T, data, before, now []byte) {
		var pl purse.Plan
		if json.Unmarshal(data, &pl) != nil {
			return
		}
		if st, err := purse.Decode(p, now); err == nil {
			purse.Resolve(pl, st)
			st.Damaged = append(st.Damaged, "slot_"+pl.Slot+"_crc")
			purse.Resolve(pl, st)
			st.Order = nil
			purse.Resolve(pl, st)
		}
		if len(before) != p.Chip.Size {
			return
		}
		c := newChip(before)
		if err := purse.New(c, p).Write(ctx, pl); err == nil && !bytes.Equal(c.mem, pl.After) {
			t.Fatal("written, and the card is not what the plan says")
		}
	})
}
