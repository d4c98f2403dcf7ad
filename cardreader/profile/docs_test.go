package profile

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentation keeps the integrators' page true: its example loads, and it names every word that a profile can use.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/card-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, rest, _ := strings.Cut(page, "```toml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example on the page")
	}
	if p, err := Load("example.toml", []byte(example)); err != nil || p.Name != "ACME v1" {
		t.Errorf("the example: %v, %v", p, err)
	}
	words := encodings()
	c := &checker{p: &Profile{}}
	for _, b := range c.blocks() {
		for _, m := range b.meanings {
			words = append(words, string(m))
		}
	}
	for _, w := range []Checksum{CRC8, CRC16False, CRC16X, Sum8, Xor8} {
		words = append(words, string(w))
	}
	words = append(words, string(OrderCumulative), string(OrderReplaces), string(OrderAdds), string(CountCard), string(CountMeter),
		string(CountIfEmpty), string(CountIncreases), string(CountNone), string(SwipedWriteBack), string(SwipedMark), string(SwipedZero),
		string(CopiesAlternate), string(CopiesBackup), string(CopiesSingle), string(WriteInvalidate), string(WriteBody), string(WriteCommit),
		string(WriteBackup), string(WriteStamp), ReissueIssueCount, ReissueNewNumber)
	for _, w := range words {
		if !strings.Contains(page, "`"+w+"`") && !strings.HasPrefix(w, "limit_") && !strings.HasPrefix(w, "price_") {
			t.Errorf("%q is not on the page", w)
		}
	}
	for _, name := range List() {
		if !strings.Contains(page, name) {
			t.Errorf("shipped profile %s is not on the page", name)
		}
	}
}
