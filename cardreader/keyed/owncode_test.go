package keyed_test

import (
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/keyed"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// A card that was retired keeps the code of the number that it had: as a new card with another number it is opened by
// that, and gets the new number's code.
func TestRetiredCardBecomesAnotherCard(t *testing.T) {
	chip := retired(t)
	r := newRig(t, chip)
	r.codes = derived(t)
	pl, err := r.another(r.open())
	if err != nil || chip.Tries() != 3 {
		t.Fatalf("%v, %d tries left", err, chip.Tries())
	}
	if !chip.HasPSC(r.codes(pl.Card).PSC) {
		t.Error("the card has not the code of its new number")
	}
	commands := r.dev.Count()
	for at := 1; at <= commands; at++ {
		for _, kind := range []cardsim.FaultKind{cardsim.PulledBefore, cardsim.PulledMidway, cardsim.PulledAfter, cardsim.EmptyAnswer, cardsim.Unplugged} {
			if !remadeInSpiteOf(t, cardsim.Fault{At: at, Kind: kind}) {
				t.Fatalf("APDU %d, %s", at, kind)
			}
		}
	}
}

// remadeInSpiteOf remakes a retired card with a fault, and finishes it; the code of its new number is on it in the end.
func remadeInSpiteOf(t *testing.T, f cardsim.Fault) bool {
	t.Helper()
	r := newRig(t, retired(t))
	r.codes = derived(t)
	r.insert(f)
	card, err := r.src.Open(t.Context(), "r", r.ins)
	if err != nil {
		t.Fatal(err)
	}
	chip, err := sle4442.Open(t.Context(), card, sle4442.ACS, r.guards.For("r", r.ins), sle4442.Secret{})
	if err != nil {
		return card.Close() == nil
	}
	p := purse.New(keyed.New(chip, r.codes), r.prof)
	pl, err := r.another(p)
	_ = p.Close()
	for i := 0; err != nil && i < 4; i++ {
		r.insert()
		p := r.open()
		st, serr := p.Survey(t.Context())
		if serr != nil {
			st = purse.State{Profile: r.prof.Name, Condition: purse.Off, Image: r.chip.ReadMem()}
		}
		if pl.Make == "" {
			pl, err = r.another(p)
		} else if st.Condition == purse.InUse {
			err = nil
		} else if pl, err = p.Change(st, purse.Change{Resume: &pl}); err == nil {
			err = p.Write(t.Context(), pl)
		}
		_ = p.Close()
	}
	st, derr := purse.Decode(r.prof, r.chip.ReadMem())
	if err != nil || derr != nil || st.Card.No != "00005678" || !r.chip.HasPSC(r.codes(st.Card).PSC) {
		t.Errorf("%v %v, card %+v, %d tries", err, derr, st.Card, r.chip.Tries())
	}
	return !t.Failed()
}

func derived(t *testing.T) keyed.Codes {
	t.Helper()
	codes, err := keyed.Derived([]byte("sixteen byte key"))
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// retired is a chip that was card 00001234 and is out of use.
func retired(t *testing.T) *cardsim.SLE4442 {
	t.Helper()
	chip := cardsim.NewSLE4442(cardsim.Options{})
	r := newRig(t, chip)
	r.codes = derived(t)
	if _, err := r.issue(r.open()); err != nil {
		t.Fatal(err)
	}
	r.insert()
	p := r.open()
	defer p.Close()
	st, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pl, err := p.Change(st, purse.Change{Tag: purse.Tag{4, 5, 6}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), pl); err != nil {
		t.Fatal(err)
	}
	code := r.codes(pl.Card).PSC
	return cardsim.NewSLE4442(cardsim.Options{PSC: code[:], Main: chip.ReadMem()[0x20:]})
}

// another makes what lies there card 00005678.
func (r *rig) another(p *purse.MemoryPurse) (purse.Plan, error) {
	st, err := p.Survey(r.t.Context())
	if err != nil {
		return purse.Plan{}, err
	}
	other := header
	other.CardNo = "00005678"
	pl, err := p.Remake(st, purse.NewCard{Header: other, Tag: purse.Tag{7, 8, 9}})
	if err != nil {
		r.t.Fatal(err)
	}
	return pl, p.Write(r.t.Context(), pl)
}

// Promise 6: a card in use that is being changed has its issuer's code, whatever its switch says: with a try lost to a
// cut, the factory's code is not what comes next.
func TestPromise6ChangedCardNeverMeetsTheFactoryCode(t *testing.T) {
	for _, left := range []byte{0x00, 0xFF} { // the switch is off, or was cut on its way there
		changedCard(t, left)
	}
}

func changedCard(t *testing.T, left byte) {
	t.Helper()
	chip := cardsim.NewSLE4442(cardsim.Options{})
	r := newRig(t, chip)
	if _, err := r.issue(r.open()); err != nil {
		t.Fatal(err)
	}
	change := func() (purse.Plan, error) {
		p := r.open()
		defer p.Close()
		st, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after := header
		after.MeterNo, after.IssueCount = "20000002", 2
		pl, err := p.Remake(st, purse.NewCard{Header: after, Tag: purse.Tag{4, 5, 6}, Carry: &purse.Carry{
			Order: purse.Order{Op: purse.OpMeterChange, Qty: 5, At: time.Now()}, Seq: 1, Cumulative: 5,
		}})
		if err != nil {
			t.Fatal(err)
		}
		return pl, p.Write(t.Context(), pl)
	}
	// Cut in the middle of the change: the switch is off.
	r.insert(cardsim.Fault{At: 20, Kind: cardsim.PulledBefore})
	pl, err := change()
	if err == nil {
		t.Fatal("the change was not cut")
	}
	resume := func() error {
		p := r.open()
		defer p.Close()
		st, err := p.Survey(t.Context())
		if err != nil {
			st = purse.State{Profile: r.prof.Name, Condition: purse.Off, Image: chip.ReadMem()}
		}
		if pl.Before[0x20] == st.Image[0x20] {
			t.Fatal("the cut came before the switch went off")
		}
		next, err := p.Change(st, purse.Change{Resume: &pl})
		if err != nil {
			t.Fatal(err)
		}
		return p.Write(t.Context(), next)
	}
	// A cut while the code is presented costs a try, though the code is right.
	two, main := byte(0x03), chip.ReadMem()
	main[0x20] = left
	chip = cardsim.NewSLE4442(cardsim.Options{PSC: psc[:], EC: &two, Main: main[0x20:]})
	r.chip = chip
	r.insert()
	if err := resume(); err != nil || chip.Tries() != 3 {
		t.Fatalf("switch %02X: %v, %d tries left", left, err, chip.Tries())
	}
	if !chip.HasPSC(psc) || sle4442.FactoryPSC() == psc {
		t.Error("the card has not its own code")
	}
}
