package purse_test

import (
	"context"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/guard"
	"tally/cardreader/purse"
)

// hostileCard answers with whatever bytes it was given, in pieces: the first byte of each is its length.
type hostileCard struct{ say []byte }

func (h *hostileCard) Transmit(context.Context, []byte) ([]byte, error) {
	if len(h.say) == 0 {
		return nil, &cardreader.Error{Class: cardreader.Unknown, Code: cardreader.CodeCardRemoved, Op: "transmit"}
	}
	n := min(int(h.say[0]), len(h.say)-1)
	answer := h.say[1 : 1+n]
	h.say = h.say[1+n:]
	return answer, nil
}

func (*hostileCard) Do(_ context.Context, f func() error) error { return f() }
func (*hostileCard) ATR() []byte                                { return nil }
func (*hostileCard) Close() error                               { return nil }

// FuzzHostileCard: whatever a card answers to any driver, nothing panics, nothing is sold without the card's own word, and
// every error says what it proves.
func FuzzHostileCard(f *testing.F) {
	all := kits(f)
	for i := range all {
		f.Add([]byte{2, 0x90, 0x00, 2, 0x90, 0x00, 2, 0x6C, 0x04}, uint8(i))
		f.Add([]byte{2, 0x61, 0x10, 18, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00}, uint8(i))
		f.Add([]byte{1, 0x90, 0, 0}, uint8(i))
		f.Add([]byte{2, 0x63, 0xC1, 2, 0x69, 0x83, 2, 0x93, 0x03, 2, 0x94, 0x06}, uint8(i))
	}
	f.Fuzz(func(t *testing.T, say []byte, which uint8) {
		k := all[int(which)%len(all)]
		mem, err := k.open(&hostileCard{say}, new(guard.Guard), k.p)
		if err != nil {
			proves(t, err)
			return
		}
		pr := purse.New(mem, k.p)
		if _, err := pr.Read(ctx); err != nil {
			proves(t, err)
		}
		blank, err := purse.Blank(k.p, k.header)
		if err != nil {
			t.Fatal(err)
		}
		pl, err := pr.Plan(purse.State{Image: blank}, buy(1, 50))
		if err != nil {
			t.Fatal(err)
		}
		if err := pr.Write(ctx, pl); err != nil {
			proves(t, err)
		}
	})
}

// proves: an error of a driver is one of the two.
func proves(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, cardreader.ErrNotSent) && !errors.Is(err, cardreader.ErrOutcomeUnknown) {
		t.Fatalf("%v says nothing of what was sent", err)
	}
}
