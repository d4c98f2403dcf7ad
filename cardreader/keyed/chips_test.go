package keyed_test

import (
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// slot is a reader into which one device is put again and again.
type slot struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	guards guard.Guards
	dev    cardsim.Device
}

func newSlot(t *testing.T, dev cardsim.Device) *slot {
	s := &slot{t: t, src: cardsim.NewSource("r"), dev: dev}
	s.watch = cardtest.Watch(t, s.src)
	return s
}

// insert opens a new insertion with f and closes it at the end.
func (s *slot) insert(f func(cardreader.Card, *guard.Guard) error) error {
	s.t.Helper()
	_ = s.src.Remove("r")
	if err := s.src.Insert("r", s.dev); err != nil {
		s.t.Fatal(err)
	}
	ins := s.watch.Await(cardreader.CardInserted, "r").Insertion
	card, err := s.src.Open(s.t.Context(), "r", ins)
	if err != nil {
		s.t.Fatal(err)
	}
	defer card.Close()
	return f(card, s.guards.For("r", ins))
}

func layoutCPU(t *testing.T) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin("GENCPU v1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPromise6KeysOfACardThatIsBeingMade: where the card's own keys and those that it came with may be right, each insertion
// tries one, the right one brings all tries back, and the last try is never used.
func TestPromise6KeysOfACardThatIsBeingMade(t *testing.T) {
	p, serial := layoutCPU(t), cpucard.Serial{7: 1}
	own := cpucard.Issuing{SoftKeys: cpucard.SoftKeys{Vend: cpucard.Key{1}, Line: cpucard.Key{2}}, Control: cpucard.Key{3}, Transport: cpucard.Key{4}}
	for name, v := range map[string]struct {
		vend  cpucard.Key
		wants []string // codes of errors, insertion by insertion
		tries int      // afterwards
	}{
		"its own":       {cpucard.TripleDES.Diversify(own.Vend, serial), []string{""}, 3},
		"as it came":    {own.Transport, []string{cardreader.CodePSCWrong, ""}, 3},
		"somebody's":    {cpucard.Key{9}, []string{cardreader.CodePSCWrong, cardreader.CodePSCWrong, cardreader.CodePSCLastTry, cardreader.CodePSCLastTry}, 1},
		"a second time": {cpucard.TripleDES.Diversify(own.Vend, serial), []string{"", ""}, 3},
	} {
		cos := cardsim.NewCOS(cardsim.COSOptions{AID: p.Chip.AppID(), Serial: serial, Vend: v.vend, Identity: append(make([]byte, 12), serial[:]...)})
		s := newSlot(t, cos)
		for i, want := range v.wants {
			err := s.insert(func(card cardreader.Card, g *guard.Guard) error {
				chip, err := cpucard.Open(t.Context(), card, g, own, cpucard.App{AID: p.Chip.AppID(), Vend: 1, Asks: true})
				if err != nil {
					return err
				}
				mem, err := cpucard.NewMemory(chip, cpucard.Layout{Areas: p.Map, SerialAt: p.SerialAt()})
				if err != nil {
					return err
				}
				return keyed.NewCPU(mem, own, keyed.Places(p.Keys)).UnlockAs(t.Context(), purse.CardID{}, purse.EitherCode)
			})
			if got := codeOf(err); got != want {
				t.Errorf("%s, insertion %d: %v, want %q", name, i, err, want)
			}
		}
		if got := cos.KeyTries(1); got != v.tries {
			t.Errorf("%s: %d tries are left", name, got)
		}
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return e.Code
	}
	return ""
}

// TestWithoutWhatNewCardsNeed: where the keys for it are missing, a new card's code is not tried and it is said why.
func TestWithoutWhatNewCardsNeed(t *testing.T) {
	p := layoutCPU(t)
	cpu := keyed.NewCPU(nil, cpucard.SoftKeys{}, keyed.Places(p.Keys))
	chip := keyed.New102(nil, at88sc102.Secret{}, nil)
	for _, k := range []purse.Keys{cpu, chip} {
		for _, code := range []purse.WhoseCode{purse.FactoryCode, purse.EitherCode} {
			if err := k.UnlockAs(t.Context(), purse.CardID{}, code); codeOf(err) != cardreader.CodeNoCodeChange {
				t.Errorf("%T %s: %v", k, code, err)
			}
		}
		if err := k.Changes(); codeOf(err) != cardreader.CodeNoCodeChange || !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%T: %v", k, err)
		}
	}
	if err := keyed.NewCPU(nil, cpucard.SoftKeys{}, nil).Changes(); err != nil {
		t.Errorf("a layout whose cards come with their keys: %v", err)
	}
}

// TestPlacesFollowTheLayout: the key that allows to write comes last, and a layout may say another type.
func TestPlacesFollowTheLayout(t *testing.T) {
	k := *layoutCPU(t).Keys
	meter := *k.Meter
	meter.Type, k.Meter = 0x39, &meter
	got := keyed.Places(&k)
	want := []cpucard.KeyPlace{
		{Use: cpucard.UseLine, Type: 0xF6, ID: 3}, {Use: cpucard.UseMeter, Type: 0x39, ID: 2}, {Use: cpucard.UseVend, Type: 0xF9, ID: 1},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	k.Control = nil
	if got := keyed.Places(&k); got != nil {
		t.Errorf("%+v without a control key", got)
	}
}
