package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
)

// bookNode is a node that keeps orders and watches readers.
type bookNode struct {
	node
	orders []control.CardOrder
	card   purse.CardID
	n      int
	looked string
	events []control.CardEvent
	over   chan struct{} // closed when the watch ended
}

func (b *bookNode) CardOrders(_ context.Context, c purse.CardID, n int) ([]control.CardOrder, error) {
	b.card, b.n = c, n
	return b.orders, b.err
}
func (b *bookNode) OpenOrders(context.Context) ([]control.CardOrder, error) { return b.orders, b.err }
func (b *bookNode) LookAgain(_ context.Context, reader string) error {
	b.looked = reader
	return b.err
}
func (b *bookNode) WatchCards(ctx context.Context, emit func(control.CardEvent) error) error {
	defer close(b.over)
	for _, e := range b.events {
		if err := emit(e); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

var lily = purse.CardID{Region: 0x0571, No: "00001234"}

func TestOrdersOfACardTravelWhole(t *testing.T) {
	end := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	want := []control.CardOrder{{ID: "o-1", Op: purse.OpBuy, State: counter.Done, Card: lily, Seq: 3, Tag: purse.Tag{1, 2, 3}, Quantity: 1250,
		EndAt: &end, Image: purse.Image{0x5A}, Verdict: purse.Done}}
	n := &bookNode{orders: want}
	c, _ := serve(t, n)
	got, err := c.CardOrders(t.Context(), lily, 7)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if n.card != lily || n.n != 7 {
		t.Errorf("asked for %v, %d", n.card, n.n)
	}
	if got, err := c.OpenOrders(t.Context()); err != nil || !cmp.Equal(want, got) {
		t.Errorf("open: %v %v", got, err)
	}
	if err := c.LookAgain(t.Context(), "ACS 00"); err != nil || n.looked != "ACS 00" {
		t.Errorf("looked at %q: %v", n.looked, err)
	}
}

func TestNodeWithoutACounterKeepsNoOrders(t *testing.T) {
	c, _ := serve(t, &node{})
	_, err := c.OpenOrders(t.Context())
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.CodeNoCards {
		t.Errorf("%v", err)
	}
	err = c.WatchCards(t.Context(), func(control.CardEvent) error { return nil })
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.CodeNoCards {
		t.Errorf("%v", err)
	}
}

func TestWatchEndsWithItsContextAndWithItsReader(t *testing.T) {
	n := &bookNode{events: []control.CardEvent{{Kind: control.ReaderAdded, Reader: "r"}, {Kind: control.CardInserted, Reader: "r"}}, over: make(chan struct{})}
	c, _ := serve(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	var kinds []string
	err := c.WatchCards(ctx, func(e control.CardEvent) error {
		if kinds = append(kinds, e.Kind); len(kinds) == 2 {
			cancel()
		}
		return nil
	})
	if err != nil || !cmp.Equal(kinds, []string{control.ReaderAdded, control.CardInserted}) {
		t.Errorf("%v %v", kinds, err)
	}
	<-n.over // the node does not go on for nobody

	n.over = make(chan struct{})
	enough := errors.New("enough")
	if err := c.WatchCards(t.Context(), func(control.CardEvent) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	<-n.over
}

func TestCardsAreNamedByRegionAndNumber(t *testing.T) {
	if got, err := control.ParseCardID(lily.String()); err != nil || got != lily {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "0571", "0571-", "571-1", "05711-1", "057g-1", "0571-12a", "0571-123456789012345678901"} {
		if _, err := control.ParseCardID(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestDesksTellWhatChanged(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	desk := func(p counter.Phase, ins cardreader.Insertion, c *purse.State, problem string) []counter.Desk {
		d := counter.Desk{Reader: "r", Phase: p, Insertion: ins, Card: c}
		if problem != "" {
			d.Problem = &counter.Refusal{Code: problem}
		}
		return []counter.Desk{d}
	}
	card := &purse.State{Card: lily, Meter: "00000042"}
	for _, c := range []struct {
		name    string
		was, is []counter.Desk
		want    []string
	}{
		{"first look, nothing", nil, desk(counter.NoReader, 0, nil, ""), nil},
		{"first look, a card", nil, desk(counter.Ready, 1, card, ""), []string{control.ReaderAdded, control.CardInserted, control.CardRead}},
		{"a reader comes", desk(counter.NoReader, 0, nil, ""), desk(counter.Empty, 0, nil, ""), []string{control.ReaderAdded}},
		{"a card comes", desk(counter.Empty, 0, nil, ""), desk(counter.Reading, 1, nil, ""), []string{control.CardInserted}},
		{"it is read", desk(counter.Reading, 1, nil, ""), desk(counter.Ready, 1, card, "not_swiped"), []string{control.CardRead}},
		{"it cannot be read", desk(counter.Reading, 1, nil, ""), desk(counter.Failed, 1, nil, "card_mute"), []string{control.CardFailed}},
		{"it is written", desk(counter.Ready, 1, card, ""), desk(counter.Writing, 1, card, ""), nil},
		{"it goes", desk(counter.Ready, 1, card, ""), desk(counter.Empty, 0, nil, ""), []string{control.CardRemoved}},
		{"quickly swapped", desk(counter.Failed, 1, nil, "x"), desk(counter.Failed, 2, nil, "x"), []string{control.CardRemoved, control.CardInserted, control.CardFailed}},
		{"the reader goes with it", desk(counter.Ready, 1, card, ""), desk(counter.NoReader, 0, nil, ""), []string{control.CardRemoved, control.ReaderRemoved}},
	} {
		var got []string
		for _, e := range control.DiffDesks(c.was, c.is, at) {
			got = append(got, e.Kind)
			if e.Kind == control.CardRead && (e.Card != "0571-00001234" || e.Meter != "00000042") {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
