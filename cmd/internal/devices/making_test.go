package devices

import (
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	made "tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/counter"
)

// making writes a key file with all that makes cards, but for the names left out.
func making(t *testing.T, without ...string) (config.Cards, made.Keys) {
	t.Helper()
	named := maps.Clone(hallKeys)
	for name, text := range map[string]string{
		"control": strings.Repeat("44", 16), "transport": strings.Repeat("55", 16), "meter": strings.Repeat("66", 16), "transport_code": "f00f",
		"line": strings.Repeat("22", 16), "load": strings.Repeat("33", 16),
	} {
		named[name] = text
	}
	all, err := keyfile.Parse(named)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range without {
		delete(named, name)
	}
	dir := t.TempDir()
	c := config.Cards{KeyFile: filepath.Join(dir, "cards.keys"), MachineKey: filepath.Join(dir, "machine.key")}
	o, err := keyfile.MachineKey(c.MachineKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyfile.Parse(named)
	if err != nil {
		t.Fatal(err)
	}
	data, err := keyfile.Seal(k, o)
	if err == nil {
		err = os.WriteFile(c.KeyFile, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, made.Keys{Others: all}
}

var newHeader = purse.Header{Region: region, CardNo: "00001001", MeterNo: "10000001", Unit: purse.UnitCentiM3, IssueCount: 1}

// plan surveys the card on the reader and plans a new one of it.
func plan(t *testing.T, r *room, d cardsim.Device, h purse.Header) (purseOf, purse.Plan, error) {
	t.Helper()
	p, err := r.insert(d)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := p.(counter.Maker)
	if !ok {
		t.Fatal("this purse makes no cards")
	}
	st, err := m.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pl, err := m.Remake(st, purse.NewCard{Header: h, Tag: purse.Tag{1}})
	return p, pl, err
}

// TestBlankCardsOfEveryFamilyAreMade: one node, all kinds of cards; a blank one becomes a customer's, which is sold to.
func TestBlankCardsOfEveryFamilyAreMade(t *testing.T) {
	for _, name := range []string{"GEN102 v1", "GENCPU v1", "LOADCPU v1"} {
		t.Run(name, func(t *testing.T) {
			c, keys := making(t)
			c.Profiles = []string{name}
			r := newRoom(t, c)
			card, err := made.Blank(loaded(t, name), [8]byte{7: 9}, keys)
			if err != nil {
				t.Fatal(err)
			}
			h := newHeader
			if name == "LOADCPU v1" {
				h.Unit = purse.UnitFen
			}
			p, pl, err := plan(t, r, card.Device, h)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Write(t.Context(), pl); err != nil {
				t.Fatal(err)
			}
			if p, err = r.insert(card.Device); err != nil {
				t.Fatal(err)
			}
			if got, err := sell(t, p); got != name || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestNoCardIsMadeThatCannotBeFinished: a reader that cannot change codes, or a key file without what new cards need: it is
// said when the card is planned, with nothing presented and nothing written.
func TestNoCardIsMadeThatCannotBeFinished(t *testing.T) {
	for _, v := range []struct{ name, without string }{{"GEN102 v1", "transport_code"}, {"GENCPU v1", "transport"}, {"GENCPU v1", "meter"}} {
		c, keys := making(t, v.without)
		c.Profiles = []string{v.name}
		card, err := made.Blank(loaded(t, v.name), [8]byte{7: 9}, keys)
		if err != nil {
			t.Fatal(err)
		}
		before := hex.EncodeToString(card.ReadMem())
		_, _, err = plan(t, newRoom(t, c), card.Device, newHeader)
		wantRefused(t, v.name, err, cardreader.CodeNoCodeChange)
		if hex.EncodeToString(card.ReadMem()) != before || card.Tries() < 3 {
			t.Errorf("%s: something happened to the card", v.name)
		}
	}
	chip := cardsim.NewSLE4442(cardsim.Options{})
	r := newRoom(t, config.Cards{PSC: config.NewSecret("112233"), Dialect: "omnikey", Blind: true})
	before := hex.EncodeToString(chip.ReadMem())
	_, _, err := plan(t, r, cardsim.OMNIKEY(chip), newHeader)
	wantRefused(t, "OMNIKEY", err, cardreader.CodeNoCodeChange)
	if hex.EncodeToString(chip.ReadMem()) != before || chip.Tries() != 3 || chip.Unlocked() {
		t.Error("OMNIKEY: something happened to the card")
	}
}

func wantRefused(t *testing.T, what string, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*cardreader.Error](err); !ok || e.Code != code || !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// TestRetiredCardsOfTwoLayoutsAreTold: with more than one profile for a chip, a card that is off is still its own's.
func TestRetiredCardsOfTwoLayoutsAreTold(t *testing.T) {
	c, _ := making(t)
	c.Profiles = []string{"GENCPU v1", "LOADCPU v1"}
	card := cardCPU(t)
	if err := card.WriteFile(0x15, 0, []byte{0}); err != nil {
		t.Fatal(err)
	}
	p, err := newRoom(t, c).insert(card)
	if err != nil {
		t.Fatal(err)
	}
	st, err := p.(counter.Maker).Survey(t.Context())
	if err != nil || st.Profile != "GENCPU v1" || st.Condition != purse.Off || !strings.HasSuffix(st.Card.No, "1001") {
		t.Errorf("%s %+v, %v", st.Profile, st.Card, err)
	}
}
