package sle4442_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/sle4442"
)

func TestReadWholeChip(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		c := b.counter(t, cardsim.Options{Main: bytes.Repeat([]byte{0xA5, 0x5A}, 112)})
		m := c.mustOpen(b.secret(rightPSC))
		got, err := m.Read(t.Context(), 0, m.Size())
		if err != nil || !bytes.Equal(got, c.chip.ReadMem()) {
			t.Errorf("read % X, %v", got, err)
		}
		if c.tap.presentations() != 0 || c.tap.count() != 3 {
			t.Errorf("reading took %d APDUs and %d presentations, want 3 and 0", c.tap.count(), c.tap.presentations())
		}
	})
}

func TestWriteAfterUnlock(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		c := b.counter(t, cardsim.Options{})
		m := c.mustOpen(b.secret(rightPSC))
		wantCode(t, m.Write(t.Context(), 0x30, []byte{1}), cardreader.CodeNotUnlocked)
		if err := m.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := m.Unlock(t.Context()); err != nil {
			t.Errorf("unlock when unlocked: %v", err)
		}
		data := bytes.Repeat([]byte{1, 2, 3, 4, 5}, 40)
		if err := m.Write(t.Context(), 0x20, data); err != nil {
			t.Fatal(err)
		}
		if got := c.chip.ReadMem()[0x20:][:len(data)]; !bytes.Equal(got, data) {
			t.Errorf("chip holds % X", got)
		}
		if n := c.tap.presentations(); n != 1 {
			t.Errorf("%d presentations", n)
		}
	})
}

func TestOutsideTheChip(t *testing.T) {
	c := newCounter(t, cardsim.Options{})
	m := c.mustOpen(sle4442.Secret{PSC: rightPSC})
	before := c.tap.count()
	for _, r := range [][2]int{{-1, 4}, {0, 0}, {0, -1}, {255, 2}, {256, 1}, {0, 257}} {
		_, err := m.Read(t.Context(), r[0], r[1])
		wantCode(t, err, cardreader.CodeBadCommand)
	}
	wantCode(t, m.Write(t.Context(), 0xFF, []byte{1, 2}), cardreader.CodeBadCommand)
	if c.tap.count() != before {
		t.Error("something was sent")
	}
}

func TestReaderWithoutMemoryCards(t *testing.T) {
	forEachBrand(t, func(t *testing.T, b brand) {
		chip := cardsim.NewSLE4442(cardsim.Options{})
		c := newCounterWith(t, chip, cardsim.NoMemoryCards(chip, false))
		c.speaks = b.dialect
		_, err := c.open(sle4442.Secret{})
		wantCode(t, err, cardreader.CodeNoMemoryCards)
	})
}

// TestWrongDialect: whatever dialect is spoken to whatever firmware, no card is locked and no success is believed that
// is none.
func TestWrongDialect(t *testing.T) {
	for _, speaks := range brands {
		for _, hears := range brands {
			for _, psc := range []sle4442.PSC{rightPSC, wrongPSC} {
				c := hears.counter(t, cardsim.Options{})
				c.speaks = speaks.dialect
				for range 4 {
					m, err := c.open(speaks.secret(psc))
					if err == nil {
						if err = m.Unlock(t.Context()); err == nil && !c.chip.Unlocked() {
							t.Errorf("%s to %s: unlocked, and the chip is not", speaks.dialect, hears.dialect)
						}
						m.Close()
					}
					if err == nil && speaks.dialect != hears.dialect {
						t.Errorf("%s to %s: understood", speaks.dialect, hears.dialect)
					}
					c.reinsert()
				}
				if c.chip.Tries() == 0 {
					t.Errorf("%s to %s: locked", speaks.dialect, hears.dialect)
				}
			}
		}
	}
}

func TestWithoutCounter(t *testing.T) {
	c := brands[2].counter(t, cardsim.Options{})
	m := c.mustOpen(brands[2].secret(rightPSC))
	_, err := m.Tries(t.Context())
	wantCode(t, err, cardreader.CodeNotSupported)
	if err := m.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, m.ChangePSC(t.Context(), sle4442.Secret{PSC: wrongPSC}), cardreader.CodeNoCodeChange)
}

