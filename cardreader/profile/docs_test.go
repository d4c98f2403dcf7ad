package profile

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"tally/cardreader/space"
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
		string(WriteBackup), string(WriteStamp), string(WriteErase), string(WriteRecord), ReissueIssueCount, ReissueNewNumber)
	for _, chip := range chipTypes {
		words = append(words, chip)
		for _, k := range space.Kinds(chip) {
			words = append(words, string(k))
		}
	}
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

// TestEveryKeyIsDocumented: each key that the format has stands on the page, and the page's tables name no key that the
// format does not have.
func TestEveryKeyIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/card-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	keys := map[string]bool{}
	keysOf(reflect.TypeFor[Profile](), keys)
	for k := range keys {
		if !strings.Contains(page, "`"+k+"`") && !strings.Contains(page, "`["+k+"]`") && !strings.Contains(page, "`[["+k+"]]`") {
			t.Errorf("key %q is not on the page", k)
		}
	}
	for _, k := range firstColumns(page, "| key |") {
		if !keys[k] {
			t.Errorf("the page describes a key %q, which the format does not have", k)
		}
	}
	if len(keys) < 60 {
		t.Errorf("only %d keys found: the search is broken", len(keys))
	}
}

func keysOf(typ reflect.Type, keys map[string]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	for i := range typ.NumField() {
		if k := typ.Field(i).Tag.Get("toml"); k != "" && k != "-" {
			keys[k] = true
			keysOf(typ.Field(i).Type, keys)
		}
	}
}

// firstColumns are the words in backquotes in the first column of the tables with that head.
func firstColumns(page, head string) []string {
	var found []string
	in := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, head):
			in = true
		case !strings.HasPrefix(line, "|"):
			in = false
		case in:
			cell, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
			for i, w := range strings.Split(cell, "`") {
				if i%2 == 1 {
					found = append(found, w)
				}
			}
		}
	}
	return found
}
