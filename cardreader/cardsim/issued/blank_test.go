package issued_test

import (
	"testing"

	"tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// TestBlankCardsAreNobodys: a card as its maker delivers it is blank to its layout, and has none of the utility's secrets.
func TestBlankCardsAreNobodys(t *testing.T) {
	keys, err := keyfile.Parse(map[string]string{"transport_code": "f00f", "code": "1234", "erase_1": "010203040506", "erase_2": "0708090a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"GEN4442 v1", "GEN102 v1", "GENCPU v1", "LOADCPU v1"} {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := issued.Blank(p, [8]byte{7: 3}, issued.Keys{Others: keys})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		st, err := purse.Survey(p, c.ReadMem())
		if err != nil || st.Condition != purse.Empty || c.Tries() < 3 {
			t.Errorf("%s: %q, %d tries, %v", name, st.Condition, c.Tries(), err)
		}
		if _, err := purse.Decode(p, c.ReadMem()); err == nil {
			t.Errorf("%s: a blank card is in use", name)
		}
		if at := p.SerialAt(); at >= 0 && c.ReadMem()[at+7] != 3 {
			t.Errorf("%s: no serial", name)
		}
		if c.Chip102 != nil && c.Chip102.HasSecrets([]byte{0x12, 0x34}, []byte{1, 2, 3, 4, 5, 6}, []byte{7, 8, 9, 10}) {
			t.Errorf("%s: it has the utility's secrets", name)
		}
	}
}
