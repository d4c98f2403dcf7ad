package profile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestBuiltin(t *testing.T) {
	names := List()
	if !slices.Contains(names, "GEN4442 v1") || !slices.IsSorted(names) {
		t.Fatalf("shipped: %v", names)
	}
	for _, n := range names {
		p, err := Builtin(n)
		if err != nil || p.Name != n {
			t.Errorf("%s: %v, %v", n, p, err)
		}
	}
	if _, err := Builtin("GEN4442 v9"); err == nil || !strings.Contains(err.Error(), "GEN4442 v1") {
		t.Errorf("unknown profile: %v, want an error that names what there is", err)
	}
}

// TestShippedFilesLoad says what is wrong with a shipped file; none is shipped that does not load.
func TestShippedFilesLoad(t *testing.T) {
	files, err := filepath.Glob("*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shipped files: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Load(name, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if b, err := Builtin(p.Name); err != nil || b.Name != p.Name {
			t.Errorf("%s is not among the shipped: %v", p.Name, err)
		}
	}
}

func TestSmallIsGood(t *testing.T) {
	data, err := os.ReadFile("testdata/small.toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load("small.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "SMALL v2" || p.Header.Slots[0].At != 0x20 || p.Order.Field(Cumulative).Len != 4 {
		t.Errorf("loaded %+v", p)
	}
}

// TestBadFiles loads every file under testdata/bad, each good but for one thing, and compares all that is said about it
// with testdata/bad.txt.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	var got strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Load(filepath.Base(f), data)
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: %v, want an *Error", f, err)
			continue
		}
		got.WriteString(err.Error() + "\n")
	}
	if os.Getenv("TALLY_UPDATE") != "" { // then read the difference
		if err := os.WriteFile("testdata/bad.txt", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/bad.txt")
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("testdata/bad.txt, line %d:\n got %q\nwant %q", i+1, at(g, i), at(w, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"*.toml", "testdata/*.toml", "testdata/bad/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Load("fuzz.toml", data)
		if err != nil {
			return
		}
		// What was accepted must be usable on any image without a panic.
		image := make([]byte, p.Chip.Size)
		for _, b := range []*Block{p.Header, p.Order, p.WriteBack, p.Tariff, p.Stamp} {
			if b == nil {
				continue
			}
			for i := range b.Slots {
				p.Seal(b, image, i)
				p.Verify(b, image, i)
				for j := range b.Fields {
					fl := &b.Fields[j]
					_, _ = fl.Int(b.Of(image, i))
					_, _ = fl.Text(b.Of(image, i))
					_ = fl.PutInt(b.Of(image, i), 1)
				}
			}
		}
	})
}
