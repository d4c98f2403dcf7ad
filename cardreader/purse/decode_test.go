package purse_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

func codeOf(err error) string {
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return e.Code
	}
	return ""
}

// A card that is none of ours is refused with how far it was identified.
func TestDecodeRefuses(t *testing.T) {
	p := gen4442(t)
	good := blankImage(t, p, blankHeader)
	for _, c := range []struct {
		name, code string
		break_     func(m []byte) []byte
	}{
		{"factory new", purse.CodeBlankCard, func([]byte) []byte { return bytes.Repeat([]byte{0xFF}, 256) }},
		{"all zero", purse.CodeBlankCard, func([]byte) []byte { return make([]byte, 256) }},
		{"other magic", purse.CodeUnknownLayout, func(m []byte) []byte { m[0x20] = 0x5B; return m }},
		{"newer layout", purse.CodeUnknownLayout, func(m []byte) []byte { m[0x21] = 2; return m }},
		{"header bit", purse.CodeHeaderDamaged, func(m []byte) []byte { m[0x26] ^= 1; return m }},
		{"card number not decimal", purse.CodeHeaderDamaged, func(m []byte) []byte { m[0x26] = 0xAB; p.Seal(p.Header, m, 0); return m }},
		{"meter number not decimal", purse.CodeHeaderDamaged, func(m []byte) []byte { m[0x2D] = 0x7A; p.Seal(p.Header, m, 0); return m }},
		{"no card number", purse.CodeHeaderDamaged, func(m []byte) []byte { copy(m[0x26:], "\xFF\xFF\xFF\xFF"); p.Seal(p.Header, m, 0); return m }},
		{"short", purse.CodeWrongSize, func(m []byte) []byte { return m[:255] }},
		{"long", purse.CodeWrongSize, func(m []byte) []byte { return append(m, 0) }},
		{"empty", purse.CodeWrongSize, func([]byte) []byte { return nil }},
	} {
		_, err := purse.Decode(p, c.break_(bytes.Clone(good)))
		if codeOf(err) != c.code || !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%s: %v, want code %s of a class that proves that nothing was sent", c.name, err, c.code)
		}
	}
}

func TestDamageIsNamed(t *testing.T) {
	p := gen4442(t)
	two := sell(t, p, blankImage(t, p, blankHeader), buy(1, 100), buy(2, 200))
	m := meterWith(t, 0, 0)
	c := newChip(two)
	m.Swipe(c)
	good := c.mem // slot b is the newest, write-back a is written
	for _, c := range []struct {
		name  string
		want  []string
		newer string
		edit  func(m []byte)
	}{
		{"nothing", []string{}, "b", func([]byte) {}},
		{"older slot", []string{"slot_a_crc"}, "b", func(m []byte) { m[0x30] ^= 1 }},
		{"newest slot", []string{"slot_b_crc"}, "a", func(m []byte) { m[0x50] ^= 1 }},
		{"commit byte", []string{"slot_b_commit"}, "a", func(m []byte) { m[0x6F] = 0x00 }},
		{"interrupted write", []string{}, "b", func(m []byte) { m[0x4F] = 0xFF }},
		{"both", []string{"slot_a_crc", "slot_b_crc"}, "", func(m []byte) { m[0x30] ^= 1; m[0x50] ^= 1 }},
		{"write-back", []string{"write_back_a_crc"}, "b", func(m []byte) { m[0x70] ^= 1 }},
		{"write-back commit", []string{"write_back_b_commit"}, "b", func(m []byte) { m[0xAF] = 0 }},
		{"stamp", []string{"stamp_crc"}, "b", func(m []byte) { m[0xD0] ^= 1 }},
		{"tariff", []string{"tariff_crc"}, "b", func(m []byte) { m[0xB0] = 0 }},
		{"time that does not exist", []string{"slot_b_time"}, "b", func(m []byte) { m[0x66] = 0x13; p.Seal(p.Order, m, 1) }},
		{"operation without a name", []string{"slot_b_op"}, "b", func(m []byte) { m[0x69] = 9; p.Seal(p.Order, m, 1) }},
		{"half the circle apart", []string{"slots_conflict"}, "a", func(m []byte) { m[0x50], m[0x51] = 0x80, 0x01; p.Seal(p.Order, m, 1) }},
		{"same sequence, other order", []string{"slots_conflict"}, "a", func(m []byte) { m[0x51] = 1; p.Seal(p.Order, m, 1) }},
		{"the same twice", []string{}, "a", func(m []byte) { copy(m[0x30:0x50], m[0x50:0x70]) }},
	} {
		image := bytes.Clone(good)
		c.edit(image)
		st := decode(t, p, image)
		if d := cmp.Diff(c.want, st.Damaged); d != "" {
			t.Errorf("%s: damaged %s", c.name, d)
		}
		got := ""
		if st.Order != nil {
			got = st.Order.Slot
		}
		if got != c.newer {
			t.Errorf("%s: newest order in %q, want %q", c.name, got, c.newer)
		}
	}
}

