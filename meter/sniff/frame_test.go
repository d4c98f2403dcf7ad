package sniff

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tally/meter/modbus/frame"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames of public documents, one a protocol and direction.
const (
	read188   = "68 10 18 02 12 20 20 00 00 01 03 90 1F 00 97 16"
	opened188 = "68 10 69 05 90 05 15 33 78 84 05 A0 17 01 00 00 7C 16"
	wrong188  = "68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 08 16" // its checksum is 13
	read645   = "68 29 25 07 07 21 20 68 11 04 33 33 33 33 4E 16"
	answer645 = "68 29 25 07 07 21 20 68 91 08 33 33 33 33 A9 4A 36 33 2E 16"
	old645    = "68 54 07 13 00 80 13 68 81 06 43 C3 34 33 33 33 2B 16"
	setMBus   = "68 06 06 68 53 FE 51 01 7A 08 25 16"
	nkeMBus   = "10 40 01 41 16"
)

func parts(b []byte) []string {
	var out []string
	for _, f := range Cut(b) {
		s := string(f.Protocol)
		if s == "" {
			s = "?"
		}
		if f.Damaged {
			s += "!"
		}
		out = append(out, s+" "+strings.ToUpper(hex.EncodeToString(f.Bytes)))
	}
	return out
}

func flat(s string) string { return strings.ReplaceAll(s, " ", "") }

func TestCut(t *testing.T) {
	question := hex.EncodeToString(frame.WrapRTU(1, 3, 0, 0, 0, 2))
	answer := hex.EncodeToString(frame.WrapRTU(1, 3, 4, 0, 0, 0x30, 0x39))
	refusal := hex.EncodeToString(frame.WrapRTU(1, 0x83, 2))
	who := hex.EncodeToString(frame.WrapRTU(1, 0x2B, 14, 1, 1, 0, 0, 2, 0, 3, 'A', 'B', 'C', 1, 1, 'x'))
	for name, tt := range map[string]struct {
		burst string
		want  []string
	}{
		"each alone 188":     {read188, []string{"cjt188 " + read188}},
		"each alone 645":     {read645, []string{"dlt645 " + read645}},
		"1997":               {old645, []string{"dlt645 " + old645}},
		"each alone M-Bus":   {setMBus, []string{"mbus " + setMBus}},
		"question Modbus":    {question, []string{"modbus-rtu " + question}},
		"identification":     {who, []string{"modbus-rtu " + who}},
		"preamble belongs":   {"FE FE FE FE" + read188, []string{"cjt188 FEFEFEFE" + read188}},
		"glued":              {"FE FE" + read645 + "FE" + answer645, []string{"dlt645 FEFE" + read645, "dlt645 FE" + answer645}},
		"glued Modbus":       {question + answer, []string{"modbus-rtu " + question, "modbus-rtu " + answer}},
		"exception":          {question + refusal, []string{"modbus-rtu " + question, "modbus-rtu " + refusal}},
		"glued E5":           {nkeMBus + "E5", []string{"mbus " + nkeMBus, "mbus E5"}},
		"E5 alone":           {"E5", []string{"mbus E5"}},
		"noise before":       {"00 C1 E5 07" + opened188, []string{"? 00C1E507", "cjt188 " + opened188}},
		"noise behind":       {opened188 + "A1 55", []string{"cjt188 " + opened188, "? A155"}},
		"wrong checksum":     {"FE" + wrong188, []string{"cjt188! FE" + wrong188}},
		"68 and 16 in noise": {"68 16 68 00 16", []string{"? 6816680016"}},
		"truncated":          {read188[:len(read188)-3], []string{"? " + read188[:len(read188)-3]}},
		"nothing":            {"", nil},
	} {
		got := parts(unhex(t, tt.burst))
		for i := range tt.want {
			head, rest, _ := strings.Cut(tt.want[i], " ")
			tt.want[i] = head + " " + strings.ToUpper(flat(rest))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestTruncatedAtEveryByte: what is cut off is never taken for a whole frame.
func TestTruncatedAtEveryByte(t *testing.T) {
	for _, frame := range []string{read188, opened188, read645, answer645, setMBus, nkeMBus} {
		b := unhex(t, frame)
		for n := range b {
			for _, f := range Cut(b[:n]) {
				if f.Protocol != Unknown && !f.Damaged {
					t.Errorf("%d bytes of %s are taken for %s % X", n, frame, f.Protocol, f.Bytes)
				}
			}
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{read188, opened188, wrong188, read645, answer645, old645, setMBus, nkeMBus, "E5", "0103000000018445" + nkeMBus, "FEFEFE" + read188 + read645} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var joined []byte
		for i, p := range Cut(b) {
			if len(p.Bytes) == 0 {
				t.Fatalf("part %d is empty", i)
			}
			joined = append(joined, p.Bytes...)
		}
		if !bytes.Equal(joined, b) {
			t.Fatalf("parts are % x, burst is % x", joined, b)
		}
	})
}
