package devices

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"tally/cardreader"
	"tally/cardreader/pcsc"
	"tally/cardreader/profile"
	"tally/cmd/internal/claim"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
)

// PCSC reads cards through PC/SC on this machine, for a technician where no daemon runs. It implements control.Cards.
type PCSC struct {
	src    cardreader.Source
	chips  *Chips
	layout *profile.Profile // the only one that cards are read by; nil: the one that is found to fit
	claim  func(reader string) (release func(), err error)
}

// CodeOwned: a daemon on this machine serves the reader, and is to be asked.
const CodeOwned = "reader_owned"

// Cards reaches the readers of this machine. A layout that is not nil is the one to read cards by, whatever they are; a card
// that it does not fit comes back with its bytes beside the error. close may be called at any time; nothing is kept open
// between calls.
func Cards(_ context.Context, layout *profile.Profile) (_ control.Cards, close func() error, err error) {
	src := newModules(pcsc.New(pcsc.Options{Log: slog.New(slog.DiscardHandler)}), "")
	p := PCSC{src: src, layout: layout, claim: claim.Reader}
	if layout != nil {
		p.chips = chipsOf(layout, src)
	} else if p.chips, err = NewChips(config.Cards{Profiles: profile.List()}, src); err != nil {
		return nil, nil, err
	}
	return p, func() error { return nil }, nil
}

// Readers implements control.Cards.
func (PCSC) Readers(ctx context.Context) ([]control.Reader, error) {
	found, err := pcsc.Readers(ctx)
	if err != nil {
		return nil, err
	}
	readers := []control.Reader{}
	for _, f := range found {
		r := control.Reader{Name: f.Name, Card: control.CardNone, ATR: hex.EncodeToString(f.ATR)}
		switch {
		case f.Mute:
			r.Card = control.CardMute
		case f.Present:
			r.Card = control.CardPresent
		}
		readers = append(readers, r)
	}
	return readers, nil
}

// Card implements control.Cards: it looks at the readers once, and reads the card that lies in the one meant.
func (p PCSC) Card(ctx context.Context, reader string) (control.Card, error) {
	name, err := p.choose(ctx, reader)
	if err != nil {
		return control.Card{}, err
	}
	watching, stop := context.WithCancel(ctx)
	found, ended := make(chan cardreader.Event, 1), make(chan error, 1)
	go func() {
		ended <- p.src.Run(watching, func(e cardreader.Event) {
			if e.Kind == cardreader.CardInserted && e.Reader == name {
				select {
				case found <- e:
				default:
				}
			}
		})
	}()
	defer func() { stop(); <-ended }()
	select {
	case e := <-found:
		return p.read(ctx, e)
	case err := <-ended:
		ended <- nil
		return control.Card{}, err
	case <-ctx.Done():
		return control.Card{}, ctx.Err()
	}
}

func (p PCSC) read(ctx context.Context, e cardreader.Event) (control.Card, error) {
	release, err := p.claim(e.Reader)
	if err != nil {
		return control.Card{}, &cardreader.Error{Class: cardreader.Operator, Code: CodeOwned, Op: "open", Reader: e.Reader, Err: err}
	}
	defer release()
	if p.layout != nil {
		return p.readBy(ctx, e)
	}
	purse, err := p.chips.Open(ctx, e.Reader, e.Insertion)
	if err != nil {
		return control.Card{}, err
	}
	defer purse.Close() // a card that was only read has nothing to lose
	st, err := purse.Read(ctx)
	return control.Card{Reader: e.Reader, ATR: hex.EncodeToString(e.ATR), State: st}, err
}

// choose finds the reader meant: the named one, or the only one with a card.
func (p PCSC) choose(ctx context.Context, reader string) (string, error) {
	readers, err := p.Readers(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range readers {
		if r.Card != control.CardNone && (reader == "" || r.Name == reader) {
			names = append(names, r.Name)
		}
	}
	switch len(names) {
	case 0:
		return "", &control.Error{Code: control.CodeNoCard, Message: "no card in the reader"}
	case 1:
		return names[0], nil
	}
	return "", &control.Error{Code: control.CodeAmbiguous, Message: fmt.Sprintf("several readers hold a card: %s", strings.Join(names, ", "))}
}
