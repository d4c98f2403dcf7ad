package frame

import (
	"bytes"
	"testing"
)

func TestWholeRTU(t *testing.T) {
	// Application example of the serial line specification's implementers: slave 1, read holding register 0.
	got := WrapRTU(1, 3, 0, 0, 0, 1)
	if want := []byte{1, 3, 0, 0, 0, 1, 0x84, 0x0A}; !bytes.Equal(got, want) || !WholeRTU(got) {
		t.Errorf("got % x", got)
	}
	for n := range got {
		if WholeRTU(got[:n]) {
			t.Errorf("%d bytes of it pass", n)
		}
	}
	got[3] ^= 1
	if WholeRTU(got) {
		t.Error("a wrong CRC passes")
	}
}
