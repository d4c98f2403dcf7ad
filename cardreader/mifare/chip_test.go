package mifare_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/guard"
	"tally/cardreader/mifare"
	"tally/cardreader/space"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const reader = "ACS ACR1252 1S CL Reader PICC 0"

var secret = mifare.Secret{A: mifare.Key{1, 2, 3, 4, 5, 6}, B: mifare.Key{6, 5, 4, 3, 2, 1}, Issued: true}

func newCard() *cardsim.Mifare {
	return cardsim.NewMifare(cardsim.MifareOptions{A: secret.A, B: secret.B})
}

type bench struct {
	t      *testing.T
	src    *cardsim.Source
	watch  *cardtest.Watcher
	guards guard.Guards
	ins    cardreader.Insertion
	sim    *cardsim.Mifare
	script *cardsim.Scripted
}

func newBench(t *testing.T, faults ...cardsim.Fault) *bench {
	t.Helper()
	b := &bench{t: t, src: cardsim.NewSource(reader), sim: newCard()}
	b.src.Watchdog = -1
	b.watch = cardtest.Watch(t, b.src)
	b.script = cardsim.Script(b.sim, faults...)
	b.insert(b.script)
	return b
}

func (b *bench) insert(d cardsim.Device) {
	b.t.Helper()
	_ = b.src.Plug(reader)
	_ = b.src.Remove(reader)
	if err := b.src.Insert(reader, d); err != nil {
		b.t.Fatal(err)
	}
	for b.ins = 0; b.ins == 0; {
		e := b.watch.Await(cardreader.CardInserted, reader)
		if c, err := b.src.Open(b.t.Context(), reader, e.Insertion); err == nil {
			b.ins = e.Insertion
			c.Close()
		}
	}
}

func (b *bench) open(s mifare.Secret) (*mifare.Chip, error) {
	card, err := b.src.Open(b.t.Context(), reader, b.ins)
	if err != nil {
		return nil, err
	}
	c, err := mifare.Open(b.t.Context(), card, b.guards.For(reader, b.ins), s)
	if err != nil {
		card.Close()
		return nil, err
	}
	b.t.Cleanup(func() { c.Close() })
	return c, nil
}

