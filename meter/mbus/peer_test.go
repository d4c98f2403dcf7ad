package mbus

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"tally/meter/quantity"
	"tally/meter/telegram"
)

// lines reads a file of "name: text" lines.
func lines(t testing.TB, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(name, "#") {
			out[name] = rest
		}
	}
	return out
}

// normal gives a value in the units that libmbus prints.
func normal(v telegram.Value) (float64, string) {
	n, _ := strconv.ParseFloat(v.Number.String(), 64)
	factors := map[quantity.Unit]struct {
		factor float64
		unit   string
	}{"min": {60, "s"}, "h": {3600, "s"}, "d": {86400, "s"}, "MWh": {1e6, "Wh"}, "Cel": {1, "C"}}
	if f, ok := factors[v.Unit]; ok {
		return n * f.factor, f.unit
	}
	return n, string(v.Unit)
}

// marks print function, storage, tariff and device as in testdata/peer.txt.
func marks(v telegram.Value) (before, after string) {
	before = map[telegram.Function]string{telegram.Maximum: "^", telegram.Minimum: "_", telegram.Error: "!"}[v.Function]
	if v.Storage|v.Tariff|v.Subunit != 0 {
		after = fmt.Sprintf("@%d/%d/%d", v.Storage, v.Tariff, v.Subunit)
	}
	return before, after
}

// agrees tells whether a value is what the peer prints: six decimals, and all digits of a float instead of those that
// tell it from its neighbours.
func agrees(v telegram.Value, want string) bool {
	before, after := marks(v)
	want, hasBefore := strings.CutPrefix(strings.TrimPrefix(want, "~"), before)
	want, hasAfter := strings.CutSuffix(want, after)
	if !hasBefore || !hasAfter {
		return false
	}
	switch {
	case len(want) >= 10 && want[4] == '-' && want[0] != '*':
		return v.At.Format("2006-01-02T15:04:05") == want || v.At.Format("2006-01-02T15:04:05") == want+"T00:00:00"
	case v.Text != "" && strings.TrimLeft(v.Text, "0") != strings.TrimLeft(want, "0"):
		return strings.ReplaceAll(v.Text, " ", "_") == want
	case v.Text != "":
		return true
	}
	n, unit := normal(v)
	number, ok := strings.CutSuffix(want, unit)
	peer, err := strconv.ParseFloat(number, 64)
	return ok && err == nil && math.Abs(n-peer) <= 6e-7+1e-7*math.Abs(peer)
}

// TestPeer compares each value of the telegrams with what libmbus reads in them.
func TestPeer(t *testing.T) {
	telegrams, peers := lines(t, "testdata/telegrams.txt"), lines(t, "testdata/peer.txt")
	compared := 0
	for name, text := range peers {
		t.Run(name, func(t *testing.T) {
			r := Explain(unhex(t, telegrams[name]))
			if !r.OK() {
				t.Fatalf("problems %v", r.Problems)
			}
			values := r.Values
			for i, want := range strings.Fields(text) {
				if want == "-" {
					continue
				}
				if len(values) == 0 {
					t.Fatalf("value %d: none, the peer has %s", i, want)
				}
				if !agrees(values[0], want) {
					t.Errorf("value %d: %+v, the peer has %s", i, values[0], want)
				}
				values = values[1:]
				compared++
			}
			if len(values) > 0 {
				t.Errorf("the peer does not have %+v", values)
			}
		})
	}
	if len(peers) < 30 || compared < 300 {
		t.Errorf("compared %d values of %d telegrams", compared, len(peers))
	}
}
