package devices

import (
	"context"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cmd/internal/claim"
)

// claims are those of a machine.
type claims map[string]bool

func (c claims) take(reader string) (func(), error) {
	if c[reader] {
		return nil, claim.ErrTaken
	}
	c[reader] = true
	return func() { delete(c, reader) }, nil
}

// TestPromise6OneProcessAReader: while one process serves a reader, another opens no card there, and so presents no code;
// it may when the first has ended or the reader has gone.
func TestPromise6OneProcessAReader(t *testing.T) {
	machine := claims{}
	one := &ours{Source: cardsim.NewSource("A"), claim: machine.take}
	sim := cardsim.NewSource("A")
	two := &ours{Source: sim, claim: machine.take}
	first := cardtest.Watch(t, one)
	first.Next(cardreader.ReaderArrived, "A")

	dev := cardsim.Script(cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{})))
	if err := sim.Insert("A", dev); err != nil {
		t.Fatal(err)
	}
	second := cardtest.Watch(t, two)
	e := second.Await(cardreader.CardInserted, "A")
	_, err := two.Open(t.Context(), "A", e.Insertion)
	if !errors.Is(err, cardreader.ErrNotSent) || !errors.Is(err, claim.ErrTaken) || dev.Count() != 0 {
		t.Errorf("opened beside the other: %v, %d commands", err, dev.Count())
	}
	first.Stop()
	card, err := two.Open(t.Context(), "A", e.Insertion)
	if err != nil {
		t.Fatalf("after the other has ended: %v", err)
	}
	card.Close()
	if !machine["A"] {
		t.Error("a reader in use is not claimed")
	}
	if err := sim.Unplug("A"); err != nil {
		t.Fatal(err)
	}
	second.Await(cardreader.ReaderGone, "A")
	if machine["A"] {
		t.Error("a reader that has gone is still claimed")
	}
}

// TestTechnicianAsksTheOwner: where a daemon serves the reader, the command that opens it by itself is refused, and says by
// whom.
func TestTechnicianAsksTheOwner(t *testing.T) {
	sim := cardsim.NewSource("A")
	if err := sim.Insert("A", cardsim.ACS(issued(t, "GEN4442 v1"))); err != nil {
		t.Fatal(err)
	}
	machine := claims{"A": true}
	chips := newRoom(t, sealed(t)).chips
	chips.src = sim
	p := PCSC{src: sim, chips: chips, claim: machine.take}
	e := cardreader.Event{Kind: cardreader.CardInserted, Reader: "A", Insertion: 1}
	if _, err := p.read(context.Background(), e); problemOf(err) != CodeOwned {
		t.Errorf("read beside a daemon: %v", err)
	}
	delete(machine, "A")
	c, err := p.read(context.Background(), e)
	if err != nil || c.State.Profile != "GEN4442 v1" {
		t.Errorf("without a daemon: %+v, %v", c.State, err)
	}
	if machine["A"] {
		t.Error("the reader stays claimed")
	}
}
