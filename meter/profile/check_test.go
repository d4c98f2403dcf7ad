package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestHints(t *testing.T) {
	good := "title = \"t\"\nurl = \"https://example.org/m.pdf\"\n"
	for want, text := range map[string]string{
		"":                           head + good + register("volume", "0", "u32", `unit = "m3"`),
		"title: people":              head + "url = \"https://example.org/m.pdf\"\n" + register("volume", "0", "u32", `unit = "m3"`),
		"url: nobody":                head + "title = \"t\"\n" + register("volume", "0", "u32", `unit = "m3"`),
		"register: none":             head + good + register("flow", "0", "u32", `unit = "m3/h"`),
		"volume: a float of 32 bits": head + good + register("volume", "0", "f32", `unit = "m3"`),
		"volume: it has no unit":     head + good + register("volume", "0", "u32"),
		"flow: it shares registers":  head + good + register("volume", "0", "u32", `unit = "m3"`) + register("flow", "1", "u32", `unit = "m3/h"`),
		"modbus.bridge: a reading":   head + good + many(5),
		"dlt645.item: item 10000":    "model = \"m\"\nsource = \"s\"\nprotocol = \"dlt645\"\n" + good + "[[dlt645.item]]\ndi = \"00010000\"\n[[dlt645.item]]\ndi = \"00010000\"\n",
		"mbus.value: none":           "model = \"m\"\nsource = \"s\"\nprotocol = \"mbus\"\n" + good + "[[mbus.value]]\nfrom = \"flow\"\n",
	} {
		_, hints, err := Check("m.toml", []byte(text))
		var got []string
		for _, h := range hints {
			got = append(got, h.String())
		}
		if err != nil || len(got) > 1 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], want)) || want == "" && len(got) != 0 {
			t.Errorf("hints %q, %v, want %q", got, err, want)
		}
	}
	if _, _, err := Check("m.toml", []byte("model = 1")); err == nil {
		t.Error("no model was checked as one")
	}
}

// many are registers far apart.
func many(n int) (s string) {
	for i := range n {
		s += register([]string{"volume", "b", "c", "d", "e"}[i], fmt.Sprint(100*i), "u32", `unit = "m3"`)
	}
	return s
}

// TestShippedModelsAreWhatIsMeant: what the checker says of ours is known.
func TestShippedModelsAreWhatIsMeant(t *testing.T) {
	files, err := filepath.Glob("models/*.toml")
	if err != nil || len(files) < 12 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, hints, err := Check(filepath.Base(f), text)
		if err != nil {
			t.Error(err)
		}
		for _, h := range hints {
			generic := h.Where == "url" && strings.HasPrefix(filepath.Base(f), "generic-")
			float := strings.Contains(h.Text, "float") // what the maker offers
			if !generic && !float {
				t.Errorf("%s: %s", f, h)
			}
		}
	}
}

// TestDocumentNamesEveryKey: a key that the page does not explain is a key that nobody uses.
func TestDocumentNamesEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../docs/meter-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	walk(reflect.TypeFor[file](), "", &keys)
	for _, k := range keys {
		if !strings.Contains(string(text), "`"+k+"`") {
			t.Errorf("docs/meter-profiles.md does not explain `%s`", k)
		}
	}
	for kind := range words {
		if !strings.Contains(string(text), "`"+string(kind)+"`") {
			t.Errorf("docs/meter-profiles.md does not explain the type `%s`", kind)
		}
	}
	for field := range fieldBytes {
		if !strings.Contains(string(text), "`"+field+"`") {
			t.Errorf("docs/meter-profiles.md does not explain `%s` of a clock", field)
		}
	}
	for _, word := range append(Kinds188(), "ABCD", "CDAB", "BADC", "DCBA", string(Mirrored), string(HighFirst)) {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/meter-profiles.md does not name `%s`", word)
		}
	}
}

// walk lists the keys of a table: "modbus.clock.layout", and "register.name" for arrays of tables.
func walk(t reflect.Type, prefix string, keys *[]string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		key := prefix + t.Field(i).Tag.Get("toml")
		sub := t.Field(i).Type
		before := len(*keys)
		walk(sub, key+".", keys)
		if len(*keys) == before && !slices.Contains(*keys, key) {
			*keys = append(*keys, key)
		}
	}
}

// TestDocumentExampleIsAModel: the worked example of the page parses, and its vector is right.
func TestDocumentExampleIsAModel(t *testing.T) {
	text, err := os.ReadFile("../../docs/meter-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```toml\n")
	if len(blocks) < 4 {
		t.Fatalf("%d examples", len(blocks)-1)
	}
	for i, b := range blocks[1:] {
		example, _, _ := strings.Cut(b, "```")
		if !strings.Contains(example, "title = ") {
			continue // of a config
		}
		p, hints, err := Check(fmt.Sprintf("example%d.toml", i+1), []byte(example))
		if err != nil || len(hints) > 0 {
			t.Errorf("example %d: %v, %v", i+1, hints, err)
		}
		if p != nil && p.Model == "acme-g4" {
			values, err := p.Decode(p.Map.Plan(), [][]byte{unhex(t, "0012 D687"), unhex(t, "0000 09C4")})
			if err != nil || len(values) != 2 || values[0].Number.String() != "12345.67" || values[1].Number.String() != "2.500" {
				t.Errorf("example %d reads %v, %v", i+1, values, err)
			}
		}
	}
}
