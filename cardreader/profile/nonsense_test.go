package profile

import (
	"os"
	"strings"
	"testing"
)

// Rules that the fields cannot carry: each would be believed on every card, and is refused when the profile is loaded.
func TestRulesThatTheFieldsCannotCarry(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"an issue count that is nowhere", "gen4442v1.toml",
			`{ name = "issue count",    means = "issue_count",`, `{ name = "issue count",    means = "reserved",`, "issue_count"},
		{"a sequence written back that no order has", "rep4442v1.toml",
			`{ name = "count",        means = "seq",`, `{ name = "count",        means = "reserved",`, "write_back_seq"},
		{"a sequence that counts by ten", "gen4442v1.toml",
			`means = "seq",        at = 0x00, len = 2, as = "u16be" },`, `means = "seq",        at = 0x00, len = 2, as = "u16be", scale = 10 },`, "count by one"},
	} {
		data, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(data), c.old, c.new, 1)
		if text == string(data) {
			t.Fatalf("%s: %s does not say %s", c.name, c.file, c.old)
		}
		text = strings.Replace(text, `count   = "meter+1"`, `count   = "none"`, 1)
		if _, err := Load(c.file, []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
