package devices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
	"tally/cardreader/keyed"
	"tally/cardreader/keyfile"
	"tally/cardreader/mifare"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cmd/internal/config"
)

// opener opens the chip of a kind: this is the list of chip families. When it fails the card is the caller's to close.
func (ch *Chips) opener(ctx context.Context, k *kind, card cardreader.Card, reader string, g *guard.Guard) (opening, error) {
	switch k.chip {
	case "sle4442":
		return ch.openSLE4442(ctx, k, card, reader, g)
	case "at88sc102":
		return ch.openAT88SC102(ctx, k, card, reader, g)
	case "cpu":
		return ch.openCPU(ctx, k, card, reader, g)
	case "mifare":
		return ch.openMifare(ctx, card, reader, g)
	}
	return nil, notSupported(reader, fmt.Errorf("there is no driver for %s", k.chip))
}

func notSupported(reader string, err error) error {
	return &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported, Op: "open", Reader: reader, Err: err}
}

func (ch *Chips) openSLE4442(ctx context.Context, k *kind, card cardreader.Card, reader string, g *guard.Guard) (opening, error) {
	d, err := ch.dialectOf(k, reader, ch.codes[k.profiles[0].Name] != nil)
	if err != nil {
		return nil, err
	}
	chip, err := sle4442.Open(ctx, card, d, g, sle4442.Secret{Issued: true})
	if err != nil {
		return nil, err
	}
	return func(p *profile.Profile) (purse.Memory, error) {
		codes := ch.codes[p.Name]
		if codes == nil {
			return readOnly{chip, reader, "cards.psc_file or cards.psc_env"}, nil
		}
		return keyed.New(chip, codes), nil
	}, nil
}

// dialectOf is how the reader wants to be spoken to. The same bytes mean different things to different brands, so a
// reader of unknown brand gets no secret code; reading alone is tried in the commonest dialect.
func (ch *Chips) dialectOf(k *kind, reader string, writes bool) (sle4442.Dialect, error) {
	if ch.dialect != "" {
		return ch.dialect, nil
	}
	if name := k.profiles[0].Chip.Dialect; name != "" {
		return sle4442.ParseDialect(name)
	}
	d, known := sle4442.DialectOf(reader)
	switch {
	case known:
		return d, nil
	case !writes:
		return sle4442.ACS, nil
	}
	return "", notSupported(reader, errors.New("the reader's dialect is not known by its name; set cards.dialect in the configuration"))
}

func (ch *Chips) openAT88SC102(ctx context.Context, k *kind, card cardreader.Card, reader string, g *guard.Guard) (opening, error) {
	secret, ok := ch.secret102()
	d, err := ch.dialectOf(k, reader, ok)
	if err == nil && d != sle4442.ACS && d != sle4442.OldACS {
		err = notSupported(reader, fmt.Errorf("readers of dialect %q do not drive AT88SC102 cards", d))
	}
	if err != nil {
		return nil, err
	}
	secret.Counted = k.profiles[0].Chip.Counted
	chip, err := at88sc102.Open(ctx, card, g, secret)
	if err != nil {
		return nil, err
	}
	return func(p *profile.Profile) (purse.Memory, error) {
		mem, err := at88sc102.NewMemory(chip, p.Map)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return keyed.New102(mem, secret, ch.came102()), nil
		}
		return readOnly{mem, reader, "code, erase_1 and erase_2 in cards.key_file"}, nil
	}, nil
}

// came102 is the code that new AT88SC102 come with, nil when the key file does not have it.
func (ch *Chips) came102() *at88sc102.Code {
	b, ok := ch.keys.Get("transport_code")
	if !ok {
		return nil
	}
	c := at88sc102.Code(b)
	return &c
}

// secret102 is what the key file has for AT88SC102 cards; false when it does not have all.
func (ch *Chips) secret102() (s at88sc102.Secret, ok bool) {
	code, c := ch.keys.Get("code")
	one, e1 := ch.keys.Get("erase_1")
	two, e2 := ch.keys.Get("erase_2")
	if !c || !e1 || !e2 {
		return s, false
	}
	return at88sc102.Secret{Code: at88sc102.Code(code), Issued: true, Keys: at88sc102.Keys{Zone1: [6]byte(one), Zone2: [4]byte(two)}}, true
}

