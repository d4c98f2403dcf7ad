package cpucard_test

import (
	"bytes"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cpucard"
	"tally/cardreader/space"
)

var run = []space.Area{
	{Name: "identity", Kind: space.Binary, At: 0, Len: 32, File: 0x15}, {Name: "orders", Kind: space.Records, At: 32, Len: 480, File: 1, Record: 48, Bulk: 5},
	{Name: "write-back", Kind: space.Binary, At: 512, Len: 64, File: 3}, {Name: "tariff", Kind: space.Binary, At: 576, Len: 48, File: 4},
	{Name: "months", Kind: space.Cyclic, At: 624, Len: 192, File: 5, Record: 16, Bulk: 12}, {Name: "purse", Kind: space.Purse, At: 816, Len: 6},
}

// counted fills a file with its own number and positions.
func counted(n int, first byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i%48)
	}
	return b
}

func memoryOn(t *testing.T, o cardsim.COSOptions) (*bench, *cpucard.Memory) {
	t.Helper()
	b := newBench(t)
	o.AID, o.Serial = aid, serial
	o.Vend, o.Line, o.Load = cpucard.TripleDES.Diversify(loading.Vend, serial), cpucard.TripleDES.Diversify(loading.Line, serial), cpucard.TripleDES.Diversify(loading.Load, serial)
	o.Files = map[byte][]byte{0x15: append(make([]byte, 12), serial[:]...), 1: counted(480, 0x10), 4: counted(48, 0x80), 5: counted(192, 0x40)}
	b.cos = cardsim.NewCOS(o)
	b.tap.Device = b.cos
	b.reinsert()
	card, err := b.src.Open(t.Context(), reader, b.ins)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cpucard.Open(t.Context(), card, b.guards.For(reader, b.ins), loading, app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	m, err := cpucard.NewMemory(c, cpucard.Layout{Areas: run, SerialAt: 12, LoadKey: 1})
	if err != nil || m.Size() != 822 {
		t.Fatalf("%v", err)
	}
	return b, m
}

// TestMemoryReads: the files are one run, whether the card gives records together or one by one.
func TestMemoryReads(t *testing.T) {
	for single, want := range map[bool]int{false: 1 + 2 + 1 + 1 + 1 + 2, true: 1 + 1 + 10 + 1 + 1 + 12 + 2} {
		b, m := memoryOn(t, cardsim.COSOptions{Single: single, Balance: 700, Loads: 3})
		_, before := b.tap.seen()
		got, err := m.Read(t.Context(), 0, 822)
		if err != nil {
			t.Fatal(err)
		}
		_, after := b.tap.seen()
		whole := b.cos.Run(run).ReadMem()
		if !bytes.Equal(got, whole) || !bytes.Equal(got[816:], []byte{0, 0, 0x02, 0xBC, 0, 3}) {
			t.Errorf("single %v: the run is not that of the card", single)
		}
		if after-before != want {
			t.Errorf("single %v: %d commands, want %d", single, after-before, want)
		}
		for _, part := range []struct{ at, n int }{{40, 1}, {79, 2}, {32 + 47, 200}, {500, 30}, {623, 5}, {815, 3}} {
			got, err := m.Read(t.Context(), part.at, part.n)
			if err != nil || !bytes.Equal(got, whole[part.at:part.at+part.n]) {
				t.Errorf("single %v: %d bytes at %d: % X, %v", single, part.n, part.at, got, err)
			}
		}
	}
}

func TestMemoryWrites(t *testing.T) {
	b, m := memoryOn(t, cardsim.COSOptions{Balance: 700, Loads: 3})
	ctx := t.Context()
	if err := m.Unlock(ctx); err != nil { // which finds the serial by itself
		t.Fatal(err)
	}
	if err := errors.Join(m.Write(ctx, 32+96, order), m.Write(ctx, 580, []byte{1, 2})); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Read(ctx, 816, 6); err != nil {
		t.Fatal(err)
	}
	if err := m.Write(ctx, 816, []byte{0, 0, 0x03, 0x20, 0, 4}); err != nil || m.TAC() == (cpucard.TAC{}) {
		t.Fatal(err)
	}
	after := b.cos.Run(run).ReadMem()
	if !bytes.Equal(after[32+96:32+144], order) || !bytes.Equal(after[580:582], []byte{1, 2}) || !bytes.Equal(after[816:], []byte{0, 0, 0x03, 0x20, 0, 4}) {
		t.Error("the card holds something else")
	}
	_, before := b.tap.seen()
	for name, w := range map[string]struct {
		at   int
		data []byte
	}{
		"half a record": {32, order[:24]}, "across records": {32 + 24, order}, "two records": {32, append(bytes.Clone(order), order...)},
		"across files": {570, make([]byte, 20)}, "what the meter appends": {624, make([]byte, 16)}, "outside": {822, []byte{1}},
		"less money": {816, []byte{0, 0, 0x03, 0x1F, 0, 5}}, "the same money": {816, []byte{0, 0, 0x03, 0x20, 0, 5}},
		"another count": {816, []byte{0, 0, 0x04, 0x20, 0, 6}},
	} {
		if err := m.Write(ctx, w.at, w.data); !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, now := b.tap.seen(); now != before {
		t.Error("something was sent")
	}
}

func TestMemoryRefusesBadAreas(t *testing.T) {
	if _, err := cpucard.NewMemory(nil, cpucard.Layout{Areas: []space.Area{{Name: "x", Kind: space.Zone, Len: 64}}}); err == nil {
		t.Error("a zone on a CPU card")
	}
}
