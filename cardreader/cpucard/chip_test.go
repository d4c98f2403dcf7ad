package cpucard_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/cpucard"
	"tally/cardreader/guard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	reader  = "Simulated Reader 0"
	orders  = 0x01
	tariff  = 0x04
	ident   = 0x15
	recSize = 48
)

var (
	aid    = []byte("GAS.PREPAY.01")
	app    = cpucard.App{AID: aid}
	serial = cpucard.Serial{0x20, 0x26, 0, 0, 0, 0, 0, 7}
	master = cpucard.SoftKeys{Vend: cpucard.Key{1, 2, 3}, Line: cpucard.Key{4, 5, 6}}
	// strangers are the keys of another utility.
	strangers = cpucard.SoftKeys{Vend: cpucard.Key{9}, Line: cpucard.Key{4, 5, 6}}
	order     = bytes.Repeat([]byte{0x5A}, recSize)
)

// tap counts authentications and all exchanges.
type tap struct {
	cardsim.Device
	mu          sync.Mutex
	auths, sent int
	last        []byte
}

func (p *tap) Exchange(c []byte) ([]byte, error) {
	p.mu.Lock()
	p.sent++
	p.last = c
	if len(c) > 5 && c[1] == 0x82 {
		p.auths++
	}
	p.mu.Unlock()
	return p.Device.Exchange(c)
}

func (p *tap) seen() (auths, sent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.auths, p.sent
}

type bench struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	tap    *tap
	cos    *cardsim.COS
	guards guard.Guards
	ins    cardreader.Insertion
}

func newCOS() *cardsim.COS {
	return cardsim.NewCOS(cardsim.COSOptions{
		AID: aid, Serial: serial, Vend: cpucard.TripleDES.Diversify(master.Vend, serial), Line: cpucard.TripleDES.Diversify(master.Line, serial),
		Identity: append([]byte{1, 0, 0x05, 0x71}, make([]byte, 8)...),
	})
}