func TestHeaderFields(t *testing.T) {
	p := gen4442(t)
	for _, h := range []purse.Header{
		{Region: 0xFFFF, CardNo: "99999999", MeterNo: "00000001", Unit: purse.UnitFen, Water: true, IssueCount: 255, Kind: purse.KindUser},
		{Region: 0, CardNo: "00000000", Unit: purse.UnitDeciM3, Kind: purse.KindTool},
	} {
		st := decode(t, p, blankImage(t, p, h))
		got := purse.Header{Region: st.Card.Region, CardNo: st.Card.No, MeterNo: st.Meter, Unit: st.Unit, Water: st.Water, IssueCount: st.IssueCount, Kind: st.Kind}
		if d := cmp.Diff(h, got); d != "" {
			t.Error(d)
		}
	}
	m := blankImage(t, p, blankHeader)
	m[0x22], m[0x23] = 9, 3
	p.Seal(p.Header, m, 0)
	if st := decode(t, p, m); !slices.Equal(st.Damaged, []string{"header_kind", "header_unit"}) || st.Kind != "" || st.Unit != "" {
		t.Errorf("kind %q, unit %q, damaged %v", st.Kind, st.Unit, st.Damaged)
	}
}

// TestSwiped: true exactly when a valid write-back has the newest order's sequence, or there is no order.
func TestSwiped(t *testing.T) {
	p := gen4442(t)
	c := newChip(blankImage(t, p, blankHeader))
	m := meterWith(t, 0, 0)
	check := func(what string, want bool) {
		t.Helper()
		if got := decode(t, p, c.mem).Swiped; got != want {
			t.Errorf("%s: swiped %v", what, got)
		}
	}
	check("no order", true)
	c.mem = sell(t, p, c.mem, buy(1, 100))
	check("first order", false)
	m.Swipe(c)
	check("taken", true)
	c.mem[0x6F], c.mem[0x8F] = 0xFF, 0xFF
	check("write-back torn", false)
	m.Swipe(c)
	check("swiped again", true)
	c.mem = sell(t, p, c.mem, buy(2, 100))
	check("second order", false)
	m.Swipe(c)
	m.Use(300)
	m.Swipe(c)
	check("taken and used", true)
	st := decode(t, p, c.mem)
	if w := st.WriteBack; w.Seq != 2 || w.Accepted != 200 || w.Remaining != 170 || w.Used != 30 || w.MeterNo != "00005678" || w.BatteryDV != 36 {
		t.Errorf("newest write-back %+v", st.WriteBack)
	}
}

func TestWriteBackInOverdraft(t *testing.T) {
	p := gen4442(t)
	c := newChip(sell(t, p, blankImage(t, p, blankHeader), buy(1, 10)))
	m := meterWith(t, 0, 0)
	m.Swipe(c)
	m.Use(300)
	m.Swipe(c)
	w := decode(t, p, c.mem).WriteBack
	if w.Remaining != -20 || !slices.Equal(w.Status, []string{"overdraft"}) || w.Valve != 1 {
		t.Errorf("write-back %+v", w)
	}
}

