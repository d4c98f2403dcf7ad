package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadDir(t *testing.T) {
	dir := t.TempDir()
	small, err := os.ReadFile("testdata/small.toml")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("small.toml", string(small))
	put("notes.txt", "not a profile")
	all, err := LoadDir(dir)
	if err != nil || len(all) != 1 || all[0].Name != "SMALL v2" {
		t.Fatalf("%v, %v", all, err)
	}
	gen, err := os.ReadFile("gen4442v1.toml")
	if err != nil {
		t.Fatal(err)
	}
	put("twice.toml", string(small))
	put("shipped.toml", string(gen))
	put("broken.toml", "format = 1\ncolour = 2\n")
	if err := os.Mkdir(filepath.Join(dir, "folder.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = LoadDir(dir)
	if err == nil {
		t.Fatal("a folder with three wrong files loads")
	}
	for _, want := range []string{"broken.toml:2: colour: unknown key", `shipped.toml:1: name: there is another profile "GEN4442 v1"`, `twice.toml:1: name: there is another profile "SMALL v2"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if _, err := LoadDir(filepath.Join(dir, "gone")); err == nil {
		t.Error("no folder")
	}
}