func newBench(t *testing.T, faults ...cardsim.Fault) *bench {
	t.Helper()
	cos := newCOS()
	b := &bench{t: t, src: cardsim.NewSource(reader), cos: cos, tap: &tap{Device: cardsim.Script(cos, faults...)}}
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

func (b *bench) open(k cpucard.Keys) (*cpucard.Chip, error) { return b.openApp(k, app) }

func (b *bench) openApp(k cpucard.Keys, app cpucard.App) (*cpucard.Chip, error) {
	card, err := b.src.Open(b.t.Context(), reader, b.ins)
	if err != nil {
		return nil, err
	}
	c, err := cpucard.Open(b.t.Context(), card, b.guards.For(reader, b.ins), k, app)
	if err != nil {
		card.Close()
		return nil, err
	}
	c.SetSerial(serial)
	b.t.Cleanup(func() { c.Close() })
	return c, nil
}

func (b *bench) mustOpen(k cpucard.Keys) *cpucard.Chip {
	b.t.Helper()
	c, err := b.open(k)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) mustOpenApp(k cpucard.Keys, app cpucard.App) *cpucard.Chip {
	b.t.Helper()
	c, err := b.openApp(k, app)
	if err != nil {
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

func TestReadFilesAndRecords(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(master)
	got, err := c.ReadBinary(t.Context(), ident, 2, 2)
	if err != nil || !bytes.Equal(got, []byte{0x05, 0x71}) {
		t.Errorf("% X, %v", got, err)
	}
	if got, err := c.ReadRecord(t.Context(), orders, 10, recSize); err != nil || len(got) != recSize {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if auths, _ := b.tap.seen(); auths != 0 {
		t.Error("reading authenticates")
	}
	_, err = c.ReadRecord(t.Context(), orders, 11, recSize)
	wantCode(t, err, cardreader.CodeBadAnswer)
	if !errors.Is(err, apdu.ErrNotFound) {
		t.Errorf("%v does not say that there is no such record", err)
	}
}

func TestWriteUnderLineProtection(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(master)
	wantCode(t, c.UpdateRecord(t.Context(), orders, 1, order), cardreader.CodeNotUnlocked)
	if err := c.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Unlock(t.Context()); err != nil {
		t.Errorf("unlock when unlocked: %v", err)
	}
	_, before := b.tap.seen()
	if err := c.UpdateRecord(t.Context(), orders, 2, order); err != nil {
		t.Fatal(err)
	}
	if _, after := b.tap.seen(); after != before+2 {
		t.Errorf("an update took %d exchanges, want challenge and update", after-before)
	}
	if err := c.UpdateBinary(t.Context(), tariff, 3, []byte{7, 8}); err != nil {
		t.Fatal(err)
	}
	if f := b.cos.ReadFile(orders); !bytes.Equal(f[recSize:2*recSize], order) || !bytes.Equal(f[:recSize], make([]byte, recSize)) {
		t.Error("the record is not on the card, or not where it belongs")
	}
	if f := b.cos.ReadFile(tariff); !bytes.Equal(f[:6], []byte{0, 0, 0, 7, 8, 0}) {
		t.Errorf("tariff % X", f[:6])
	}
	if got, err := c.ReadRecord(t.Context(), orders, 2, recSize); err != nil || !bytes.Equal(got, order) {
		t.Errorf("read back % X, %v", got, err)
	}
}

func TestMeterFileIsNotOurs(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(master)
	if err := c.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := c.UpdateBinary(t.Context(), 0x03, 0, []byte{1})
	if !errors.Is(err, apdu.ErrSecurity) {
		t.Errorf("%v", err)
	}
}

func TestWrongLineKeyIsRefusedAndNotRetried(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(cpucard.SoftKeys{Vend: master.Vend, Line: cpucard.Key{0xEE}})
	if err := c.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := c.UpdateRecord(t.Context(), orders, 1, order)
	if !errors.Is(err, apdu.ErrMAC) {
		t.Errorf("%v", err)
	}
	_, before := b.tap.seen()
	if err := c.UpdateRecord(t.Context(), orders, 1, order); !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("again: %v", err)
	}
	if _, after := b.tap.seen(); after != before {
		t.Error("sent again")
	}
}

func TestOtherApplication(t *testing.T) {
	b := newBench(t)
	card, err := b.src.Open(t.Context(), reader, b.ins)
	if err != nil {
		t.Fatal(err)
	}
	defer card.Close()
	_, err = cpucard.Open(t.Context(), card, new(guard.Guard), master, cpucard.App{AID: []byte("WATER")})
	wantCode(t, err, cardreader.CodeNotSupported)
}

func TestBadPlaces(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(master)
	_, before := b.tap.seen()
	ctx := t.Context()
	_, e1 := c.ReadBinary(ctx, 0, 0, 1)
	_, e2 := c.ReadBinary(ctx, ident, 256, 1)
	_, e3 := c.ReadBinary(ctx, ident, 0, 257)
	_, e4 := c.ReadRecord(ctx, orders, 0, 1)
	for _, err := range []error{e1, e2, e3, e4,
		c.UpdateBinary(ctx, tariff, -1, []byte{1}), c.UpdateBinary(ctx, tariff, 0, nil),
		c.UpdateRecord(ctx, 31, 1, order), c.UpdateRecord(ctx, orders, 1, make([]byte, cpucard.MaxSealed+1)),
	} {
		wantCode(t, err, cardreader.CodeBadCommand)
	}
	if _, after := b.tap.seen(); after != before {
		t.Error("something was sent")
	}
}

// brokenKeys is a security module that was pulled.
type brokenKeys struct{ err error }

func (k brokenKeys) Cryptogram(context.Context, cpucard.Serial, [8]byte) ([]byte, error) {
	return nil, k.err
}

func (k brokenKeys) Seal(context.Context, cpucard.Serial, cpucard.Challenge, apdu.Command) (apdu.Command, error) {
	return apdu.Command{}, k.err
}

func (k brokenKeys) Credit(context.Context, cpucard.Serial, cpucard.LoadInit, cpucard.Load) (cpucard.MAC, error) {
	return cpucard.MAC{}, k.err
}

func TestWithoutKeysNothingIsPresented(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(brokenKeys{errors.New("no module")})
	err := c.Unlock(t.Context())
	wantCode(t, err, cardreader.CodeKeys)
	if auths, _ := b.tap.seen(); auths != 0 || !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("%d authentications, %v", auths, err)
	}
	c.Close()
	if err := b.mustOpen(master).Unlock(t.Context()); err != nil {
		t.Errorf("with keys, same insertion: %v", err)
	}
}

// Promise 6: once an insertion, and never with one try left, whether the card tells how many there are or this process has
// to remember what it did.
func TestPromise6(t *testing.T) {
	for _, asks := range []bool{true, false} {
		b := newBench(t)
		a := app
		a.Asks = asks
		for _, want := range []string{cardreader.CodePSCWrong, cardreader.CodePSCWrong, cardreader.CodePSCLastTry, cardreader.CodePSCLastTry} {
			c := b.mustOpenApp(strangers, a)
			wantCode(t, c.Unlock(t.Context()), want)
			if want == cardreader.CodePSCWrong {
				wantCode(t, c.Unlock(t.Context()), cardreader.CodePSCPresented)
			}
			c.Close()
			b.reinsert()
		}
		if auths, _ := b.tap.seen(); auths != 2 || b.cos.KeyTries(1) != 1 {
			t.Errorf("asks %v: %d authentications, %d tries left", asks, auths, b.cos.KeyTries(1))
		}
		if asks { // another process has forgotten, the card has not
			b.guards = guard.Guards{}
			wantCode(t, b.mustOpenApp(strangers, a).Unlock(t.Context()), cardreader.CodePSCLastTry)
		}
	}
}

func TestRightKeyGivesTriesBack(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.mustOpen(strangers).Unlock(t.Context()), cardreader.CodePSCWrong)
	for range 3 {
		b.reinsert()
		if err := b.mustOpen(master).Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if b.cos.KeyTries(1) != 3 {
		t.Errorf("%d tries left", b.cos.KeyTries(1))
	}
}

// A key that three cards in a row refuse is wrong, and is not tried on a fourth.
func TestWrongKeyIsNotTriedOnEveryCard(t *testing.T) {
	b := newBench(t)
	for i := range byte(4) {
		s := cpucard.Serial{7: i}
		b.cos = cardsim.NewCOS(cardsim.COSOptions{AID: aid, Serial: s})
		b.tap.Device = cardsim.Script(b.cos)
		b.reinsert()
		c := b.mustOpen(strangers)
		c.SetSerial(s)
		wantCode(t, c.Unlock(t.Context()), map[bool]string{true: cardreader.CodePSCWrong, false: cardreader.CodePSCBlind}[i < 3])
		c.Close()
	}
	if b.cos.KeyTries(1) != 3 {
		t.Error("the fourth card lost a try")
	}
}

// The exchanges of a sale: select, challenge, authenticate, challenge, update, read.
const exchanges = 6

// TestPromises2And6UnderFaults tries every fault at every exchange, then goes on as a stubborn clerk would.
func TestPromises2And6UnderFaults(t *testing.T) {
	for _, kind := range cardsim.FaultKinds() {
		for at := 1; at <= exchanges; at++ {
			t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) { stubborn(t, kind, at) })
		}
	}
}

