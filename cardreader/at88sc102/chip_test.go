package at88sc102_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/at88sc102"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/guard"
	"tally/cardreader/purse"
)

var _ purse.Memory = (*at88sc102.Chip)(nil)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const reader = "ACS ACR39U ICC Reader 00 00"

var (
	secret = at88sc102.Secret{
		Code: at88sc102.Code{0x12, 0x34}, Issued: true,
		Keys: at88sc102.Keys{Zone1: [6]byte{1, 2, 3, 4, 5, 6}, Zone2: [4]byte{7, 8, 9, 10}},
	}
	wrong = at88sc102.Secret{Code: at88sc102.Code{0x55, 0x66}, Issued: true}
)

// tap counts presentations of the code and all exchanges.
type tap struct {
	cardsim.Device
	mu              sync.Mutex
	presented, sent int
}

func (p *tap) Exchange(c []byte) ([]byte, error) {
	p.mu.Lock()
	p.sent++
	if len(c) == 7 && c[1] == 0x20 && c[3] == 0x0A {
		p.presented++
	}
	p.mu.Unlock()
	return p.Device.Exchange(c)
}

func (p *tap) presentations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.presented
}

func (p *tap) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

type bench struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	tap    *tap
	chip   *cardsim.AT88SC102
	guards guard.Guards
	ins    cardreader.Insertion
}

func newBench(t *testing.T, o cardsim.AT88SC102Options, faults ...cardsim.Fault) *bench {
	t.Helper()
	if !o.Fresh {
		o.Code, o.EZ1, o.EZ2 = secret.Code, secret.Keys.Zone1, secret.Keys.Zone2
	}
	chip := cardsim.NewAT88SC102(o)
	b := &bench{t: t, src: cardsim.NewSource(reader), chip: chip, tap: &tap{Device: cardsim.Script(cardsim.ACS102(chip), faults...)}}
	b.src.Watchdog = -1
	b.watch = cardtest.Watch(t, b.src)
	b.insert()
	return b
}

func (b *bench) insert() {
	b.t.Helper()
	if err := b.src.Insert(reader, b.tap); err != nil {
		b.t.Fatal(err)
	}
	b.ins = b.watch.Await(cardreader.CardInserted, reader).Insertion
}

func (b *bench) reinsert() {
	b.t.Helper()
	if err := b.src.Remove(reader); err != nil && !errors.Is(err, cardsim.ErrEmpty) {
		b.t.Fatal(err)
	}
	b.insert()
}

func (b *bench) open(s at88sc102.Secret) (*at88sc102.Chip, error) {
	card, err := b.src.Open(b.t.Context(), reader, b.ins)
	if err != nil {
		return nil, err
	}
	c, err := at88sc102.Open(b.t.Context(), card, b.guards.For(reader, b.ins), s)
	if err != nil {
		card.Close()
		return nil, err
	}
	b.t.Cleanup(func() { c.Close() })
	return c, nil
}

