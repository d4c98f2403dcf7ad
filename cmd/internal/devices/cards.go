package devices

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"tally/cardreader"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/keyfile"
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
	src     cardreader.Source
	kinds   []*kind
	dialect sle4442.Dialect        // empty: by the profile, or the reader's name
	codes   map[string]keyed.Codes // by profile; nil: SLE 4442 cards are only read
	keys    keyfile.Keys           // empty: none
	modules *modules               // nil: no slot is a security module's
	guards  guard.Guards
	region  uint16 // of cards whose layout has no place for one

	terminal cpucard.Terminal // what this counter calls itself when it loads a card's purse
}

// At says of which region cards are whose layout does not say it: the utility's own. It is called before the first card
// is opened.
func (ch *Chips) At(region uint16) { ch.region = region }

// NewChips resolves the part of the config that concerns cards.
func NewChips(c config.Cards, src cardreader.Source) (*Chips, error) {
	profiles, err := profilesOf(c)
	if err != nil {
		return nil, err
	}
	ch := &Chips{src: src, kinds: kindsOf(profiles), modules: modulesOf(src), codes: map[string]keyed.Codes{}}
	if c.Dialect != "" && c.Dialect != config.DialectAuto {
		if ch.dialect, err = sle4442.ParseDialect(c.Dialect); err != nil {
			return nil, err
		}
	}
	if ch.terminal, err = terminalOf(c); err != nil {
		return nil, err
	}
	if ch.keys, err = keysOf(c, profiles); err != nil {
		return nil, err
	}
	for _, p := range profiles {
		codes, err := ch.codesOf(c, p)
		if err != nil {
			return nil, fmt.Errorf("read the cards' secret code: %w", err)
		}
		if codes != nil && c.Blind {
			codes = blindly(codes)
		}
		ch.codes[p.Name] = codes
	}
	return ch, nil
}

// terminalOf is zeros for a program that loads nothing.
func terminalOf(c config.Cards) (t cpucard.Terminal, err error) {
	b, err := hex.DecodeString(c.Terminal)
	if err == nil && len(b) != len(t) && len(b) != 0 {
		err = fmt.Errorf("%d bytes, want %d", len(b), len(t))
	}
	if err != nil {
		return t, fmt.Errorf("read the terminal number: %w", err)
	}
	copy(t[:], b)
	return t, nil
}

// profilesOf finds the profiles that a config names among the shipped ones and those of its folder.
func profilesOf(c config.Cards) ([]*profile.Profile, error) {
	names, own := c.Profiles, map[string]*profile.Profile{}
	if c.ProfileDir != "" {
		all, err := profile.LoadDir(c.ProfileDir)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			own[p.Name] = p
		}
	}
	if len(names) == 0 {
		names = []string{DefaultProfile}
	}
	var found []*profile.Profile
	for _, name := range names {
		p := own[name]
		if p == nil {
			var err error
			if p, err = profile.Builtin(name); err != nil {
				return nil, err
			}
		}
		found = append(found, p)
	}
	return found, nil
}

// profileNames are the names of a folder's profiles, for the check of a config.
func profileNames(dir string) ([]string, error) {
	all, err := profile.LoadDir(dir)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names, err
}

func modulesOf(src cardreader.Source) *modules {
	if o, ok := src.(*ours); ok {
		src = o.Source
	}
	if f, ok := src.(filtered); ok {
		src = f.Source
	}
	m, _ := src.(*modules)
	return m
}

// codesOf is how the SLE 4442 cards of a profile get their secret codes: six hex digits are the code of every card, more
// are the key that each card's own code is derived from by the profile's rule; so is the key file's. A profile may have a
// table instead. nil: there is none.
func (ch *Chips) codesOf(c config.Cards, p *profile.Profile) (keyed.Codes, error) {
	master, sealed := ch.keys.Get("psc_master")
	switch {
	case p.Chip.PSC == "table" && c.PSCTable != "":
		data, err := os.ReadFile(c.PSCTable)
		if err != nil {
			return nil, err
		}
		return keyed.Table(data)
	case c.PSC.IsSet() && len(c.PSC.Reveal()) < 2*keyed.MinKey:
		psc, err := sle4442.ParsePSC(c.PSC.Reveal())
		if err != nil {
			return nil, err
		}
		return keyed.Fixed(psc), nil
	case c.PSC.IsSet():
		key, err := hex.DecodeString(c.PSC.Reveal())
		if err != nil {
			return nil, errors.New("parse key: want hex digits")
		}
		return keyed.ByRule(p.Chip.Derive, key)
	case sealed:
		return keyed.ByRule(p.Chip.Derive, master)
	}
	return nil, nil
}

