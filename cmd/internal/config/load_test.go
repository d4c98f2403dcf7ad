package config

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSamplesCommentsAreKeys: a key that a sample shows in a comment exists.
func TestSamplesCommentsAreKeys(t *testing.T) {
	for _, kind := range []string{"counter", "concentrator"} {
		text, _ := Sample(kind)
		lines := strings.Split(string(text), "\n")
		shown := 0
		for i, line := range lines {
			key, _, isKey := strings.Cut(line, " = ")
			if !strings.HasPrefix(line, "# ") || !isKey || strings.Contains(key[2:], " ") {
				continue
			}
			shown++
			changed := append([]string(nil), lines...)
			changed[i] = line[2:]
			_, err := parseNode(kind+".toml", []byte(strings.Join(changed, "\n")), Options{Known: known})
			problems, _ := errors.AsType[Problems](err)
			for _, p := range problems {
				if p.Code == codeUnknown || p.Code == codeUnknownGuess || p.Code == codeSyntax || p.Code == codeType {
					t.Errorf("%s: %s: %v", kind, line, p)
				}
			}
		}
		if shown < 4 {
			t.Errorf("%s: saw %d commented keys", kind, shown)
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	_, err := LoadNode(filepath.Join(t.TempDir(), "nowhere.toml"), Options{})
	problems, ok := errors.AsType[Problems](err)
	if !ok || len(problems) != 1 || problems[0].Code != codeRead || problems[0].Line != 0 {
		t.Errorf("got %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large.toml")
	put(t, file, make([]byte, maxFile+1), 0o644)
	_, err := LoadNode(file, Options{})
	if problems, _ := errors.AsType[Problems](err); len(problems) != 1 || problems[0].Code != codeTooLarge {
		t.Errorf("got %v", err)
	}
}

// TestDeepNesting: a hostile nesting costs neither time nor memory.
func TestDeepNesting(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("a.", 20_000) + "a = 1", "[" + strings.Repeat("a.", 20_000) + "a]",
		"a = " + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "a = " + strings.Repeat("{a=", 10_000) + "1" + strings.Repeat("}", 10_000),
	} {
		_, err := parseNode("x.toml", []byte(text), Options{})
		if problems, _ := errors.AsType[Problems](err); len(problems) != 1 || problems[0].Code != codeDepth {
			t.Errorf("%.20s…: %.200v", text, err)
		}
	}
}

func TestTooManyLines(t *testing.T) {
	text := "node = \"n\"\ndata_dir = \"d\"\n" + strings.Repeat("[[line]]\n", 257) + "[http]\nhosts = [" + strings.Repeat(`"a",`, 17) + "]\n"
	_, err := parseNode("x.toml", []byte(text), Options{})
	problems, _ := errors.AsType[Problems](err)
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.Key+" "+p.Code)
	}
	if diff := cmp.Diff([]string{"line too_many", "http.hosts too_many"}, codes); diff != "" {
		t.Error(diff)
	}
}

// TestProblemsAreBounded: a file that is no config does not fill the screen.
func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString("nonsense" + strconv.Itoa(i) + " = 1\n")
	}
	_, err := parseNode("x.toml", []byte(b.String()), Options{})
	if problems, _ := errors.AsType[Problems](err); len(problems) != maxProblems {
		t.Errorf("%d problems", len(problems))
	}
}

// TestPipeAsSecret: a named pipe does not hang the start.
func TestPipeAsSecret(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("makes a named pipe")
	}
	dir := t.TempDir()
	if err := mkfifo(filepath.Join(dir, "pipe")); err != nil {
		t.Fatal(err)
	}
	_, err := parseNode(filepath.Join(dir, "x.toml"), []byte("node=\"n\"\ndata_dir=\"d\"\ncards.psc_file=\"pipe\"\nhttp={cert_file=\"pipe\",key_file=\"pipe\"}"), Options{})
	problems, _ := errors.AsType[Problems](err)
	if len(problems) != 3 {
		t.Errorf("got %v", err)
	}
}

func TestPathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	n, err := parseNode(filepath.Join(dir, "conf", "x.toml"), []byte("node=\"n\"\ndata_dir=\"../data\""), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "data"); n.DataDir != want || n.Socket() != filepath.Join(want, SocketName) {
		t.Errorf("data folder %s, want %s", n.DataDir, want)
	}
	abs := filepath.Join(dir, "elsewhere")
	n, err = parseNode("x.toml", []byte("node=\"n\"\ndata_dir="+strconv.Quote(abs)), Options{})
	if err != nil || n.DataDir != abs {
		t.Errorf("data folder %s, %v", n.DataDir, err)
	}
}

func TestUplinkTLS(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir)
	text := "node=\"n\"\ndata_dir=\"d\"\n[uplink]\nbroker=\"ssl://b.example\"\nca_file=\"test.crt\"\ncert_file=\"test.crt\"\nkey_file=\"test.key\"\n"
	n, err := parseNode(filepath.Join(dir, "x.toml"), []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.Uplink.TLS()
	if err != nil || c.RootCAs == nil || len(c.Certificates) != 1 || c.InsecureSkipVerify || c.MinVersion < tls.VersionTLS12 {
		t.Errorf("TLS config %+v, %v", c, err)
	}
	if err := os.Remove(n.Uplink.KeyFile); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Uplink.TLS(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key that went away: %v", err)
	}
	if c, err := (Uplink{Broker: "tcp://b:1883"}).TLS(); c != nil || err != nil {
		t.Errorf("plain connection: %v %v", c, err)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "192.168.0.1:1": false, "localhost.evil.example:1": false, "x": false,
	} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"listen", "hosts", "cert_file", "key_file", "id"}
	for word, want := range map[string]string{
		"lisen": "listen", "listne": "listen", "host": "hosts", "certfile": "cert_file", "keyfile": "key_file",
		"favicon": "", "": "", "di": "id", "xy": "", strings.Repeat("x", 100): "",
	} {
		if got := nearest(word, keys); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

// FuzzNode: no text makes the loader panic, and every problem has a place inside the text.
func FuzzNode(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.toml", "sample/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := parseNode(filepath.Join(dir, "x.toml"), text, Options{Known: known, Getenv: testEnv})
		if err == nil {
			if !isName(n.Name) || !filepath.IsAbs(n.DataDir) {
				t.Errorf("accepted %q: %+v", text, n)
			}
			return
		}
		problems, ok := errors.AsType[Problems](err)
		if !ok || len(problems) == 0 {
			t.Fatalf("error %v", err)
		}
		lines := strings.Split(string(text), "\n")
		for _, p := range problems {
			for _, lang := range []string{"en", "zh"} {
				if strings.ContainsAny(strings.TrimPrefix(p.Text(lang), dir), "\n\x00\x1b") {
					t.Errorf("unprintable: %q", p.Text(lang))
				}
			}
			if p.Line < 1 || p.Line > len(lines)+1 || p.Col < 1 {
				t.Errorf("place %d:%d of %d lines", p.Line, p.Col, len(lines))
			}
		}
	})
}
