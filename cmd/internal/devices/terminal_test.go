package devices

import (
	"bytes"
	"strings"
	"testing"

	"tally/cardreader/cardsim"
	cards "tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cmd/internal/config"
)

// diary keeps the commands that begin a load.
type diary struct {
	cardsim.Device
	loads [][]byte
}

func (d *diary) Exchange(c []byte) ([]byte, error) {
	if len(c) >= 16 && c[0] == 0x80 && c[1] == 0x50 {
		d.loads = append(d.loads, bytes.Clone(c[10:16])) // behind key index and amount
	}
	return d.Device.Exchange(c)
}

// TestTerminalOfALoad: a counter loads under its own number. The card works its MACs and its receipt out over the number
// in the command, so a number that is in one of them only would be refused.
func TestTerminalOfALoad(t *testing.T) {
	for number, want := range map[string][]byte{
		"05710000012a": {0x05, 0x71, 0, 0, 0x01, 0x2A}, "": make([]byte, 6),
	} {
		p := loaded(t, "LOADCPU v1")
		keys, err := keyfile.Parse(hallKeys)
		if err != nil {
			t.Fatal(err)
		}
		card, err := cards.New(p, issuedImage(t, p), cards.Keys{Others: keys})
		if err != nil {
			t.Fatal(err)
		}
		c := sealed(t)
		c.Profiles, c.Terminal = []string{p.Name}, number
		dev := &diary{Device: card.Device}
		purse, err := newRoom(t, c).insert(dev)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sell(t, purse); err != nil {
			t.Errorf("terminal %q: %v", number, err)
		}
		if len(dev.loads) == 0 {
			t.Fatal("nothing was loaded")
		}
		for _, got := range dev.loads {
			if !bytes.Equal(got, want) {
				t.Errorf("terminal %q: the card was told % X", number, got)
			}
		}
	}
}

func TestBadTerminalIsRefused(t *testing.T) {
	for _, bad := range []string{"0571", "not hex", strings.Repeat("0", 14)} {
		if _, err := NewChips(config.Cards{Terminal: bad}, cardsim.NewSource()); err == nil {
			t.Errorf("terminal %q is taken", bad)
		}
	}
}
