package devices

import (
	"context"
	"encoding/hex"
	"errors"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
)

// chipsOf knows one layout only, and no secret: it reads cards by it, whatever else they may be.
func chipsOf(layout *profile.Profile, src cardreader.Source) *Chips {
	all := []*profile.Profile{layout}
	return &Chips{src: src, kinds: kindsOf(all), modules: modulesOf(src)}
}

// readBy reads a card by the layout that somebody tries on it. When the bytes came and the layout does not fit, both are
// returned: a State that holds the image alone, and the reason.
func (p PCSC) readBy(ctx context.Context, e cardreader.Event) (card control.Card, err error) {
	ch := p.chips
	opened, err := ch.src.Open(ctx, e.Reader, e.Insertion)
	if err != nil {
		return card, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	open, err := ch.opener(ctx, ch.kinds[0], opened, e.Reader, ch.guards.For(e.Reader, e.Insertion))
	if err != nil {
		return card, err
	}
	card = control.Card{Reader: e.Reader, ATR: hex.EncodeToString(e.ATR)}
	mem, err := open(p.layout)
	if err != nil {
		return card, err
	}
	if card.State, err = purse.New(mem, p.layout).Read(ctx); !unfit(err) {
		return card, err
	}
	image, lerr := look(ctx, open, p.layout)
	if lerr != nil {
		return card, lerr
	}
	card.State = purse.State{Profile: p.layout.Name, Image: image}
	return card, err
}

// unfit tells whether the chip answered, and the layout is not that of what lies on it.
func unfit(err error) bool {
	e, ok := errors.AsType[*cardreader.Error](err)
	if !ok {
		return false
	}
	switch e.Code {
	case purse.CodeUnknownLayout, purse.CodeBlankCard, purse.CodeHeaderDamaged:
		return true
	}
	return false
}