// FuzzDecode reads hostile bytes as a card of every shipped profile: no panic, a state that can be sent to the page, and
// where a plan is made, one that can be written and is then found.
func FuzzDecode(f *testing.F) {
	two := sell(f, gen4442(f), blankImage(f, gen4442(f), blankHeader), buy(1, 100), buy(2, 200))
	for i, name := range profile.List() {
		p := builtin(f, name)
		f.Add(sell(f, p, blankImage(f, p, headerOf(p)), plain(1, 100)), i, false)
		f.Add(bytes.Repeat([]byte{0xFF}, p.Chip.Size), i, true)
		f.Add([]byte(two), i, true)
		f.Add(bytes.Repeat([]byte{0xA5}, 256), i, true)
		f.Add(make([]byte, 256), i, false)
	}
	f.Fuzz(func(t *testing.T, image []byte, which int, seal bool) {
		names := profile.List()
		p, err := profile.Builtin(names[uint(which)%uint(len(names))])
		if err != nil {
			t.Fatal(err)
		}
		if seal && len(image) == p.Chip.Size {
			image = sealAll(p, image)
		}
		st, err := purse.Decode(p, image)
		if err != nil {
			return
		}
		if _, err := json.Marshal(st); err != nil {
			t.Fatal(err)
		}
		pl, err := purse.Make(p, st, buy(1, 10))
		if err != nil {
			return
		}
		c := newChip(image)
		if err := purse.New(c, p).Write(ctx, pl); err != nil {
			t.Fatalf("a plan that was made cannot be written: %v", err)
		}
		if v := purse.Resolve(pl, decode(t, p, c.mem)); v != purse.Done {
			t.Fatalf("written, and resolved as %s", v)
		}
	})
}

// sealAll gets an image past the checks.
func sealAll(p *profile.Profile, image []byte) []byte {
	image = bytes.Clone(image)
	for i := range p.Header.Fields {
		if f := &p.Header.Fields[i]; f.Must != nil {
			_ = f.PutInt(p.Header.Of(image, 0), *f.Must)
		}
	}
	for _, b := range []*profile.Block{p.Header, p.Order, p.WriteBack} {
		for i := range blockSlots(b) {
			p.Seal(b, image, i)
		}
	}
	return image
}

func blockSlots(b *profile.Block) []profile.Slot {
	if b == nil {
		return nil
	}
	return b.Slots
}

// Blank is what the meter on the other side takes as an issued card.
func TestBlank(t *testing.T) {
	p := gen4442(t)
	m := blankImage(t, p, blankHeader)
	if got := m[:4]; !bytes.Equal(got, []byte{0xA2, 0x13, 0x10, 0x91}) {
		t.Errorf("maker bytes % x", got)
	}
	for _, at := range []int{0x30, 0x50, 0x70, 0x90, 0xB0, 0xD0, 0xE0} {
		if !bytes.Equal(m[at:at+16], bytes.Repeat([]byte{0xFF}, 16)) {
			t.Errorf("bytes at %X are not empty", at)
		}
	}
	for _, h := range []purse.Header{{CardNo: "1", Unit: purse.UnitFen}, {Unit: purse.UnitFen}, {CardNo: "00000001"}, {CardNo: "00000001", Unit: "l"},
		{CardNo: "00000001", Unit: purse.UnitFen, MeterNo: "7"}, {CardNo: "00000001", Unit: purse.UnitFen, Kind: "gold"}} {
		if _, err := purse.Blank(p, h); !errors.Is(err, profile.ErrRange) {
			t.Errorf("%+v: %v, want ErrRange", h, err)
		}
	}
	h := blankHeader
	h.Tariff = &purse.Tariff{From: buy(0, 1).At, Limits: [3]quantity.Volume{220_000, 400_000, 600_000}, Prices: [4]quantity.Price{26500, 31800, 39750, 39750}, PeriodMonths: 12, Release: 3}
	got := blankImage(t, p, h)[0xB0:0xD0]
	want := "26112100dc0190025800678400" + "7c38" + "009b46" + "009b46" + "0c03"
	if s := hex.EncodeToString(got); !strings.HasPrefix(s, want) {
		t.Errorf("tariff %s, want %s", s, want)
	}
	h.Tariff.Limits[0] = 220_500
	if _, err := purse.Blank(p, h); !errors.Is(err, profile.ErrRange) {
		t.Errorf("half a cubic metre as a tier limit: %v", err)
	}
}
