package purse_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"tally/cardreader/cardsim/icmeter"
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
		c := chipOf(p, image)
		if err := purse.New(c, p).Write(ctx, plan(t, p, image, o)); err != nil {
			t.Fatal(err)
		}
		image = c.mem
	}
	return image
}

// fataler is what testing.TB and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(...any)
}

// withSeq sets the sequences of both slots to s and s−1, and their checks.
func withSeq(t fataler, p *profile.Profile, image []byte, s uint16) []byte {
	t.Helper()
	m := bytes.Clone(image)
	st, err := purse.Decode(p, image)
	if err != nil {
		t.Fatal(err)
	}
	for i, slot := range p.Order.Slots {
		v := s
		if slot.Name != st.Order.Slot {
			v--
		}
		if err := p.Order.Field(profile.Seq).PutInt(p.Order.Of(m, i), int64(v)); err != nil {
			t.Fatal(err)
		}
		p.Seal(p.Order, m, i)
	}
	return m
}

// meterWith is the customer's meter after it took everything up to seq.
func meterWith(t fataler, seq uint16, accepted uint32) *icmeter.Meter {
	t.Helper()
	return meterOf(t, icmeter.GEN4442, seq, accepted)
}

func meterOf(t fataler, layout string, seq uint16, accepted uint32) *icmeter.Meter {
	t.Helper()
	m := new(icmeter.Meter)
	s := icmeter.State{Layout: layout, Number: "00005678", Region: 0x0571, Unit: icmeter.CentiM3, Seq: seq, Accepted: accepted}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	return m
}
