package keyed

import (
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

func TestTable(t *testing.T) {
	codes, err := Table([]byte("# from the maker\n\n0571-00001234,A1B2C3\n 0571-00001235 , 010203 \n"))
	if err != nil {
		t.Fatal(err)
	}
	if s := codes(purse.CardID{Region: 0x0571, No: "00001234"}); s.PSC != (sle4442.PSC{0xA1, 0xB2, 0xC3}) || !s.Issued {
		t.Error("another code")
	}
	if s := codes(purse.CardID{Region: 0x0572, No: "00001234"}); !s.PSC.IsFactory() || !s.Issued {
		t.Error("a card that is not in the table has a code")
	}
	for _, bad := range []string{"0571-1", "0571-1,A1B2", "x-1,A1B2C3", "0571-,A1B2C3", "0571-1,A1B2C3\n0571-1,A1B2C4"} {
		if _, err := Table([]byte(bad)); err == nil || strings.Contains(err.Error(), "A1B2") || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("0571-00001234,A1B2C3\n"))
	f.Add([]byte(",-\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if codes, err := Table(data); err == nil {
			_ = codes(purse.CardID{Region: 1, No: "1"})
		}
	})
}
