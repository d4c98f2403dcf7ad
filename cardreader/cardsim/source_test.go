package cardsim_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type bench struct{ src *cardsim.Source }

const reader = "Simulated Reader 0"

func (b bench) Source() cardreader.Source     { return b.src }
func (b bench) Reader() string                { return reader }
func (b bench) Insert(d cardsim.Device) error { return b.src.Insert(reader, d) }
func (b bench) Remove() error                 { return b.src.Remove(reader) }
func (b bench) Unplug() error                 { return b.src.Unplug(reader) }
func (b bench) Plug() error                   { return b.src.Plug(reader) }

func TestConformance(t *testing.T) {
	for _, s := range cardtest.Subjects() {
		t.Run(s.Name, func(t *testing.T) {
			cardtest.RunWith(t, s, func(t *testing.T) cardtest.Bench { return bench{cardsim.NewSource(reader)} })
		})
	}
}

func TestHands(t *testing.T) {
	s := cardsim.NewSource("A", "B")
	chip := cardsim.NewSLE4442(cardsim.Options{})
	card := cardsim.ACS(chip)
	for _, step := range []struct {
		name string
		err  error
		want error
	}{
		{"remove nothing", s.Remove("A"), cardsim.ErrEmpty},
		{"unknown reader", s.Insert("C", card), cardsim.ErrNoReader},
		{"insert", s.Insert("A", card), nil},
		{"a second card into A", s.Insert("A", cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{}))), cardsim.ErrOccupied},
		{"the same card into B", s.Insert("B", card), cardsim.ErrInUse},
		{"a meter writes while it is in a reader", chip.WriteMem(0x20, []byte{1}), cardsim.ErrInUse},
		{"unplug", s.Unplug("A"), nil},
		{"remove from an unplugged reader", s.Remove("A"), cardsim.ErrNoReader},
		{"plug", s.Plug("A"), nil},
		{"plug twice", s.Plug("A"), nil},
		{"plug a new one", s.Plug("C"), nil},
		{"remove", s.Remove("A"), nil},
		{"into B", s.Insert("B", card), nil},
	} {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, step.err, step.want)
		}
	}
	if got := s.Readers(); len(got) != 3 {
		t.Errorf("readers %v", got)
	}
}

func TestMuteCardIsNotOpened(t *testing.T) {
	s := cardsim.NewSource(reader)
	w := cardtest.Watch(t, s)
	w.Next(cardreader.ReaderArrived, reader)
	if err := s.Insert(reader, cardsim.NoMemoryCards(cardsim.NewSLE4442(cardsim.Options{}), true)); err != nil {
		t.Fatal(err)
	}
	e := w.Next(cardreader.CardInserted, reader)
	if len(e.ATR) != 0 {
		t.Errorf("mute card with ATR % X", e.ATR)
	}
	_, err := s.Open(t.Context(), reader, e.Insertion)
	var ce *cardreader.Error
	if !errors.As(err, &ce) || ce.Code != cardreader.CodeCardMute {
		t.Errorf("open: %v", err)
	}
}

func TestSecondRunIsRefused(t *testing.T) {
	s := cardsim.NewSource(reader)
	cardtest.Watch(t, s).Next(cardreader.ReaderArrived, reader)
	if err := s.Run(t.Context(), func(cardreader.Event) {}); err == nil {
		t.Error("two Runs at a time")
	}
}