func (ch *Chips) openCPU(ctx context.Context, k *kind, card cardreader.Card, reader string, g *guard.Guard) (opening, error) {
	p := k.profiles[0]
	keys, ok, err := ch.cpuKeys(p)
	if err != nil {
		return nil, err
	}
	v := p.Keys.Vend
	chip, err := cpucard.Open(ctx, card, g, keys, cpucard.App{AID: p.Chip.AppID(), Vend: byte(v.ID), Tries: v.Tries, Asks: v.Asks})
	if err != nil {
		return nil, err
	}
	return func(p *profile.Profile) (purse.Memory, error) {
		l := cpucard.Layout{Areas: p.Map, SerialAt: p.SerialAt(), Terminal: ch.terminal}
		if p.Keys.Load != nil {
			l.LoadKey = byte(p.Keys.Load.ID)
		}
		mem, err := cpucard.NewMemory(chip, l)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return keyed.NewCPU(mem, keys, keyed.Places(p.Keys)), nil
		}
		return readOnly{mem, reader, "a security module, or vend and line in cards.key_file"}, nil
	}, nil
}

func (ch *Chips) openMifare(ctx context.Context, card cardreader.Card, reader string, g *guard.Guard) (opening, error) {
	a, okA := ch.keys.Get("block_a")
	b, okB := ch.keys.Get("block_b")
	if !okA {
		return nil, notSupported(reader, errors.New("no key to read the card with is configured (block_a in cards.key_file)"))
	}
	s := mifare.Secret{A: mifare.Key(a), Issued: true}
	if okB {
		s.B = mifare.Key(b)
	}
	chip, err := mifare.Open(ctx, card, g, s)
	if err != nil {
		return nil, err
	}
	return func(p *profile.Profile) (purse.Memory, error) {
		mem, err := mifare.NewMemory(chip, p.Map)
		if err != nil || okB {
			return mem, err
		}
		return readOnly{mem, reader, "block_b in cards.key_file"}, nil
	}, nil
}

// cpuKeys are the keys of the file where it has them, else those of the security module; false when there are neither.
func (ch *Chips) cpuKeys(p *profile.Profile) (cpucard.Keys, bool, error) {
	a, err := cpucard.ParseAlgorithm(p.Keys.Algorithm)
	if err != nil {
		return nil, false, err
	}
	if soft, ok := ch.softKeys(a); ok {
		return ch.issuing(p, soft), true, nil
	}
	if ch.modules != nil {
		if _, ins := ch.modules.present(); ins != 0 || ch.modules.part != "" {
			return ch.modules.keysOf(p, a), true, nil
		}
	}
	return cpucard.SoftKeys{Algorithm: a}, false, nil
}

// issuing adds what cards are made with, where the key file has all of it that the profile asks for.
func (ch *Chips) issuing(p *profile.Profile, soft cpucard.SoftKeys) cpucard.Keys {
	k := cpucard.Issuing{SoftKeys: soft}
	for name, n := range map[string]struct {
		to     *cpucard.Key
		wanted bool
	}{
		"transport": {&k.Transport, true}, "control": {&k.Control, true}, "meter": {&k.Meter, p.Keys.Meter != nil},
		"line": {&k.Line, true}, "load": {&k.Load, p.Keys.Load != nil},
	} {
		b, ok := ch.keys.Get(name)
		switch {
		case ok:
			*n.to = cpucard.Key(b)
		case n.wanted:
			return soft
		}
	}
	return k
}

// errPlain: keys that anybody can read serve trials only.
var errPlain = errors.New("the key file is not sealed, and a profile in use is not marked as a test")

// keysOf opens the key file: sealed, or plain where all profiles are marked as tests.
func keysOf(c config.Cards, profiles []*profile.Profile) (keyfile.Keys, error) {
	if c.KeyFile == "" {
		return keyfile.Keys{}, nil
	}
	data, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return keyfile.Keys{}, fmt.Errorf("read the cards' keys: %w", err)
	}
	if keys, err := keyfile.Plain(data); err == nil {
		if slices.ContainsFunc(profiles, func(p *profile.Profile) bool { return !p.Test }) {
			return keyfile.Keys{}, fmt.Errorf("read the cards' keys from %s: %w", c.KeyFile, errPlain)
		}
		return keys, nil
	}
	opener := keyfile.Passphrase([]byte(c.KeyPass.Reveal()))
	if !c.KeyPass.IsSet() {
		if opener, err = keyfile.MachineKey(c.MachineKey); err != nil {
			return keyfile.Keys{}, err
		}
	}
	keys, err := keyfile.Open(data, opener)
	if err != nil {
		return keyfile.Keys{}, fmt.Errorf("read the cards' keys from %s: %w", c.KeyFile, err)
	}
	return keys, nil
}
