package cli_test

import (
	"os"
	"strings"
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/cli"
)

// TestALayoutIsTriedThroughPCSCD is an integrator's afternoon: cards of an unknown layout in a real reader, no node, a
// draft of the layout in a file. Nothing of it is installed.
func TestALayoutIsTriedThroughPCSCD(t *testing.T) {
	r := newReader(t)
	d := newTrainer(t)
	for source, chip := range map[string]string{"gen4442v1.toml": "GEN4442", "gen102v1.toml": "GEN102", "gencpuv1.toml": "GENCPU"} {
		text, err := os.ReadFile("../../../cardreader/profile/" + source)
		if err != nil {
			t.Fatal(err)
		}
		mine := strings.Replace(string(text), `"`+chip+`"`, `"ACME`+chip+`"`, 1)
		if mine == string(text) {
			t.Fatalf("%s: no name to change", source)
		}
		d.write("acme.toml", mine)
		p, err := profile.Builtin(chip + " v1")
		if err != nil {
			t.Fatal(err)
		}
		file, _ := d.made(p)
		d.sell(file, purse.OpBuy)
		r.put(d, "--file", file)
		if out := d.tally(t.Context(), 0, "card", "show", "--profile", d.file("acme.toml")); !strings.Contains(out, "ACME"+chip+" v1") || !strings.Contains(out, "12.5") {
			t.Errorf("%s: shown as\n%s", chip, out)
		}
		if out := d.tally(t.Context(), 0, "card", "dump", "--profile", d.file("acme.toml")); !strings.Contains(out, "ACME"+chip+" v1") {
			t.Errorf("%s: dumped as\n%s", chip, out)
		}
		if out := d.tally(t.Context(), 0, "card", "watch", "--count", "4", "--profile", d.file("acme.toml")); !strings.Contains(out, "1234") {
			t.Errorf("%s: watched\n%s", chip, out)
		}
		r.take()

		// A blank card is none of the layout; its bytes are there all the same.
		r.put(d, "--chip", p.Chip.Type, "--profile", p.Name, "--blank", "--key-file", d.file("plain.keys"))
		d.tally(t.Context(), cli.ExitRefused, "card", "show", "--profile", d.file("acme.toml"))
		if out := d.tally(t.Context(), cli.ExitNotWell, "card", "dump", "--json", "--profile", d.file("acme.toml")); !strings.Contains(out, `"problem": "card_blank"`) || !strings.Contains(out, `"image": "`) {
			t.Errorf("%s: a blank card is dumped as\n%s", chip, out)
		}
		r.take()
	}
	d.noSecret()
}