func stubborn(t *testing.T, kind cardsim.FaultKind, at int) {
	other := cardsim.NewCOS(cardsim.COSOptions{AID: aid})
	b := newBench(t, cardsim.Fault{At: at, Kind: kind, With: other})
	wrote, err := sell(t, b)
	if err == nil && kind != cardsim.Swapped && !bytes.Equal(b.cos.ReadFile(orders)[:recSize], order) {
		t.Fatal("success was reported and the card does not hold the order")
	}
	if holds := b.cos.ReadFile(orders)[:recSize]; !bytes.Equal(holds, order) && !bytes.Equal(holds, make([]byte, recSize)) && kind != cardsim.OneByteWrong {
		t.Fatal("a torn record")
	}
	if errors.Is(wrote, cardreader.ErrNotSent) && bytes.Equal(b.cos.ReadFile(orders)[:recSize], order) {
		t.Fatalf("%v, and it was written", wrote)
	}
	_, _ = sell(t, b)
	if auths, _ := b.tap.seen(); auths > 1 {
		t.Fatalf("%d authentications in one insertion", auths)
	}
	if kind == cardsim.Unplugged {
		if err := b.src.Plug(reader); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		b.reinsert()
		_, _ = sell(t, b)
	}
	if b.cos.KeyTries(1) < 2 || other.KeyTries(1) < 1 {
		t.Fatalf("%d and %d tries left", b.cos.KeyTries(1), other.KeyTries(1))
	}
	if !bytes.Equal(other.ReadFile(orders), make([]byte, 10*recSize)) {
		t.Fatal("the order of one card was written on another")
	}
}

// sell returns the error of the write by itself, and that of the whole.
func sell(t *testing.T, b *bench) (wrote, err error) {
	t.Helper()
	c, err := b.open(master)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.Unlock(t.Context()); err != nil {
		return nil, err
	}
	if err := c.UpdateRecord(t.Context(), orders, 1, order); err != nil {
		return err, err
	}
	got, err := c.ReadRecord(t.Context(), orders, 1, recSize)
	if err == nil && !bytes.Equal(got, order) {
		err = errors.New("read back something else")
	}
	return nil, err
}

func TestErrorsHoldNoCryptogram(t *testing.T) {
	b := newBench(t)
	err := b.mustOpen(strangers).Unlock(t.Context())
	b.tap.mu.Lock()
	sent := hex.EncodeToString(b.tap.last[5:])
	b.tap.mu.Unlock()
	if s := fmt.Sprintf("%v %+v", err, err); strings.Contains(s, sent) {
		t.Error(s)
	}
}
