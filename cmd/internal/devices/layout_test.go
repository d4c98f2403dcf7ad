package devices

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	made "tally/cardreader/cardsim/issued"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// lying is a reader with a card in it.
func lying(t *testing.T, d cardsim.Device) *cardsim.Source {
	t.Helper()
	src := cardsim.NewSource(hallReader)
	if err := src.Insert(hallReader, d); err != nil {
		t.Fatal(err)
	}
	return src
}

// tried reads the card in a reader by a layout, as `tally card show --profile` does.
func tried(t *testing.T, layout *profile.Profile, src *cardsim.Source) (purse.State, error) {
	t.Helper()
	p := PCSC{src: src, layout: layout, chips: chipsOf(layout, src), claim: func(string) (func(), error) { return func() {}, nil }}
	c, err := p.read(t.Context(), cardreader.Event{Kind: cardreader.CardInserted, Reader: hallReader, Insertion: 1, ATR: []byte{0x3B}})
	return c.State, err
}

// otherwise is a header that begins with other bytes.
func otherwise(b *profile.Block) *profile.Block {
	h := *b
	h.Fields = slices.Clone(h.Fields)
	for i := range h.Fields {
		if must := h.Fields[i].Must; must != nil {
			wrong := *must ^ 1
			h.Fields[i].Must = &wrong
			return &h
		}
	}
	return nil
}

// TestALayoutIsTriedOnACard: by a layout that is nowhere installed a card is read; where it does not fit, its bytes come
// beside the reason, for the integrator who is to find out what lies where. No code is presented.
func TestALayoutIsTriedOnACard(t *testing.T) {
	for _, name := range []string{"GEN4442 v1", "GEN102 v1", "GENCPU v1"} {
		t.Run(name, func(t *testing.T) {
			p := loaded(t, name)
			image := issuedImage(t, p)
			mine := *p
			mine.Name = "ACME v1"
			card, err := made.New(p, image, made.Keys{})
			if err != nil {
				t.Fatal(err)
			}
			tries, src := card.Tries(), lying(t, card.Device)
			st, err := tried(t, &mine, src)
			if err != nil || st.Profile != "ACME v1" || st.Card.No == "" {
				t.Fatalf("%+v, %v", st, err)
			}
			other := *p
			other.Name, other.Header = "OTHER v1", otherwise(p.Header)
			st, err = tried(t, &other, src)
			if e, ok := errors.AsType[*cardreader.Error](err); !ok || e.Code != purse.CodeUnknownLayout {
				t.Errorf("read by another layout: %v", err)
			}
			if st.Profile != "OTHER v1" || !bytes.HasSuffix(st.Image, image[p.Chip.Protect:]) || st.Card.No != "" {
				t.Errorf("by another layout: %+v", st)
			}
			if card.Tries() != tries {
				t.Error("a code was presented")
			}
		})
	}
}

// TestATriedLayoutIsNoExcuse: a card that does not answer has no bytes, and what is silent is not blamed on the layout.
func TestATriedLayoutIsNoExcuse(t *testing.T) {
	p := loaded(t, "GEN4442 v1")
	dead := cardsim.Script(cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{})), cardsim.Fault{At: 1, Kind: cardsim.PulledBefore})
	st, err := tried(t, p, lying(t, dead))
	if err == nil || unfit(err) || len(st.Image) != 0 {
		t.Errorf("%+v, %v", st, err)
	}
	if unfit(context.Canceled) || unfit(nil) {
		t.Error("any error is blamed on the layout")
	}
}
