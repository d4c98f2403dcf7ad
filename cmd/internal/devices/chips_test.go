package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cpucard"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cmd/internal/config"
)

const (
	hallReader = "ACS ACR39U ICC Reader 00 00"
	samReader  = "ACS ACR1281 1S Dual Reader SAM 00 00"
)

var hallKeys = map[string]string{
	"vend": strings.Repeat("11", 16), "line": strings.Repeat("22", 16), "load": strings.Repeat("33", 16),
	"code": "1234", "erase_1": "010203040506", "erase_2": "0708090a", "block_a": "a0a1a2a3a4a5", "block_b": "b0b1b2b3b4b5",
}

func softKeys() cpucard.SoftKeys {
	fill := func(b byte) (k cpucard.Key) {
		for i := range k {
			k[i] = b
		}
		return k
	}
	return cpucard.SoftKeys{Vend: fill(0x11), Line: fill(0x22), Load: fill(0x33)}
}

// sealed writes a key file that the machine key of the same folder opens.
func sealed(t *testing.T) config.Cards {
	t.Helper()
	dir := t.TempDir()
	c := config.Cards{KeyFile: filepath.Join(dir, "cards.keys"), MachineKey: filepath.Join(dir, "machine.key")}
	o, err := keyfile.MachineKey(c.MachineKey)
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyfile.Parse(hallKeys)
	if err != nil {
		t.Fatal(err)
	}
	data, err := keyfile.Seal(k, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.KeyFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func loaded(t *testing.T, name string) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// issuedImage is a card of a profile as it is issued.
func issuedImage(t *testing.T, p *profile.Profile) purse.Image {
	t.Helper()
	h := purse.Header{Region: region, Unit: purse.UnitCentiM3, IssueCount: 1, Serial: [8]byte{7: 9}}
	if p.Rules.Unit != profile.UnitFlag {
		h.Unit = purse.Unit(p.Rules.Unit)
	}
	f := p.Header.Field(profile.CardNo)
	h.CardNo = strings.Repeat("0", 2*f.Len-4) + "1001"
	image, err := purse.Blank(p, h)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func card102(t *testing.T) cardsim.Device {
	m := issuedImage(t, loaded(t, "GEN102 v1"))
	return cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{
		Code: [2]byte{0x12, 0x34}, EZ1: [6]byte{1, 2, 3, 4, 5, 6}, EZ2: [4]byte{7, 8, 9, 10}, EC2: true,
		Issuer: m[:8], Protected: m[8:16], Zone1: m[16:80], Zone2: m[80:],
	}))
}

func cardCPU(t *testing.T) *cardsim.COS {
	p := loaded(t, "GENCPU v1")
	m := issuedImage(t, p)
	files := map[byte][]byte{}
	for _, a := range p.Map {
		files[byte(a.File)] = m[a.At:a.End()]
	}
	s, k := cpucard.Serial{7: 9}, softKeys()
	return cardsim.NewCOS(cardsim.COSOptions{AID: p.Chip.AppID(), Serial: s, Files: files,
		Vend: cpucard.TripleDES.Diversify(k.Vend, s), Line: cpucard.TripleDES.Diversify(k.Line, s)})
}

// room is a source under test with what its customers' readers report.
type room struct {
	t     *testing.T
	sim   *cardsim.Source
	src   cardreader.Source
	chips *Chips
	seen  chan cardreader.Event
}

func newRoom(t *testing.T, c config.Cards, readers ...string) *room {
	t.Helper()
	if len(readers) == 0 {
		readers = []string{hallReader}
	}
	r := &room{t: t, sim: cardsim.NewSource(readers...), seen: make(chan cardreader.Event, 100)}
	r.src = Source(config.Node{Counter: config.Counter{Enabled: true}, Cards: c}, r.sim, nil, nil)
	var err error
	if r.chips, err = NewChips(c, r.src); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.src.Run(ctx, func(e cardreader.Event) { r.seen <- e }) }()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

// insert puts a card into the customers' reader and opens it.
func (r *room) insert(d cardsim.Device) (purseOf, error) {
	r.t.Helper()
	_ = r.sim.Remove(hallReader)
	if err := r.sim.Insert(hallReader, d); err != nil {
		r.t.Fatal(err)
	}
	for {
		select {
		case e := <-r.seen:
			if e.Kind != cardreader.CardInserted {
				continue
			}
			p, err := r.chips.Open(r.t.Context(), e.Reader, e.Insertion)
			if errors.Is(err, cardreader.ErrNoCard) {
				continue // an earlier insertion
			}
			if err != nil {
				return nil, err
			}
			r.t.Cleanup(func() { p.Close() })
			return p, nil
		case <-time.After(time.Minute):
			r.t.Fatal("no insertion")
		}
	}
}

type purseOf = interface {
	Read(context.Context) (purse.State, error)
	Plan(purse.State, purse.Order) (purse.Plan, error)
	Write(context.Context, purse.Plan) error
	Close() error
}

// sell reads, plans and writes, and says which profile the card was of.
func sell(t *testing.T, p purseOf) (string, error) {
	t.Helper()
	st, err := p.Read(t.Context())
	if err != nil {
		return "", err
	}
	pl, err := p.Plan(st, purse.Order{Tag: purse.Tag{1}, Op: purse.OpBuy, Qty: 100, Price: 26500, Tier: 1, At: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), pl); err != nil {
		return st.Profile, err
	}
	if st, err = p.Read(t.Context()); err != nil || purse.Resolve(pl, st) != purse.Done {
		t.Fatalf("%s: after the sale %v, %v", st.Profile, st.Order, err)
	}
	return st.Profile, nil
}

// TestEveryFamilyIsSoldTo: one node, all kinds of cards; what lies there says itself what it is.
func TestEveryFamilyIsSoldTo(t *testing.T) {
	c := sealed(t)
	c.Profiles = []string{"GEN4442 v1", "ADD4442 v1", "GEN102 v1", "GENCPU v1"}
	c.PSC = config.NewSecret("112233")
	r := newRoom(t, c)
	for _, v := range []struct {
		want string
		dev  cardsim.Device
	}{
		{"GEN4442 v1", cardsim.ACS(issued(t, "GEN4442 v1"))}, {"GEN102 v1", card102(t)}, {"GENCPU v1", cardCPU(t)},
		{"ADD4442 v1", cardsim.ACS(issued(t, "ADD4442 v1"))}, {"GENCPU v1", cardCPU(t)},
	} {
		p, err := r.insert(v.dev)
		if err != nil {
			t.Errorf("%s: %v", v.want, err)
			continue
		}
		if name, err := sell(t, p); err != nil || name != v.want {
			t.Errorf("%s sold as %q: %v", v.want, name, err)
		}
		p.Close()
	}
}

// TestModuleSlotIsNoCustomers: the module's slot is not reported, its keys sell, and without it nothing is presented.
func TestModuleSlotIsNoCustomers(t *testing.T) {
	k := softKeys()
	module := cardsim.NewSAM(cardsim.SAMOptions{Keys: map[[2]byte][16]byte{{8, 1}: k.Vend, {8, 2}: k.Line}})
	for _, part := range []string{"", "acr1281"} {
		r := newRoom(t, config.Cards{Profiles: []string{"GENCPU v1"}, SAM: part}, hallReader, samReader)
		if err := r.sim.Insert(samReader, module); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			p, err := r.insert(cardCPU(t))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sell(t, p); err != nil {
				t.Error(err)
			}
			p.Close()
		}
		if module.Used() == 0 {
			t.Error("the module was not used")
		}
		if err := r.sim.Remove(samReader); err != nil {
			t.Fatal(err)
		}
		cos := cardCPU(t)
		p, err := r.insert(cos)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sell(t, p); !errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown) {
			t.Errorf("without a module: %v", err)
		}
		p.Close()
		if err := r.sim.Insert(samReader, module); err != nil {
			t.Fatal(err)
		}
		p, err = r.insert(cos)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sell(t, p); err != nil {
			t.Errorf("with the module back: %v", err)
		}
		p.Close()
		for len(r.seen) > 0 {
			if e := <-r.seen; e.Reader == samReader {
				t.Errorf("%s at the module's reader", e.Kind)
			}
		}
		if err := r.sim.Remove(samReader); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWithoutSecretsCardsAreRead: what a node has no secret for it reads, and refuses to write with nothing sent.
func TestWithoutSecretsCardsAreRead(t *testing.T) {
	r := newRoom(t, config.Cards{Profiles: []string{"GEN102 v1", "GENCPU v1"}})
	cos := cardCPU(t)
	for _, d := range []cardsim.Device{card102(t), cos} {
		p, err := r.insert(d)
		if err != nil {
			t.Fatal(err)
		}
		if name, err := sell(t, p); name == "" || !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%q: %v", name, err)
		}
		p.Close()
	}
	if cos.KeyTries(1) != 3 {
		t.Error("a try was spent")
	}
}

