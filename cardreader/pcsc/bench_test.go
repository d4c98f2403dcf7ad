//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/pcsc"
	"tally/cardreader/sle4442"
)

func BenchmarkTransmit(b *testing.B) {
	c := benchCard(b)
	for b.Loop() {
		if _, err := c.Transmit(b.Context(), cmdRead); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadWholeChip(b *testing.B) {
	m, err := sle4442.Open(b.Context(), benchCard(b), sle4442.ACS, new(sle4442.Guard), secret)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Read(b.Context(), 0, m.Size()); err != nil {
			b.Fatal(err)
		}
	}
}

// benchCard is a card in a virtual reader of a real pcscd.
func benchCard(b *testing.B) cardreader.Card {
	b.Helper()
	p := cardtest.StartPCSCD(b)
	src := pcsc.New(pcsc.Options{})
	w := cardtest.Watch(b, src)
	if err := cardtest.NewHand(b, p.Readers[0].Addr).Insert(cardsim.ACS(newChip())); err != nil {
		b.Fatal(err)
	}
	e := w.Await(cardreader.CardInserted, p.Readers[0].Name)
	c, err := src.Open(b.Context(), e.Reader, e.Insertion)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	if _, err := c.Transmit(b.Context(), cmdSelect); err != nil {
		b.Fatal(err)
	}
	return c
}
