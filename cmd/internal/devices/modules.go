package devices

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/cpucard"
	"tally/cardreader/profile"
)

// modules is a Source that keeps the slots of security modules to itself: nobody puts a customer's card there, and nobody
// may take a module for one.
type modules struct {
	cardreader.Source
	part string // of the name of the reader with the module; empty: one that says SAM

	mu     sync.Mutex // of what was seen
	reader string
	ins    cardreader.Insertion // 0: no module is there

	busy   sync.Mutex   // of the module: one card's commands after the other's
	sam    *cpucard.SAM // opened; of the insertion opened
	opened cardreader.Insertion
	keys   cpucard.SAMOptions // what sam was opened for
}

func newModules(src cardreader.Source, part string) *modules {
	return &modules{Source: src, part: part}
}

// holds reports whether a reader is the module's.
func (m *modules) holds(reader string) bool {
	if m.part != "" {
		return contains(reader, m.part)
	}
	return slices.Contains(strings.FieldsFunc(strings.ToUpper(reader), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), "SAM")
}

// Run passes on what happens at the other readers.
func (m *modules) Run(ctx context.Context, emit func(cardreader.Event)) error {
	defer m.forget()
	return m.Source.Run(ctx, func(e cardreader.Event) {
		if !m.holds(e.Reader) {
			emit(e)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		switch e.Kind {
		case cardreader.CardInserted:
			m.reader, m.ins = e.Reader, e.Insertion
		case cardreader.CardRemoved, cardreader.ReaderGone:
			if e.Reader == m.reader {
				m.ins = 0
			}
		}
	})
}

func (m *modules) forget() {
	m.busy.Lock()
	defer m.busy.Unlock()
	m.drop()
}

// drop closes the module; what it may say about that changes nothing.
func (m *modules) drop() {
	if m.sam != nil {
		_ = m.sam.Close()
		m.sam = nil
	}
}

// present is where a module lies; the insertion is 0 when none does.
func (m *modules) present() (reader string, ins cardreader.Insertion) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reader, m.ins
}

var errNoModule = errors.New("no security module is in its slot")

// use runs f with the module, opened when it is not yet, and closes it when the connection has died.
func (m *modules) use(ctx context.Context, o cpucard.SAMOptions, f func(*cpucard.SAM) error) error {
	m.busy.Lock()
	defer m.busy.Unlock()
	reader, ins := m.present()
	if ins == 0 {
		return errNoModule
	}
	if m.sam != nil && (m.opened != ins || !same(m.keys, o)) {
		m.drop()
	}
	if m.sam == nil {
		card, err := m.Source.Open(ctx, reader, ins)
		if err != nil {
			return err
		}
		if m.sam, err = cpucard.OpenSAM(ctx, card, o); err != nil {
			m.sam = nil
			return errors.Join(err, card.Close())
		}
		m.opened, m.keys = ins, o
	}
	err := f(m.sam)
	if e, ok := errors.AsType[*cardreader.Error](err); ok && (e.Class == cardreader.Unknown || e.Code == cardreader.CodeDead) {
		m.drop() // opened again for the next card
	}
	return err
}

func same(a, b cpucard.SAMOptions) bool {
	return a.Algorithm == b.Algorithm && string(a.AID) == string(b.AID) && a.Vend == b.Vend && a.Line == b.Line && a.Load == b.Load
}

// moduleKeys are the keys of one profile in the module.
type moduleKeys struct {
	m *modules
	o cpucard.SAMOptions
}

func (m *modules) keysOf(p *profile.Profile, a cpucard.Algorithm) moduleKeys {
	at := func(k *profile.Key) cpucard.SAMKey {
		if k == nil {
			return cpucard.SAMKey{}
		}
		return cpucard.SAMKey{Usage: byte(k.Usage), Version: byte(k.Version)}
	}
	k := p.Keys
	return moduleKeys{m, cpucard.SAMOptions{Algorithm: a, AID: k.ModuleID(), Vend: at(k.Vend), Line: at(k.Line), Load: at(k.Load)}}
}

func (k moduleKeys) Cryptogram(ctx context.Context, s cpucard.Serial, challenge [8]byte) (out []byte, err error) {
	err = k.m.use(ctx, k.o, func(sam *cpucard.SAM) (err error) {
		out, err = sam.Cryptogram(ctx, s, challenge)
		return err
	})
	return out, err
}

func (k moduleKeys) Seal(ctx context.Context, s cpucard.Serial, c cpucard.Challenge, cmd apdu.Command) (out apdu.Command, err error) {
	err = k.m.use(ctx, k.o, func(sam *cpucard.SAM) (err error) {
		out, err = sam.Seal(ctx, s, c, cmd)
		return err
	})
	return out, err
}

func (k moduleKeys) Credit(ctx context.Context, s cpucard.Serial, l cpucard.LoadInit, d cpucard.Load) (mac cpucard.MAC, err error) {
	err = k.m.use(ctx, k.o, func(sam *cpucard.SAM) (err error) {
		mac, err = sam.Credit(ctx, s, l, d)
		return err
	})
	return mac, err
}
