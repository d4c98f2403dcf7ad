package csvfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that cannot be used whole says why and where, in both languages; one that can is given without its mark.
func TestReadAndPlain(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.csv")
	if err := os.WriteFile(file, []byte("\ufeffno\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := Read(file, 100)
	if err == nil {
		data, err = Plain(file, data)
	}
	if err != nil || string(data) != "no\n1\n" {
		t.Fatalf("%q %v", data, err)
	}
	_, large := Read(file, 7)
	_, none := Read(filepath.Join(dir, "none"), 100)
	_, folder := Read(dir, 100)
	_, bytes := Plain("b.csv", []byte("no\n1\n\xff\n"))
	for code, c := range map[string]struct {
		err    error
		en, zh string
	}{
		CodeTooLarge:         {large, "larger than 7 bytes", "超过 7 字节"},
		CodeRead:             {none, "cannot read the file", "无法读取文件"},
		CodeRead + " folder": {folder, "not a regular file", "无法读取文件"},
		CodeUTF8:             {bytes, "b.csv:3: this is not UTF-8", "b.csv:3: 不是 UTF-8 编码"},
	} {
		p, ok := errors.AsType[Problems](c.err)
		if !ok || len(p) != 1 || p[0].Code != strings.TrimSuffix(code, " folder") || !strings.Contains(p.Error(), c.en) || !strings.Contains(p.Text("zh"), c.zh) {
			t.Errorf("%s: %v", code, c.err)
		}
	}
}

// A file of exactly the most bytes is taken.
func TestReadToTheBrim(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(file, []byte("1234567"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(file, 7); err != nil || len(data) != 7 {
		t.Errorf("%q %v", data, err)
	}
}

// A problem is one line with its place; what it leaves out is not written.
func TestText(t *testing.T) {
	says := Sentence{"is %s", "为 %s"}
	for want, p := range map[string]Problem{
		"a.csv: is x":       {File: "a.csv", Says: says, Args: []any{"x"}},
		"a.csv:3: no: is x": {File: "a.csv", Line: 3, Column: "no", Says: says, Args: []any{"x"}},
	} {
		if got := p.Text("en"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	ps := Problems{{File: "a", Says: says, Args: []any{1}}, {File: "b", Says: says, Args: []any{2}}}
	if got := ps.Text("zh"); !strings.Contains(got, "a: 为") || strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
}
