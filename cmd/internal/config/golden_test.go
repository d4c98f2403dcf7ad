package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected texts anew")

// known is what the test configs may name.
var known = Known{
	Models:   []string{"generic-water", "generic-gas", "tuf-2000f", "water-188", "any-188", "energy-645", "heat-mbus"},
	Speaks:   map[string]string{"generic-water": "modbus", "generic-gas": "modbus", "tuf-2000f": "modbus", "water-188": CJT188, "any-188": CJT188, "energy-645": DLT645, "heat-mbus": MBus},
	Kinds:    []string{"gas", "cold-water"},
	Kindless: []string{"any-188"},
	Profiles: []string{"GEN4442 v1"},
	Address:  testAddress,
	ProfileDir: func(string) ([]string, error) {
		return nil, errors.New("acme.toml:3: titel: unknown key")
	},
	ModelDir: func(more Known, dir string) (Known, error) {
		if _, err := os.Stat(dir); err != nil {
			return more, errors.New("bad.toml:3:1: unknown key \"modle\"")
		}
		more.Models = append(slices.Clone(more.Models), "own-gas")
		return more, nil
	},
}

// testAddress takes digits of the protocol's length, and fills them up.
func testAddress(protocol, s string) (string, bool) {
	n := map[string]int{CJT188: 14, DLT645: 12, MBus: 3}[protocol]
	if len(s) > n || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return strings.Repeat("0", n-len(s)) + s, true
}

const (
	testPSC      = "A1B2C3"
	testPassword = "hunter2 is long"
)

func testEnv(name string) string {
	return map[string]string{"TEST_PSC": testPSC, "TEST_PASSWORD": testPassword}[name]
}

// workspace copies the config files of a testdata folder into an empty folder, adds secrets and certificates with the
// permissions that a version control system cannot keep, and works there.
func workspace(t *testing.T, folder string) (files []string) {
	t.Helper()
	dir := t.TempDir()
	found, err := filepath.Glob(filepath.Join("testdata", folder, "*.toml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, f := range found {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, filepath.Base(f)), text, 0o644)
		files = append(files, filepath.Base(f))
	}
	put(t, filepath.Join(dir, "good.secret"), []byte(testPSC+"\n"), 0o640)
	put(t, filepath.Join(dir, "password.secret"), []byte(testPassword+"\r\n"), 0o600)
	put(t, filepath.Join(dir, "open.secret"), []byte(testPSC+"\n"), 0o644)
	put(t, filepath.Join(dir, "empty.secret"), []byte("\n"), 0o600)
	put(t, filepath.Join(dir, "centre.pub"), []byte("# of 2026\ncentral-2026:"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n"), 0o644)
	certificate(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	return files
}

func put(t *testing.T, file string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // past the umask
		t.Fatal(err)
	}
}

func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "test.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644)
	put(t, filepath.Join(dir, "test.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// compare checks text against testdata/folder/name, or writes it there.
func compare(t *testing.T, source, folder, name, text string) {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, wd, "DIR")
	golden := filepath.Join(source, "testdata", folder, name)
	if *update {
		put(t, golden, []byte(text), 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func wantName(file, ext string) string { return strings.TrimSuffix(file, ".toml") + ext }

// checkBad loads every bad file and compares the problems in both languages.
func checkBad(t *testing.T, folder string, loadFile func(string) error) {
	source, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range workspace(t, folder) {
		t.Run(file, func(t *testing.T) {
			err := loadFile(file)
			problems, ok := errors.AsType[Problems](err)
			if !ok {
				t.Fatalf("error %v, want Problems", err)
			}
			text := problems.Text("en") + "\n--\n" + problems.Text("zh") + "\n"
			if strings.Contains(text, "%!") {
				t.Errorf("arguments do not fit the sentence: %s", text)
			}
			for _, secret := range []string{"A1B2C3", "a1b2c3", "hunter2"} {
				if strings.Contains(text, secret) {
					t.Errorf("the secret %q is in: %s", secret, text)
				}
			}
			compare(t, source, folder, wantName(file, ".want"), text)
		})
	}
}

// TestBadNode: each rule has a file that breaks it, and the text that says so.
func TestBadNode(t *testing.T) {
	checkBad(t, "bad", func(file string) error {
		_, err := LoadNode(file, Options{Known: known, Getenv: testEnv})
		return err
	})
}

// TestBadCentral is the same for the centre.
func TestBadCentral(t *testing.T) {
	checkBad(t, "central", func(file string) error {
		_, err := LoadCentral(file, Options{Getenv: testEnv})
		return err
	})
}

// TestGoodNode compares what good files resolve to.
func TestGoodNode(t *testing.T) {
	source, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range workspace(t, "good") {
		t.Run(file, func(t *testing.T) {
			n, err := LoadNode(file, Options{Known: known, Getenv: testEnv})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetIndent("", "  ")
			if err := enc.Encode(n); err != nil {
				t.Fatal(err)
			}
			compare(t, source, "good", wantName(file, ".json"), b.String())
			if strings.HasPrefix(file, "secrets-") && (n.Cards.PSC.Reveal() != testPSC || n.Uplink.Password.Reveal() != testPassword) {
				t.Error("the secrets were not read as they are")
			}
		})
	}
}

// TestEveryRuleHasABadFile: no sentence is there that no test has seen.
func TestEveryRuleHasABadFile(t *testing.T) {
	seen := map[string]bool{codeRead: true, codeTooLarge: true, codeTooMany: true}
	for folder, loadFile := range map[string]func(string) error{
		"bad":     func(f string) error { _, err := LoadNode(f, Options{Known: known, Getenv: testEnv}); return err },
		"central": func(f string) error { _, err := LoadCentral(f, Options{Getenv: testEnv}); return err },
	} {
		t.Run(folder, func(t *testing.T) {
			for _, file := range workspace(t, folder) {
				problems, _ := errors.AsType[Problems](loadFile(file))
				for _, p := range problems {
					seen[p.Code] = true
				}
			}
		})
	}
	for code := range phrases {
		if !seen[code] {
			t.Errorf("no bad file for %s", code)
		}
	}
}
