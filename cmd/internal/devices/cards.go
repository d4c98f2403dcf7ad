package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"tally/cardreader"
	"tally/cardreader/keyed"
	"tally/cardreader/pcsc"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cmd/internal/config"
	"tally/counter"
)

// DefaultProfile is the card profile of a config that names none.
const DefaultProfile = "GEN4442 v1"

// Chips opens what lies on a reader: it is the list of chip families and card profiles that this node knows.
type Chips struct {
	src      cardreader.Source
	profiles []*profile.Profile
	dialect  sle4442.Dialect // empty: by the reader's name
	codes    keyed.Codes     // nil: cards are only read
	guards   sle4442.Guards
}

// NewChips resolves the part of the config that concerns cards.
func NewChips(c config.Cards, src cardreader.Source) (*Chips, error) {
	names := c.Profiles
	if len(names) == 0 {
		names = []string{DefaultProfile}
	}
	ch := &Chips{src: src}
	for _, name := range names {
		p, err := profile.Builtin(name)
		if err != nil {
			return nil, err
		}
		ch.profiles = append(ch.profiles, p)
	}
	if c.Dialect != "" && c.Dialect != config.DialectAuto {
		d, err := sle4442.ParseDialect(c.Dialect)
		if err != nil {
			return nil, err
		}
		ch.dialect = d
	}
	if c.PSC.IsSet() {
		codes, err := codesOf(c.PSC.Reveal())
		if err != nil {
			return nil, fmt.Errorf("read the cards' secret code: %w", err)
		}
		ch.codes = codes
	}
	return ch, nil
}

// codesOf is how cards get their secret codes: six hex digits are the code of every card, more are the key that each
// card's own code is derived from.
func codesOf(secret string) (keyed.Codes, error) {
	if len(secret) >= 2*keyed.MinKey {
		key, err := hex.DecodeString(secret)
		if err != nil {
			return nil, errors.New("parse key: want hex digits")
		}
		return keyed.Derived(key)
	}
	psc, err := sle4442.ParsePSC(secret)
	if err != nil {
		return nil, err
	}
	return keyed.Fixed(psc), nil
}

// Open is the counter's Opener.
func (ch *Chips) Open(ctx context.Context, reader string, ins cardreader.Insertion) (counter.Purse, error) {
	dialect, err := ch.dialectOf(reader)
	if err != nil {
		return nil, err
	}
	card, err := ch.src.Open(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	chip, err := sle4442.Open(ctx, card, dialect, ch.guards.For(reader, ins), sle4442.Secret{Issued: true})
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	p, err := ch.profileOf(ctx, chip)
	if err != nil {
		return nil, errors.Join(err, chip.Close())
	}
	if ch.codes == nil {
		return purse.New(readOnly{chip, reader}, p), nil
	}
	return purse.New(keyed.New(chip, ch.codes), p), nil
}

// dialectOf is how the reader wants to be spoken to. The same bytes mean different things to different brands, so a
// reader of unknown brand gets no secret code; reading alone is tried in the commonest dialect.
func (ch *Chips) dialectOf(reader string) (sle4442.Dialect, error) {
	if ch.dialect != "" {
		return ch.dialect, nil
	}
	d, known := sle4442.DialectOf(reader)
	switch {
	case known:
		return d, nil
	case ch.codes == nil:
		return sle4442.ACS, nil
	}
	return "", &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "open", Reader: reader,
		Err: errors.New("the reader's dialect is not known by its name; set cards.dialect in the configuration")}
}

// profileOf finds the layout of a card. The only profile of a config needs no look: reading with it says what is wrong.
func (ch *Chips) profileOf(ctx context.Context, chip *sle4442.Chip) (*profile.Profile, error) {
	if len(ch.profiles) == 1 {
		return ch.profiles[0], nil
	}
	image, err := chip.Read(ctx, 0, chip.Size())
	if err != nil {
		return nil, err
	}
	return purse.Identify(ch.profiles, image)
}

// readOnly is a chip whose secret code this node was not given.
type readOnly struct {
	*sle4442.Chip
	reader string
}

// Unlock refuses without a byte sent.
func (r readOnly) Unlock(context.Context) error {
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "unlock", Reader: r.reader,
		Err: errors.New("no secret code is configured (cards.psc_file or cards.psc_env): cards are only read")}
}

// filtered passes on only readers whose name contains one of the wanted texts, ignoring case.
type filtered struct {
	cardreader.Source
	want []string
}

func (f filtered) Run(ctx context.Context, emit func(cardreader.Event)) error {
	return f.Source.Run(ctx, func(e cardreader.Event) {
		name := strings.ToLower(e.Reader)
		if slices.ContainsFunc(f.want, func(w string) bool { return strings.Contains(name, strings.ToLower(w)) }) {
			emit(e)
		}
	})
}

// noReaders is the Source of a node without a counter.
type noReaders struct{}

func (noReaders) Run(ctx context.Context, _ func(cardreader.Event)) error {
	<-ctx.Done()
	return nil
}

func (noReaders) Open(_ context.Context, reader string, _ cardreader.Insertion) (cardreader.Card, error) {
	return nil, &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "open", Reader: reader}
}

// Source gives the readers that the config asks for, or given ones in their place.
func Source(c config.Node, given cardreader.Source, log *slog.Logger) cardreader.Source {
	src := given
	switch {
	case src != nil:
	case !c.Counter.Enabled || c.Cards.Source != config.CardsPCSC:
		return noReaders{}
	default:
		src = pcsc.New(pcsc.Options{Log: log})
	}
	if len(c.Cards.Readers) > 0 {
		return filtered{src, c.Cards.Readers}
	}
	return src
}
