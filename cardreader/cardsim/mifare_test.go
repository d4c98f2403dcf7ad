package cardsim

import (
	"bytes"
	"testing"
)

// The access bytes that cards are delivered with, FF 07 80, are data blocks 000 and trailer 001 (MF1S50 data sheet §8.7.1).
func TestMifareTransportAccess(t *testing.T) {
	if got := encodeAccess([4]byte{0, 0, 0, 1}); got != [3]byte{0xFF, 0x07, 0x80} {
		t.Errorf("% X", got)
	}
	for _, c := range [][4]byte{{0, 1, 2, 3}, {4, 5, 6, 7}, {6, 6, 6, 3}, {1, 3, 5, 0}} {
		b := encodeAccess(c)
		for i, want := range c {
			if got, ok := accessOf(b[:], i); !ok || got != want {
				t.Errorf("%v: block %d reads %03b, %v", c, i, got, ok)
			}
		}
		b[0] ^= 1
		if _, ok := accessOf(b[:], 0); ok {
			t.Errorf("%v: a bit that agrees with its complement", c)
		}
	}
}

// TestMifareAccess tries every condition with either key on a value block.
func TestMifareAccess(t *testing.T) {
	value := [16]byte{5, 0, 0, 0, 0xFA, 0xFF, 0xFF, 0xFF, 5, 0, 0, 0, 8, 0xF7, 8, 0xF7}
	acts := map[mifareAct][]byte{
		actRead: {0xFF, 0xB0, 0, 8, 16}, actWrite: append([]byte{0xFF, 0xD6, 0, 8, 16}, value[:]...),
		actIncrement: {0xFF, 0xD7, 0, 8, 5, 1, 0, 0, 0, 1}, actDecrement: {0xFF, 0xD7, 0, 8, 5, 2, 0, 0, 0, 1},
	}
	// By key A and key B; from the table of the data sheet, written out.
	want := map[byte][2]string{
		0b000: {"rwid", "rwid"}, 0b010: {"r", "r"}, 0b100: {"r", "rw"}, 0b110: {"rd", "rwid"},
		0b001: {"rd", "rd"}, 0b011: {"", "rw"}, 0b101: {"", "r"}, 0b111: {"", ""},
	}
	for c, by := range want {
		for k, letters := range by {
			got := ""
			for i, act := range []mifareAct{actRead, actWrite, actIncrement, actDecrement} {
				m := NewMifare(MifareOptions{A: [6]byte{1}, B: [6]byte{2}, Access: encodeAccess([4]byte{c, c, c, 3}), Blocks: map[int][16]byte{8: value}})
				m.Reset()
				talk := func(cmd []byte) []byte { a, _ := m.Exchange(cmd); return a[len(a)-2:] }
				talk([]byte{0xFF, 0x82, 0, 0, 6, byte(k + 1), 0, 0, 0, 0, 0})
				if a := talk([]byte{0xFF, 0x86, 0, 0, 5, 1, 0, 8, 0x60 + byte(k), 0}); !bytes.Equal(a, []byte{0x90, 0}) {
					t.Fatalf("key %d: % X", k, a)
				}
				if bytes.Equal(talk(acts[act]), []byte{0x90, 0}) {
					got += string("rwid"[i])
				}
			}
			if got != letters {
				t.Errorf("%03b with key %c: %q, want %q", c, 'A'+k, got, letters)
			}
		}
	}
}

func FuzzMifare(f *testing.F) {
	f.Add([]byte{0xFF, 0x86, 0, 0, 5, 1, 0, 8, 0x60, 0}, []byte{0xFF, 0xD7, 0, 8, 5, 1, 0, 0, 0, 1})
	f.Add([]byte{0xFF, 0xD7, 0, 8, 2, 3, 9}, []byte{0xFF, 0xB1, 0, 63, 4})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := NewMifare(MifareOptions{})
		m.Reset()
		for _, cmd := range [][]byte{{0xFF, 0x82, 0, 0, 6, 0, 0, 0, 0, 0, 0}, a, b} {
			if answer, err := m.Exchange(cmd); err != nil || len(answer) < 2 {
				t.Fatalf("% X answered % X, %v", cmd, answer, err)
			}
		}
		if before := NewMifare(MifareOptions{}); m.ReadBlock(0) != before.ReadBlock(0) || m.ReadBlock(63) != before.ReadBlock(63) {
			t.Fatal("the maker's block or a sector's keys were changed")
		}
	})
}