// TestUnknownCardsAreNamed: a card that no profile is for is refused with what it is.
func TestUnknownCardsAreNamed(t *testing.T) {
	r := newRoom(t, config.Cards{Profiles: []string{"GEN4442 v1", "GEN102 v1"}})
	_, err := r.insert(cardCPU(t))
	var e *cardreader.Error
	if !errors.As(err, &e) || e.Code != purse.CodeUnknownLayout || !strings.Contains(err.Error(), "a CPU card") || !strings.Contains(err.Error(), "3B 68") {
		t.Errorf("%v", err)
	}
	r = newRoom(t, config.Cards{Profiles: []string{"GEN4442 v1", "ADD4442 v1"}})
	junk := cardsim.NewSLE4442(cardsim.Options{Main: []byte{1, 2, 3}})
	if _, err := r.insert(cardsim.ACS(junk)); !errors.As(err, &e) || e.Code != purse.CodeUnknownLayout {
		t.Errorf("%v", err)
	}
}

// TestBlindReadersAskFirst (promise 6): through a reader that cannot show the tries nothing is presented unless the office
// has said so.
func TestPromise6BlindReadersAskFirst(t *testing.T) {
	for _, blind := range []bool{false, true} {
		chip := issued(t, "GEN4442 v1")
		r := newRoom(t, config.Cards{Dialect: config.DialectOmnikey, PSC: config.NewSecret("112233"), Blind: blind})
		p, err := r.insert(cardsim.OMNIKEY(chip))
		if err != nil {
			t.Fatal(err)
		}
		_, err = sell(t, p)
		var e *cardreader.Error
		switch {
		case blind && err != nil:
			t.Errorf("allowed: %v", err)
		case !blind && (!errors.As(err, &e) || e.Code != cardreader.CodePSCBlind || !errors.Is(err, cardreader.ErrNotSent)):
			t.Errorf("not allowed: %v", err)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	c := sealed(t)
	c.Profiles = []string{"GENCPU v1"}
	if _, err := NewChips(c, noReaders{}); err != nil {
		t.Error(err)
	}
	wrong := c
	wrong.MachineKey = filepath.Join(t.TempDir(), "other.key")
	if _, err := NewChips(wrong, noReaders{}); !errors.Is(err, keyfile.ErrWrong) {
		t.Errorf("another machine: %v", err)
	}
	plain := c
	plain.KeyFile = filepath.Join(t.TempDir(), "plain.json")
	if err := os.WriteFile(plain.KeyFile, []byte(`{"vend":"`+hallKeys["vend"]+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewChips(plain, noReaders{}); !errors.Is(err, errPlain) || strings.Contains(err.Error(), "1111") {
		t.Errorf("keys that anybody can read: %v", err)
	}
}

// TestOwnFolder: an operator's profile is used by its name, and a plain key file serves it when it is marked as a test.
func TestOwnFolder(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../../../cardreader/profile/gencpuv1.toml")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(text), `name    = "GENCPU"`, "name    = \"OWN\"\ntest    = true", 1)
	if err := os.WriteFile(filepath.Join(dir, "own.toml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Cards{ProfileDir: dir, Profiles: []string{"OWN v1"}, KeyFile: filepath.Join(dir, "plain.json")}
	if err := os.WriteFile(c.KeyFile, []byte(`{"vend":"`+hallKeys["vend"]+`","line":"`+hallKeys["line"]+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := newRoom(t, c).insert(cardCPU(t))
	if err != nil {
		t.Fatal(err)
	}
	if name, err := sell(t, p); err != nil || name != "OWN v1" {
		t.Errorf("%q, %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.toml"), []byte("format = 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewChips(c, noReaders{}); err == nil || !strings.Contains(err.Error(), "bad.toml:1: format") {
		t.Errorf("%v", err)
	}
	if names, err := profileNames(dir); err == nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}

// TestDialectOfTheProfile: the config's dialect comes first, then the profile's, then the reader's name.
func TestDialectOfTheProfile(t *testing.T) {
	own := *loaded(t, "GEN4442 v1")
	own.Chip.Dialect = "acs-old"
	k := &kind{chip: "sle4442", profiles: []*profile.Profile{&own}}
	plain := &kind{chip: "sle4442", profiles: []*profile.Profile{loaded(t, "GEN4442 v1")}}
	for _, v := range []struct {
		config, reader string
		k              *kind
		want           string
	}{
		{"omnikey", hallReader, k, "omnikey"}, {"", hallReader, k, "acs-old"}, {"", hallReader, plain, "acs"},
		{"", "HID Global OMNIKEY 3x21 Smart Card Reader", plain, "omnikey"}, {"", "Nameless", k, "acs-old"}, {"", "Nameless", plain, ""},
	} {
		d, err := (&Chips{dialect: sle4442.Dialect(v.config)}).dialectOf(v.k, v.reader, true)
		if string(d) != v.want || (err == nil) != (v.want != "") {
			t.Errorf("%+v: %q, %v", v, d, err)
		}
	}
}

// TestFamilies reads answers to reset.
func TestFamilies(t *testing.T) {
	for want, atrs := range map[family][]string{
		sle4442Chip: {"3b04a2131091"}, synchronous: {"3b040f0faabb", "3b04", "3b", ""},
		cpuChip:     {"3b6800002026000000000007", "3f6525082304689000", "3b8f8001804f0ca000000306030003000000006b"},
		contactless: {"3b8f8001804f0ca000000306030001000000006a", "3b8f8001804f0ca0000003060300020000000069"},
	} {
		for _, text := range atrs {
			atr, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := familyOf(atr); got != want {
				t.Errorf("%s is %s, want %s", text, got, want)
			}
		}
	}
}

// TestCodesFromATable: a profile that says so has each card's code from the operator's table; a card that is not in it is
// not written, and loses no try.
func TestCodesFromATable(t *testing.T) {
	table := filepath.Join(t.TempDir(), "psc.csv")
	if err := os.WriteFile(table, []byte("0571-00001001,112233\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, config.Cards{Profiles: []string{"REP4442 v1"}, PSCTable: table})
	p := loaded(t, "REP4442 v1")
	mine := cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}, Main: issuedImage(t, p)[0x20:]})
	if opened, err := r.insert(cardsim.ACS(mine)); err != nil {
		t.Fatal(err)
	} else if _, err := sell(t, opened); err != nil {
		t.Error(err)
	}
	image, err := purse.Blank(p, purse.Header{Region: region, CardNo: "00001002", Unit: purse.UnitCentiM3})
	if err != nil {
		t.Fatal(err)
	}
	other := cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}, Main: image[0x20:]})
	opened, err := r.insert(cardsim.ACS(other))
	if err != nil {
		t.Fatal(err)
	}
	var e *cardreader.Error
	if _, err := sell(t, opened); !errors.As(err, &e) || e.Code != cardreader.CodePSCFactory || other.Tries() != 3 {
		t.Errorf("%v, %d tries", err, other.Tries())
	}
}