// blindly lets codes be presented where nobody can see how many tries are left.
func blindly(codes keyed.Codes) keyed.Codes {
	return func(id purse.CardID) sle4442.Secret {
		s := codes(id)
		s.Blind = true
		return s
	}
}

// Open is the counter's Opener.
func (ch *Chips) Open(ctx context.Context, reader string, ins cardreader.Insertion) (counter.Purse, error) {
	card, err := ch.src.Open(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	kinds, err := ch.candidates(reader, card.ATR())
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	for i, k := range kinds {
		if i > 0 { // the one before has closed it
			if card, err = ch.src.Open(ctx, reader, ins); err != nil {
				return nil, err
			}
		}
		p, oerr := ch.openAs(ctx, k, card, reader, ins)
		if oerr == nil {
			return p, nil
		}
		err = better(err, oerr)
		if errors.Is(oerr, cardreader.ErrOutcomeUnknown) || errors.Is(oerr, cardreader.ErrNoCard) {
			break
		}
	}
	return nil, err
}

// better keeps the error that says more of the card: how its content was understood before that a chip did not answer.
func better(a, b error) error {
	e, ok := errors.AsType[*cardreader.Error](a)
	if a == nil || !ok || e.Code == cardreader.CodeNotSupported || e.Code == cardreader.CodeNoMemoryCards {
		return b
	}
	return a
}

// openAs opens the card as one kind and finds the profile. The only one needs no look: reading with it says what is wrong.
func (ch *Chips) openAs(ctx context.Context, k *kind, card cardreader.Card, reader string, ins cardreader.Insertion) (counter.Purse, error) {
	open, err := ch.opener(ctx, k, card, reader, ch.guards.For(reader, ins))
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	p := k.profiles[0]
	if len(k.profiles) > 1 {
		if p, err = identify(ctx, open, k.profiles); err != nil {
			return nil, errors.Join(err, card.Close())
		}
	}
	mem, err := open(p)
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	return purse.New(mem, p).At(ch.region), nil
}

// opening makes the memory of a card as a profile lays it out, over the one connection.
type opening func(p *profile.Profile) (purse.Memory, error)

// identify tells the profiles of a kind apart by what the card holds. A card that was never issued is taken for the first
// profile's: that is what new cards become.
func identify(ctx context.Context, open opening, all []*profile.Profile) (*profile.Profile, error) {
	var flat []byte // what all profiles without a map see
	p, err := purse.IdentifyBy(all, func(p *profile.Profile) (image []byte, err error) {
		if len(p.Map) == 0 && flat != nil {
			return flat, nil
		}
		if image, err = look(ctx, open, p); len(p.Map) == 0 {
			flat = image
		}
		return image, err
	})
	if e, ok := errors.AsType[*cardreader.Error](err); ok && e.Code == purse.CodeBlankCard {
		return all[0], nil
	}
	if e, ok := errors.AsType[*cardreader.Error](err); !ok || e.Code != purse.CodeUnknownLayout && e.Code != purse.CodeHeaderDamaged {
		return p, err
	}
	for _, off := range all {
		image := flat
		if len(off.Map) > 0 {
			var lerr error
			if image, lerr = look(ctx, open, off); lerr != nil {
				return nil, lerr
			}
		}
		if len(image) != off.Chip.Size {
			continue
		}
		if _, serr := purse.Survey(off, image); serr == nil {
			return off, nil // retired, or half made
		}
	}
	return p, err
}

func look(ctx context.Context, open opening, p *profile.Profile) (image []byte, err error) {
	mem, err := open(p)
	if err != nil {
		return nil, err
	}
	err = mem.Do(ctx, func() (err error) {
		image, err = mem.Read(ctx, 0, p.Chip.Size)
		return err
	})
	return image, err
}

// readOnly is a memory whose secrets this node was not given.
type readOnly struct {
	purse.Memory
	reader, want string
}

// Unlock refuses without a byte sent.
func (r readOnly) Unlock(context.Context) error {
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "unlock", Reader: r.reader,
		Err: fmt.Errorf("no secret is configured (%s): cards are only read", r.want)}
}

// Close closes the memory below.
func (r readOnly) Close() error {
	if c, ok := r.Memory.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

// softKeys are the CPU card keys of the key file, false when it has none.
func (ch *Chips) softKeys(a cpucard.Algorithm) (k cpucard.SoftKeys, ok bool) {
	k.Algorithm = a
	for name, to := range map[string]*cpucard.Key{"vend": &k.Vend, "line": &k.Line, "load": &k.Load} {
		if b, there := ch.keys.Get(name); there {
			*to = cpucard.Key(b)
			ok = ok || name == "vend"
		}
	}
	return k, ok
}
