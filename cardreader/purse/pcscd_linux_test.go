//go:build !nopcsc && linux && cgo

package purse_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/guard"
	"tally/cardreader/pcsc"
	"tally/cardreader/purse"
)

// office is a reader behind a real PC/SC service.
type office struct {
	t      *testing.T
	src    *pcsc.Source
	name   string
	hand   *cardtest.Hand
	watch  *cardtest.Watcher
	guards *guard.Guards
}

// sellTo inserts a card and sells; with it is what else happens between plan and write.
func (o office) sellTo(ctx context.Context, k kit, d cardsim.Device, between func()) (pl purse.Plan, err error) {
	o.t.Helper()
	if err := o.hand.Insert(d); err != nil {
		o.t.Fatal(err)
	}
	e := o.watch.Await(cardreader.CardInserted, o.name)
	defer func() {
		_ = o.hand.Remove() // a fault may have pulled it
		o.watch.Await(cardreader.CardRemoved, o.name)
	}()
	card := o.open(e.Insertion)
	defer card.Close()
	mem, err := k.open(card, o.guards.For(o.name, e.Insertion), k.p)
	if err != nil {
		return pl, err
	}
	pr := purse.New(mem, k.p)
	st, err := pr.Read(ctx)
	if err != nil {
		return pl, err
	}
	if pl, err = pr.Plan(st, buy(7, 50)); err != nil {
		o.t.Fatal(err)
	}
	between()
	return pl, pr.Write(ctx, pl)
}

// open heeds the class of the error: a reader that hung may take a moment.
func (o office) open(ins cardreader.Insertion) cardreader.Card {
	o.t.Helper()
	for {
		card, err := o.src.Open(ctx, o.name, ins)
		var e *cardreader.Error
		if err == nil {
			return card
		}
		if !errors.As(err, &e) || e.Class != cardreader.Retry && e.Code != cardreader.CodeTimeout {
			o.t.Fatal(err)
		}
	}
}

// TestPurseThroughPCSCD sells on every kind of chip through a real service: without a fault, pulled before, within and
// after the write, with silence at the write, and with another customer's card in the slot before the write. The card
// then says what happened, and nobody else's was changed.
func TestPurseThroughPCSCD(t *testing.T) {
	for _, k := range kits(t) {
		t.Run(k.name, func(t *testing.T) {
			p := cardtest.StartPCSCD(t)
			r := p.Readers[0]
			src := pcsc.New(pcsc.Options{Watchdog: time.Minute})
			o := office{t: t, src: src, name: r.Name, hand: cardtest.NewHand(t, r.Addr), watch: cardtest.Watch(t, src), guards: new(guard.Guards)}
			image := blankImage(t, k.p, k.header)
			clean := cardsim.Script(k.make(image).dev)
			if _, err := o.sellTo(ctx, k, clean, func() {}); err != nil {
				t.Fatal(err)
			}
			// The Source may know of a card that was pulled before the service, which looks every 400 ms, has seen it; the
			// next one that is put in until then is none for the service.
			p.AwaitRemovals(1)
			last := clean.Count()
			for n, f := range []cardsim.Fault{
				{At: last - 1, Kind: cardsim.PulledAfter}, {At: last - 3, Kind: cardsim.PulledMidway}, {At: last - 1, Kind: cardsim.Silence},
			} {
				chip := k.make(image)
				was := chip.ReadMem()
				ctx, giveUp := context.WithCancel(ctx)
				pl, err := o.sellTo(ctx, k, cardtest.Unheard{Scripted: cardsim.Script(chip.dev, f), GiveUp: giveUp}, func() {})
				giveUp()
				p.AwaitRemovals(2 + n)
				st := decode(t, k.p, chip.ReadMem())
				got := purse.Resolve(pl, st)
				if said(err) == "nil" && got != purse.Done || said(err) == "not sent" && !bytes.Equal(chip.ReadMem(), was) || got == purse.Unclear {
					t.Errorf("%v at %d: %v, the card says %s", f.Kind, f.At, err, got)
				}
			}
			o.swap(k, image)
		})
	}
}

// swap puts another customer's card into the slot before the write, quicker than the service may see.
func (o office) swap(k kit, image []byte) {
	o.t.Helper()
	h := k.header
	h.CardNo = strings.Repeat("9", len(h.CardNo))
	mine, other := k.make(image), k.make(blankImage(o.t, k.p, h))
	before, was := other.ReadMem(), mine.ReadMem()
	_, err := o.sellTo(ctx, k, mine.dev, func() {
		if err := errors.Join(o.hand.Remove(), o.hand.Insert(other.dev)); err != nil {
			o.t.Fatal(err)
		}
	})
	if !errors.Is(err, cardreader.ErrNotSent) || !bytes.Equal(other.ReadMem(), before) || !bytes.Equal(mine.ReadMem(), was) || other.tries() < 2 {
		o.t.Errorf("swapped before the write: %v, %d tries", err, other.tries())
	}
}