func (b *bench) mustOpen(s mifare.Secret) *mifare.Chip {
	b.t.Helper()
	c, err := b.open(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *cardreader.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}

var text = []byte("sixteen bytes!!!")

func TestReadAndWrite(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(secret)
	ctx := t.Context()
	for _, block := range []int{1, 4, 5, 62} {
		if err := c.WriteBlock(ctx, block, text); err != nil {
			t.Fatal(err)
		}
		got, err := c.ReadBlock(ctx, block)
		if err != nil || !bytes.Equal(got, text) || b.sim.ReadBlock(block) != [16]byte(text) {
			t.Errorf("block %d: % X, %v", block, got, err)
		}
	}
	before := b.script.Count()
	for _, block := range []int{-1, 0, 3, 63, 64} {
		wantCode(t, c.WriteBlock(ctx, block, text), cardreader.CodeBadCommand)
	}
	wantCode(t, c.WriteBlock(ctx, 4, text[:15]), cardreader.CodeBadCommand)
	if b.script.Count() != before {
		t.Error("something was sent")
	}
	// A sector that is open with the right key is not opened again: read 1, write 1.
	if err := c.WriteBlock(ctx, 61, text); err != nil || b.script.Count() != before+1 {
		t.Errorf("%d exchanges, %v", b.script.Count()-before, err)
	}
}

func TestValues(t *testing.T) {
	b := newBench(t)
	c := b.mustOpen(secret)
	ctx := t.Context()
	if _, err := c.ReadValue(ctx, 8); !errors.Is(err, mifare.ErrValue) {
		t.Fatalf("an empty block: %v", err)
	}
	c = b.mustReopen(c)
	if err := errors.Join(c.StoreValue(ctx, 8, 1000), c.Increment(ctx, 8, 50), c.Decrement(ctx, 8, 2000), c.CopyValue(ctx, 8, 9)); err != nil {
		t.Fatal(err)
	}
	for _, block := range []int{8, 9} {
		v, err := c.ReadValue(ctx, block)
		raw := b.sim.ReadBlock(block)
		parsed, perr := mifare.ParseValue(raw[:])
		if err != nil || perr != nil || v != -950 || parsed != (mifare.Value{Amount: -950, Address: 8}) {
			t.Errorf("block %d: %d %+v, %v %v", block, v, parsed, err, perr)
		}
	}
	for name, err := range map[string]error{
		"by nothing": c.Increment(ctx, 8, 0), "backwards": c.Decrement(ctx, 8, -5), "keys": c.StoreValue(ctx, 11, 1), "another sector": c.CopyValue(ctx, 8, 12),
	} {
		if !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Increment(ctx, 8, math.MaxInt32); err != nil {
		t.Fatal(err)
	}
	if err := c.Increment(ctx, 8, math.MaxInt32); err == nil {
		t.Error("past the end")
	}
}

func (b *bench) mustReopen(c *mifare.Chip) *mifare.Chip {
	b.t.Helper()
	if err := c.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.mustOpen(secret)
}

// Promise 6: a refused key ends the insertion, a factory's key is not presented to an issued card.
func TestPromise6(t *testing.T) {
	b := newBench(t)
	wrong := mifare.Secret{A: secret.A, B: mifare.Key{9}, Issued: true}
	c := b.mustOpen(wrong)
	wantCode(t, c.WriteBlock(t.Context(), 4, text), cardreader.CodePSCWrong)
	before := b.script.Count()
	wantCode(t, c.WriteBlock(t.Context(), 8, text), cardreader.CodePSCPresented)
	if b.script.Count() != before {
		t.Error("presented again")
	}
	c.Close()
	b.insert(b.script)
	factory := mifare.Secret{A: mifare.Key{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Issued: true}
	_, err := b.mustOpen(factory).ReadBlock(t.Context(), 4)
	wantCode(t, err, cardreader.CodePSCFactory)
}

// Promise 2: every fault at every exchange of a write and of an increment; what is said is what is there.
func TestPromise2UnderFaults(t *testing.T) {
	ends := map[string]int{}
	for _, kind := range cardsim.FaultKinds() {
		for at := 1; at <= 8; at++ {
			if kind == cardsim.Swapped && at <= 3 {
				continue // before a sector is open it is simply another card; telling them apart is for whoever reads it
			}
			t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) {
				other := newCard()
				b := newBench(t, cardsim.Fault{At: at, Kind: kind, With: other})
				wrote, added := errNotTried, errNotTried
				if c, err := b.open(secret); err == nil {
					wrote = c.WriteBlock(t.Context(), 4, text)
					if wrote == nil {
						wrote = readBack(t, c)
					}
					if wrote == nil {
						added = errors.Join(c.StoreValue(t.Context(), 8, 100), c.Increment(t.Context(), 8, 5))
					}
				}
				there := b.sim.ReadBlock(4) == [16]byte(text)
				if wrote == nil && !there || errors.Is(wrote, cardreader.ErrNotSent) && there {
					t.Errorf("%v, and written %v", wrote, there)
				}
				raw := b.sim.ReadBlock(8)
				v, err := mifare.ParseValue(raw[:])
				if errors.Is(added, cardreader.ErrNotSent) && !errors.Is(added, cardreader.ErrOutcomeUnknown) && err == nil && v.Amount == 105 {
					t.Errorf("%v, and added", added)
				}
				if other.ReadBlock(4) != [16]byte{} {
					t.Error("another card was written")
				}
				ends[fmt.Sprint(there, " ", wrote == nil)]++
			})
		}
	}
	for _, want := range []string{"true true", "true false", "false false"} {
		if ends[want] == 0 {
			t.Errorf("no fault ended as %q: %v", want, ends)
		}
	}
}

var errNotTried = errors.New("not tried")

func readBack(t *testing.T, c *mifare.Chip) error {
	got, err := c.ReadBlock(t.Context(), 4)
	if err == nil && !bytes.Equal(got, text) {
		return errors.New("read back something else")
	}
	return err
}

func TestMemoryIsARunOfBlocks(t *testing.T) {
	b := newBench(t)
	areas := []space.Area{
		{Name: "who", Kind: space.Blocks, At: 0, Len: 32, From: 1}, {Name: "orders", Kind: space.Blocks, At: 32, Len: 48, From: 4},
	}
	m, err := mifare.NewMemory(b.mustOpen(secret), areas)
	if err != nil || m.Size() != 80 {
		t.Fatalf("%v", err)
	}
	ctx := t.Context()
	if err := errors.Join(m.Unlock(ctx), m.Write(ctx, 16, text), m.Write(ctx, 64, text)); err != nil {
		t.Fatal(err)
	}
	got, err := m.Read(ctx, 10, 68)
	if err != nil || !bytes.Equal(got[6:22], text) || !bytes.Equal(got[54:], text[:14]) {
		t.Errorf("%q, %v", got, err)
	}
	if b.sim.ReadBlock(2) != [16]byte(text) || b.sim.ReadBlock(6) != [16]byte(text) {
		t.Error("not in the blocks that the areas name")
	}
	for _, w := range []struct{ at, n int }{{0, 32}, {8, 16}, {64, 15}, {80, 16}} {
		if err := m.Write(ctx, w.at, make([]byte, w.n)); !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%d bytes at %d: %v", w.n, w.at, err)
		}
	}
	if _, err := mifare.NewMemory(nil, []space.Area{{Name: "keys", Kind: space.Blocks, Len: 32, From: 2}}); err == nil {
		t.Error("an area over a sector's keys")
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	k, err := mifare.ParseKey("ABCDABCDABCD")
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %x %X %s %d", k, mifare.Secret{A: k}, k, k, k, k, k) + string(j)
	_, err = mifare.ParseKey("ABCD")
	out += err.Error()
	if strings.Contains(strings.ToLower(out), "abcd") || strings.Contains(out, "171") {
		t.Error(out)
	}
}

func TestValueBlocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := mifare.Value{Amount: rapid.Int32().Draw(t, "amount"), Address: rapid.Byte().Draw(t, "address")}
		b := v.Bytes()
		if got, err := mifare.ParseValue(b); err != nil || got != v {
			t.Fatalf("%+v came back as %+v, %v", v, got, err)
		}
		b[rapid.IntRange(0, 15).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if got, err := mifare.ParseValue(b); err == nil {
			t.Fatalf("a spoilt block reads %+v", got)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	f.Add(mifare.Value{Amount: -1, Address: 8}.Bytes())
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := mifare.ParseValue(raw)
		if err == nil && !bytes.Equal(v.Bytes(), raw) {
			t.Fatalf("% X came back as % X", raw, v.Bytes())
		}
		if err != nil && !errors.Is(err, mifare.ErrValue) {
			t.Fatal(err)
		}
	})
}
