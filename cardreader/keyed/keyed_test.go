package keyed_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/keyed"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

var psc = sle4442.PSC{0x11, 0x22, 0x33}

// rig is a reader with one card in it.
type rig struct {
	t      *testing.T
	src    *cardsim.Source
	events chan cardreader.Event
	guards sle4442.Guards
	codes  keyed.Codes
	prof   *profile.Profile
	chip   *cardsim.SLE4442
	dev    *cardsim.Scripted
	ins    cardreader.Insertion
}

func newRig(t *testing.T, chip *cardsim.SLE4442) *rig {
	t.Helper()
	prof, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, src: cardsim.NewSource("r"), events: make(chan cardreader.Event, 64), codes: keyed.Fixed(psc), prof: prof, chip: chip}
	r.src.Watchdog = -1
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.src.Run(ctx, func(e cardreader.Event) { r.events <- e }) }()
	t.Cleanup(func() { cancel(); <-ended })
	r.insert()
	return r
}

// insert puts the card in, out of whatever it was in before.
func (r *rig) insert(faults ...cardsim.Fault) {
	r.t.Helper()
	seen := 1
	if len(r.src.Readers()) == 0 { // unplugged, with the card in it: that is an insertion of its own
		seen++
	}
	_ = r.src.Plug("r")
	_ = r.src.Remove("r")
	r.dev = cardsim.Script(cardsim.ACS(r.chip), faults...)
	if err := r.src.Insert("r", r.dev); err != nil {
		r.t.Fatal(err)
	}
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-r.events:
			if e.Kind == cardreader.CardInserted && e.Insertion > r.ins {
				r.ins = e.Insertion
				if seen--; seen == 0 {
					return
				}
			}
		case <-timeout:
			r.t.Fatal("no insertion")
		}
	}
}

func (r *rig) open() *purse.MemoryPurse {
	r.t.Helper()
	card, err := r.src.Open(r.t.Context(), "r", r.ins)
	if err != nil {
		r.t.Fatal(err)
	}
	chip, err := sle4442.Open(r.t.Context(), card, sle4442.ACS, r.guards.For("r", r.ins), sle4442.Secret{})
	if err != nil {
		r.t.Fatal(err)
	}
	p := purse.New(keyed.New(chip, r.codes), r.prof)
	r.t.Cleanup(func() { _ = p.Close() })
	return p
}

var header = purse.Header{Region: 0x0571, CardNo: "00001234", MeterNo: "10000001", Unit: purse.UnitCentiM3, IssueCount: 1}

func (r *rig) issue(p *purse.MemoryPurse) (purse.Plan, error) {
	st, err := p.Survey(r.t.Context())
	if err != nil {
		return purse.Plan{}, err
	}
	pl, err := p.Remake(st, purse.NewCard{Header: header, Tag: purse.Tag{1, 2, 3}})
	if err != nil {
		r.t.Fatal(err)
	}
	return pl, p.Write(r.t.Context(), pl)
}

func TestBlankCardBecomesACustomersCard(t *testing.T) {
	r := newRig(t, cardsim.NewSLE4442(cardsim.Options{}))
	pl, err := r.issue(r.open())
	if err != nil {
		t.Fatal(err)
	}
	if !r.chip.HasPSC(psc) || r.chip.Tries() != 3 {
		t.Errorf("own code %v, %d tries", r.chip.HasPSC(psc), r.chip.Tries())
	}
	st, err := purse.Decode(r.prof, r.chip.ReadMem())
	if err != nil || st.Card != pl.Card || st.Meter != "10000001" || st.IssueCount != 1 {
		t.Fatalf("%+v %v", st, err)
	}
	// And it is a card that can be sold on.
	r.insert()
	p := r.open()
	order, err := p.Plan(st, purse.Order{Op: purse.OpBuy, Qty: 100, Price: 26500, Tier: 1, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), order); err != nil {
		t.Fatal(err)
	}
}

// TestIssueCutAtEveryAPDU: whatever goes wrong at whatever command, the card is resolved by reading, finished, and never
// locked; no factory code meets an issued card.
func TestIssueCutAtEveryAPDU(t *testing.T) {
	count := func() int {
		r := newRig(t, cardsim.NewSLE4442(cardsim.Options{}))
		if _, err := r.issue(r.open()); err != nil {
			t.Fatal(err)
		}
		return r.dev.Count()
	}()
	points, ends := 0, map[purse.Verdict]int{}
	for at := 1; at <= count; at++ {
		for _, kind := range cardsim.FaultKinds() {
			if kind == cardsim.Swapped {
				continue
			}
			points++
			chip := cardsim.NewSLE4442(cardsim.Options{})
			r := newRig(t, chip)
			r.insert(cardsim.Fault{At: at, Kind: kind})
			ends[r.faulty()]++
			if t.Failed() {
				t.Fatalf("APDU %d, %s", at, kind)
			}
		}
	}
	t.Logf("%d points at %d APDUs, ends %v", points, count, ends)
}