func (b *bench) mustOpen(s at88sc102.Secret) *at88sc102.Chip {
	b.t.Helper()
	c, err := b.open(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) mustUnlock(s at88sc102.Secret) *at88sc102.Chip {
	b.t.Helper()
	c := b.mustOpen(s)
	if err := c.Unlock(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *cardreader.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
}

func TestWriteClearsBitsAndEraseSetsThem(t *testing.T) {
	for _, counted := range []bool{false, true} {
		for _, z := range []at88sc102.Zone{at88sc102.Zone1, at88sc102.Zone2} {
			t.Run(fmt.Sprintf("zone %d, counted %t", z, counted), func(t *testing.T) {
				b := newBench(t, cardsim.AT88SC102Options{EC2: counted})
				s := secret
				s.Counted = counted
				m := b.mustUnlock(s)
				writeBack(t, m, z.Addr()+2, []byte{0xF0}, []byte{0xF0})
				writeBack(t, m, z.Addr()+2, []byte{0x3C}, []byte{0x30})
				if err := m.Erase(t.Context(), z); err != nil {
					t.Fatal(err)
				}
				writeBack(t, m, z.Addr()+2, []byte{0x3C}, []byte{0x3C})
				left, err := m.Erasures(t.Context())
				if want := 128; err != nil || left != want && !(counted && z == at88sc102.Zone2 && left == want-1) {
					t.Errorf("%d erasures left, %v", left, err)
				}
			})
		}
	}
}

func writeBack(t *testing.T, m *at88sc102.Chip, addr int, data, want []byte) {
	t.Helper()
	if err := m.Write(t.Context(), addr, data); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Read(t.Context(), addr, len(data)); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read back % X, %v; want % X", got, err, want)
	}
}

func TestEraseIsProvenByReading(t *testing.T) {
	b := newBench(t, cardsim.AT88SC102Options{})
	s := secret
	s.Keys.Zone1[0]++
	m := b.mustUnlock(s)
	writeBack(t, m, 0x18, []byte{0xAA}, []byte{0xAA})
	err := m.Erase(t.Context(), at88sc102.Zone1)
	wantCode(t, err, cardreader.CodeNotErased)
	if !errors.Is(err, cardreader.ErrOutcomeUnknown) {
		t.Errorf("%v is not unknown", err)
	}
}

func TestErasuresUsedUp(t *testing.T) {
	b := newBench(t, cardsim.AT88SC102Options{EC2: true, Erasures: 128})
	s := secret
	s.Counted = true
	m := b.mustUnlock(s)
	before := b.tap.count()
	wantCode(t, m.Erase(t.Context(), at88sc102.Zone2), cardreader.CodeErasuresUsed)
	if b.tap.count() != before+1 {
		t.Error("more was sent than the question for the counter")
	}
	if err := m.Erase(t.Context(), at88sc102.Zone1); err != nil {
		t.Errorf("zone 1: %v", err)
	}
}

func TestRefusedWithNothingSent(t *testing.T) {
	b := newBench(t, cardsim.AT88SC102Options{})
	m := b.mustOpen(secret)
	before := b.tap.count()
	wantCode(t, m.Write(t.Context(), 0x18, []byte{0}), cardreader.CodeNotUnlocked)
	wantCode(t, m.Erase(t.Context(), at88sc102.Zone1), cardreader.CodeNotUnlocked)
	for _, w := range [][2]int{{0x0A, 2}, {0x0C, 1}, {0x0D, 2}, {0x15, 2}, {0x55, 2}, {0x56, 6}, {0x9C, 4}, {0xA0, 1}, {-1, 2}, {0x18, 0}} {
		wantCode(t, m.Write(t.Context(), w[0], make([]byte, w[1])), cardreader.CodeBadCommand)
	}
	for _, r := range [][2]int{{-1, 1}, {0, 0}, {at88sc102.Size, 1}, {0, at88sc102.Size + 1}} {
		_, err := m.Read(t.Context(), r[0], r[1])
		wantCode(t, err, cardreader.CodeBadCommand)
	}
	if b.tap.count() != before {
		t.Error("something was sent")
	}
	if err := m.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, m.Erase(t.Context(), 3), cardreader.CodeBadCommand)
	if _, err := m.Read(t.Context(), 0, m.Size()); err != nil {
		t.Errorf("whole chip: %v", err)
	}
}

func TestReaderWithoutMemoryCards(t *testing.T) {
	src := cardsim.NewSource(reader)
	w := cardtest.Watch(t, src)
	if err := src.Insert(reader, cardsim.ACS(cardsim.NewSLE4442(cardsim.Options{}))); err != nil {
		t.Fatal(err)
	}
	card, err := src.Open(t.Context(), reader, w.Await(cardreader.CardInserted, reader).Insertion)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	_, err = at88sc102.Open(t.Context(), card, new(guard.Guard), secret)
	wantCode(t, err, cardreader.CodeNoMemoryCards)
}

func TestSecretsAreNeverShown(t *testing.T) {
	s := at88sc102.Secret{Code: at88sc102.Code{0xAB, 0xCD}, Keys: at88sc102.Keys{Zone1: [6]byte{0xAB, 0xCD, 0xEF}}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, s.Code, s.Keys)
	}
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, timeless)).Info("x", "secret", s, "code", s.Code, "keys", s.Keys)
	_, err = at88sc102.ParseCode("ABC")
	out.WriteString(err.Error())
	for _, leak := range []string{"abc", "171", "205", "ab cd", "0xab"} {
		if strings.Contains(strings.ToLower(out.String()), leak) {
			t.Errorf("%q shown in\n%s", leak, out.String())
		}
	}
	if c, err := at88sc102.ParseCode("abcd"); err != nil || c != s.Code {
		t.Errorf("parse: %v", err)
	}
}

// timeless leaves the time out of a log line: its digits may be any.
var timeless = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}