func TestUnknownDialect(t *testing.T) {
	for _, b := range brands {
		if d, err := sle4442.ParseDialect(string(b.dialect)); err != nil || d != b.dialect {
			t.Errorf("%q: %q, %v", b.dialect, d, err)
		}
	}
	if _, err := sle4442.ParseDialect("nonsense"); err == nil {
		t.Error("nonsense is a dialect")
	}
	_, err := sle4442.Open(t.Context(), nil, "nonsense", new(sle4442.Guard), sle4442.Secret{})
	wantCode(t, err, cardreader.CodeNotSupported)
}

func TestDialectOf(t *testing.T) {
	for name, want := range map[string]sle4442.Dialect{
		"ACS ACR39U ICC Reader 00 00": sle4442.ACS, "ACS ACR38U-CCID 00 00": sle4442.ACS, "ACS ACR3901U ICC Reader 0": sle4442.ACS,
		"HID Global OMNIKEY 3x21 Smart Card Reader 0": sle4442.OMNIKEY, "OMNIKEY 3121 00 00": sle4442.OMNIKEY,
		"Virtual PCD 00 00": "", "": "", "ACS ACR38 0": "", "OMNIKEY CardMan 3121": "",
	} {
		if got, ok := sle4442.DialectOf(name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", name, got, ok)
		}
	}
}

func TestChangePSC(t *testing.T) {
	for _, b := range brands[:2] {
		c := b.counter(t, cardsim.Options{PSC: []byte{0xFF, 0xFF, 0xFF}})
		m := c.mustOpen(sle4442.Secret{PSC: sle4442.FactoryPSC()})
		to := b.secret(rightPSC)
		wantCode(t, m.ChangePSC(t.Context(), to), cardreader.CodeNotUnlocked)
		if err := m.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantCode(t, m.ChangePSC(t.Context(), b.secret(sle4442.FactoryPSC())), cardreader.CodePSCFactory)
		if err := m.ChangePSC(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		m.Close()
		c.reinsert()
		if n, err := c.mustOpen(to).Tries(t.Context()); n != 3 || err != nil {
			t.Errorf("%d tries, %v", n, err)
		}
		c.reinsert()
		if err := c.mustOpen(to).Unlock(t.Context()); err != nil {
			t.Errorf("the new code does not unlock: %v", err)
		}
	}
}

func TestPSCIsNeverShown(t *testing.T) {
	s := sle4442.Secret{PSC: sle4442.PSC{0xAB, 0xCD, 0xEF}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		fmt.Fprintf(&out, verb+verb+"\n", s.PSC, s)
	}
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, timeless)).Info("x", "psc", s.PSC, "secret", s)
	slog.New(slog.NewTextHandler(&out, timeless)).Info("x", "psc", s.PSC, "secret", s)
	_, err = sle4442.ParsePSC("ABCDE")
	out.WriteString(err.Error())
	for _, leak := range []string{"abcdef", "abcde", "171", "ab cd", "0xab"} {
		if strings.Contains(strings.ToLower(out.String()), leak) {
			t.Errorf("%q shown in\n%s", leak, out.String())
		}
	}
	if p, err := sle4442.ParsePSC("abcdef"); err != nil || p != s.PSC {
		t.Errorf("parse: %v", err)
	}
}

func TestWrongPSCErrorHidesCode(t *testing.T) {
	c := newCounter(t, cardsim.Options{})
	err := c.mustOpen(sle4442.Secret{PSC: wrongPSC}).Unlock(t.Context())
	wantCode(t, err, cardreader.CodePSCWrong)
	if strings.Contains(fmt.Sprintf("%+v %#v", err, err), "44") {
		t.Errorf("code shown in %v", err)
	}
}

func TestBadAnswersEndTheChip(t *testing.T) {
	c := newCounter(t, cardsim.Options{}, cardsim.Fault{At: 2, Kind: cardsim.WrongAnswer})
	m := c.mustOpen(sle4442.Secret{PSC: rightPSC})
	_, err := m.Read(t.Context(), 0, 16)
	wantCode(t, err, cardreader.CodeBadAnswer)
	if !errors.Is(err, cardreader.ErrOutcomeUnknown) {
		t.Errorf("%v is not unknown", err)
	}
	if _, err = m.Read(t.Context(), 0, 16); !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("a dead chip reads: %v", err)
	}
	if c.tap.count() != 2 {
		t.Errorf("%d APDUs", c.tap.count())
	}
}

// timeless leaves the time out of a log line: its digits may be any.
var timeless = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}