// faulty issues with a fault and clears up.
func (r *rig) faulty() purse.Verdict {
	r.t.Helper()
	card, err := r.src.Open(r.t.Context(), "r", r.ins)
	if err != nil {
		r.t.Fatal(err)
	}
	chip, err := sle4442.Open(r.t.Context(), card, sle4442.ACS, r.guards.For("r", r.ins), sle4442.Secret{})
	if err != nil {
		_ = card.Close()
		return ""
	}
	p := purse.New(keyed.New(chip, r.codes), r.prof)
	pl, err := r.issue(p)
	_ = p.Close()
	verdict := purse.Verdict("at once")
	for i := 0; err != nil && i < 4; i++ {
		r.insert()
		st, serr := purse.Survey(r.prof, r.chip.ReadMem())
		if serr != nil {
			st = purse.State{Profile: r.prof.Name, Condition: purse.Off, Image: r.chip.ReadMem()} // a torn header: the plan knows it
		}
		if pl.Make == "" {
			p := r.open()
			pl, err = r.issue(p)
			_ = p.Close()
			continue
		}
		verdict = purse.Resolve(pl, st)
		if verdict == purse.Done {
			err = nil
			break
		}
		p := r.open()
		if pl, err = p.Change(st, purse.Change{Resume: &pl}); err != nil {
			r.t.Fatal(err)
		}
		err = p.Write(r.t.Context(), pl)
		_ = p.Close()
	}
	if err != nil || !r.chip.HasPSC(psc) || r.chip.Tries() != 3 {
		r.t.Errorf("issued %v, own code %v, %d tries", err, r.chip.HasPSC(psc), r.chip.Tries())
	}
	st, err := purse.Decode(r.prof, r.chip.ReadMem())
	if err != nil || st.Card.No != header.CardNo {
		r.t.Errorf("card %+v %v", st.Card, err)
	}
	return verdict
}

func TestDerivedCodesDifferAndAreNeverTheFactorys(t *testing.T) {
	if _, err := keyed.Derived(make([]byte, 15)); !errors.Is(err, keyed.ErrShortKey) {
		t.Error(err)
	}
	codes, err := keyed.Derived([]byte("sixteen byte key"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := codes(purse.CardID{Region: 1, No: "00000001"}), codes(purse.CardID{Region: 1, No: "00000002"})
	if a.PSC == b.PSC || a.PSC.IsFactory() || !a.Issued || a != codes(purse.CardID{Region: 1, No: "00000001"}) {
		t.Error("codes are equal, unstable or the factory's")
	}
}

// Promise 6: a card with one try left is left alone, whichever code it might have.
func TestPromise6EitherCodeLeavesTheLastTry(t *testing.T) {
	one := byte(0x01)
	chip := cardsim.NewSLE4442(cardsim.Options{EC: &one})
	r := newRig(t, chip)
	p := r.open()
	st, err := p.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pl, err := p.Remake(st, purse.NewCard{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	var e *cardreader.Error
	if err := p.Write(t.Context(), pl); !errors.As(err, &e) || e.Code != cardreader.CodePSCLastTry || chip.Tries() != 1 {
		t.Errorf("%v, %d tries", err, chip.Tries())
	}
}

// Promise 6: an issued card never sees the factory's code, also when the plan says that the card is blank.
func TestPromise6FactoryCodeIsKeptFromIssuedCards(t *testing.T) {
	blankChip := cardsim.NewSLE4442(cardsim.Options{})
	r := newRig(t, blankChip)
	p := r.open()
	st, err := p.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pl, err := p.Remake(st, purse.NewCard{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	image, err := purse.Blank(r.prof, header)
	if err != nil {
		t.Fatal(err)
	}
	r.chip = cardsim.NewSLE4442(cardsim.Options{PSC: psc[:], Main: image[0x20:]})
	r.insert()
	err = r.open().Write(t.Context(), pl)
	if !errors.Is(err, cardreader.ErrNotSent) || r.chip.Tries() != 3 {
		t.Errorf("%v, %d tries", err, r.chip.Tries())
	}
}

// Promise 6: a card that was cut before its code was touched says so: the factory's code is right at the first try.
func TestPromise6CutBeforeTheCodeCostsNoTry(t *testing.T) {
	for _, at := range []int{11, 12, 13} { // the header, reading it back, the mark
		chip := cardsim.NewSLE4442(cardsim.Options{})
		r := newRig(t, chip)
		r.insert(cardsim.Fault{At: at, Kind: cardsim.PulledBefore})
		p := r.open()
		pl, err := r.issue(p)
		if err == nil {
			t.Fatal("issued in spite of the cut")
		}
		_ = p.Close()
		r.insert()
		p = r.open()
		st, err := p.Survey(t.Context())
		if err != nil && at > 11 {
			t.Fatal(err)
		}
		if at == 11 { // nothing was written
			continue
		}
		pl, err = p.Change(st, purse.Change{Resume: &pl})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), pl); err != nil || chip.Tries() != 3 || !chip.HasPSC(psc) {
			t.Errorf("cut at %d: %v, %d tries", at, err, chip.Tries())
		}
	}
}
