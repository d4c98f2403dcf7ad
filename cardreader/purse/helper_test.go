package purse_test

import (
	"context"
	"testing"
	"time"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

var ctx = context.Background()

func gen4442(t testing.TB) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var blankHeader = purse.Header{Region: 0x0571, CardNo: "00001234", MeterNo: "00005678", Unit: purse.UnitCentiM3, IssueCount: 1}

func blankImage(t testing.TB, p *profile.Profile, h purse.Header) purse.Image {
	t.Helper()
	m, err := purse.Blank(p, h)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func buy(tag byte, qty purse.Amount) purse.Order {
	return purse.Order{
		Tag: purse.Tag{tag, 0xBE, 0xEF}, Op: purse.OpBuy, Qty: qty, Price: 26500, Tier: 1, Alarm: 500, Hoard: 0, Overdraft: 100,
		At: time.Date(2026, 11, 21, 14, 5, 9, 0, time.UTC), Workstation: 7, Operator: 12,
	}
}

func decode(t testing.TB, p *profile.Profile, image []byte) purse.State {
	t.Helper()
	st, err := purse.Decode(p, image)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func plan(t testing.TB, p *profile.Profile, image []byte, o purse.Order) purse.Plan {
	t.Helper()
	pl, err := purse.Make(p, decode(t, p, image), o)
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// sell puts orders on an image without a fault.
func sell(t testing.TB, p *profile.Profile, image []byte, orders ...purse.Order) []byte {
	t.Helper()
	for _, o := range orders {
		c := newChip(image)
		if err := purse.New(c, p).Write(ctx, plan(t, p, image, o)); err != nil {
			t.Fatal(err)
		}
		image = c.mem
	}
	return image
}
