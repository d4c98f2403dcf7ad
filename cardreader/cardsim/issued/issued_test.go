package issued_test

import (
	"bytes"
	"strings"
	"testing"

	"tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// TestEveryShippedLayoutCanBeMade: a card of each holds the image that it was made from.
func TestEveryShippedLayoutCanBeMade(t *testing.T) {
	keys, err := keyfile.Parse(map[string]string{"vend": strings.Repeat("1a", 16), "code": "1234"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range profile.List() {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		h := purse.Header{Region: 1, Unit: purse.UnitCentiM3, Serial: [8]byte{7: 1}}
		if p.Rules.Unit != profile.UnitFlag {
			h.Unit = purse.Unit(p.Rules.Unit)
		}
		h.CardNo = strings.Repeat("7", 2*p.Header.Field(profile.CardNo).Len)
		image, err := purse.Blank(p, h)
		if err != nil {
			t.Fatal(err)
		}
		c, err := issued.New(p, image, issued.Keys{PSC: []byte{1, 2, 3}, Others: keys})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := c.ReadMem(); !bytes.Equal(got[p.Chip.Protect:], image[p.Chip.Protect:]) || c.Tries() < 3 {
			t.Errorf("%s: another image, or %d tries", name, c.Tries())
		}
		if st, err := purse.Decode(p, c.ReadMem()); err != nil || st.Card.No != h.CardNo {
			t.Errorf("%s: %+v, %v", name, st.Card, err)
		}
		if _, err := issued.New(p, image[1:], issued.Keys{}); err == nil {
			t.Errorf("%s: a short image", name)
		}
	}
}
