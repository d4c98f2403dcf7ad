package profile

import (
	"bytes"
	"testing"
)

func TestVerify(t *testing.T) {
	p, err := Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	image := bytes.Repeat([]byte{0xFF}, 256)
	expect := func(what string, want Validity) {
		t.Helper()
		if got := p.Verify(p.Order, image, 0); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	expect("nothing written", Empty)
	image[0x30] = 1
	expect("body without commit", Uncommitted)
	p.Seal(p.Order, image, 0)
	image[0x4F] = 0xA5
	expect("sealed and committed", Valid)
	image[0x4F] = 0xA1
	expect("a commit byte that is neither", BadCommit)
	image[0x4F] = 0xA5
	for at := 0x30; at < 0x4F; at++ {
		image[at] ^= 0x20
		expect("one bit of the slot wrong", BadCheck)
		image[at] ^= 0x20
	}
	for at := 0x20; at < 0x2F; at++ {
		image[at] ^= 0x01
		expect("another card's header", BadCheck)
		image[at] ^= 0x01
	}
	expect("as it was", Valid)
	if p.Verify(p.Order, image[:0x40], 0) != Empty || p.Order.Of(image, 2) != nil || p.Order.Of(image, -1) != nil {
		t.Error("a short image or a slot that is none must give nothing")
	}
}

// TestGEN4442Addresses pins the shipped layout to its published map.
func TestGEN4442Addresses(t *testing.T) {
	p, err := Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ at, n int }
	for _, c := range []struct {
		b    *Block
		m    Meaning
		slot int
		want place
	}{
		{p.Header, Magic, 0, place{0x20, 1}}, {p.Header, Version, 0, place{0x21, 1}}, {p.Header, KindOf, 0, place{0x22, 1}},
		{p.Header, UnitOf, 0, place{0x23, 1}}, {p.Header, Region, 0, place{0x24, 2}}, {p.Header, CardNo, 0, place{0x26, 4}},
		{p.Header, MeterNo, 0, place{0x2A, 4}}, {p.Header, IssueCount, 0, place{0x2E, 1}},
		{p.Order, Seq, 0, place{0x30, 2}}, {p.Order, Qty, 0, place{0x32, 4}}, {p.Order, Cumulative, 1, place{0x56, 4}},
		{p.Order, Price, 0, place{0x3A, 4}}, {p.Order, Tier, 0, place{0x3E, 1}}, {p.Order, Alarm, 0, place{0x3F, 2}},
		{p.Order, Hoard, 0, place{0x41, 2}}, {p.Order, Overdraft, 0, place{0x43, 2}}, {p.Order, Time, 0, place{0x45, 4}},
		{p.Order, OpOf, 0, place{0x49, 1}}, {p.Order, TagOf, 1, place{0x6A, 3}},
		{p.WriteBack, Seq, 0, place{0x70, 2}}, {p.WriteBack, Accepted, 1, place{0x92, 4}}, {p.WriteBack, Remaining, 0, place{0x76, 4}},
		{p.WriteBack, Used, 0, place{0x7A, 4}}, {p.WriteBack, Valve, 0, place{0x7E, 1}}, {p.WriteBack, Battery, 0, place{0x7F, 1}},
		{p.WriteBack, Status, 0, place{0x80, 2}}, {p.WriteBack, LastEvent, 0, place{0x82, 1}}, {p.WriteBack, Magnet, 0, place{0x83, 1}},
		{p.WriteBack, ValveErrors, 0, place{0x84, 1}}, {p.WriteBack, Time, 0, place{0x85, 4}}, {p.WriteBack, MeterNo, 0, place{0x89, 4}},
		{p.Tariff, Effective, 0, place{0xB0, 3}}, {p.Tariff, Limit3, 0, place{0xB7, 2}}, {p.Tariff, Price1, 0, place{0xB9, 3}},
		{p.Tariff, Price4, 0, place{0xC2, 3}}, {p.Tariff, Period, 0, place{0xC5, 1}}, {p.Tariff, Release, 0, place{0xC6, 1}},
		{p.Stamp, Workstation, 0, place{0xD0, 2}}, {p.Stamp, Operator, 0, place{0xD2, 2}}, {p.Stamp, Time, 0, place{0xD4, 6}},
		{p.Stamp, OpOf, 0, place{0xDA, 1}},
	} {
		f := c.b.Field(c.m)
		if f == nil {
			t.Errorf("no field means %q", c.m)
			continue
		}
		if got := (place{c.b.Slots[c.slot].At + f.At, f.Len}); got != c.want {
			t.Errorf("%s in slot %d at %X, want %X", c.m, c.slot, got, c.want)
		}
	}
	if c := p.Order.Commit; c.At != 0x1F || c.Value != 0xA5 || c.Invalid != 0xFF {
		t.Errorf("commit rule %+v", c)
	}
}
