package devices

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const region = 0x0571

// issued is a card of a profile with the code 112233.
func issued(t *testing.T, name string) *cardsim.SLE4442 {
	t.Helper()
	p, err := profile.Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	unit := purse.UnitCentiM3
	if p.Rules.Unit != profile.UnitFlag {
		unit = purse.Unit(p.Rules.Unit)
	}
	image, err := purse.Blank(p, purse.Header{Region: region, CardNo: cardNo[name], Unit: unit, IssueCount: 1})
	if err != nil {
		t.Fatal(err)
	}
	return cardsim.NewSLE4442(cardsim.Options{PSC: []byte{0x11, 0x22, 0x33}, Main: image[0x20:]})
}

// cardNo is a number with as many digits as the profile has room for.
var cardNo = map[string]string{"GEN4442 v1": "00001001", "ADD4442 v1": "0000001001"}

// inserted runs a source with a card in it and returns its insertion.
func inserted(t *testing.T, reader string, chip *cardsim.SLE4442) (*cardsim.Source, cardreader.Insertion) {
	t.Helper()
	src := cardsim.NewSource(reader)
	ctx, cancel := context.WithCancel(context.Background())
	found, ended := make(chan cardreader.Insertion, 1), make(chan error, 1)
	go func() {
		ended <- src.Run(ctx, func(e cardreader.Event) {
			if e.Kind == cardreader.CardInserted {
				found <- e.Insertion
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	if err := src.Insert(reader, cardsim.ACS(chip)); err != nil {
		t.Fatal(err)
	}
	select {
	case ins := <-found:
		return src, ins
	case <-time.After(time.Minute):
		t.Fatal("no insertion")
		return nil, 0
	}
}

func TestCardOfEachConfiguredProfileIsFound(t *testing.T) {
	names := []string{"GEN4442 v1", "ADD4442 v1"}
	for _, name := range names {
		src, ins := inserted(t, "r", issued(t, name))
		ch, err := NewChips(config.Cards{Dialect: config.DialectACS, Profiles: names, PSC: config.NewSecret("112233")}, src)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ch.Open(t.Context(), "r", ins)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		st, err := p.Read(t.Context())
		if err != nil || st.Profile != name {
			t.Errorf("%s was read as %s: %v", name, st.Profile, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReaderOfUnknownBrandGetsNoCode: a code in the wrong dialect costs a try, and nobody would know.
func TestReaderOfUnknownBrandGetsNoCode(t *testing.T) {
	chip := issued(t, "GEN4442 v1")
	src, ins := inserted(t, "Nameless Reader 3000", chip)
	writing, err := NewChips(config.Cards{Dialect: config.DialectAuto, PSC: config.NewSecret("112233")}, src)
	if err != nil {
		t.Fatal(err)
	}
	var e *cardreader.Error
	if _, err := writing.Open(t.Context(), "Nameless Reader 3000", ins); !errors.As(err, &e) || e.Class != cardreader.Permanent {
		t.Errorf("opened for writing: %v", err)
	}
	reading, err := NewChips(config.Cards{}, src)
	if err != nil {
		t.Fatal(err)
	}
	p, err := reading.Open(t.Context(), "Nameless Reader 3000", ins)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	st, err := p.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(st, purse.Order{Op: purse.OpBuy, Qty: 100, Price: 26500, Tier: 1, At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(t.Context(), plan); !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("a node without a code wrote: %v", err)
	}
	if chip.Tries() != 3 {
		t.Errorf("%d tries left", chip.Tries())
	}
}

func TestReadersAreChosenByAPartOfTheirName(t *testing.T) {
	src := Source(config.Node{Counter: config.Counter{Enabled: true}, Cards: config.Cards{Readers: []string{"acr39"}}},
		cardsim.NewSource("ACS ACR39U 00", "Webcam 01"), nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan string, 4)
	ended := make(chan error, 1)
	go func() { ended <- src.Run(ctx, func(e cardreader.Event) { seen <- e.Reader }) }()
	if got := <-seen; got != "ACS ACR39U 00" {
		t.Errorf("saw %q", got)
	}
	cancel()
	<-ended
	if len(seen) > 0 {
		t.Errorf("saw %q too", <-seen)
	}
}

func TestConcentratorHasNoReaders(t *testing.T) {
	src := Source(config.Node{}, nil, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := src.Run(ctx, func(cardreader.Event) { t.Error("an event") }); err != nil {
		t.Error(err)
	}
	if _, err := src.Open(ctx, "r", 1); !errors.Is(err, cardreader.ErrNotSent) {
		t.Error(err)
	}
}

func TestBadSecretIsRefusedWithoutShowingIt(t *testing.T) {
	_, err := NewChips(config.Cards{PSC: config.NewSecret("hunter")}, noReaders{})
	if err == nil || errors.Is(err, cardreader.ErrNotSent) || len(err.Error()) == 0 {
		t.Fatal(err)
	}
	if got := err.Error(); got != "read the cards' secret code: parse secret code: want six hex digits" {
		t.Error(got)
	}
}
