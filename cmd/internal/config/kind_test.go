package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadAnyKnowsBothServers: the keys tell whose config it is, a stray key of the other kind does not change that, and
// the mistakes are those that the server itself would find.
func TestLoadAnyKnowsBothServers(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		kind Kind
		want string // in the error; empty when there is none
	}{
		"node":            {"node = \"hall-01\"\ndata_dir = \"d\"\n", KindNode, ""},
		"central":         {"database = \"central.db\"\n[uplink]\nbroker = \"tcp://127.0.0.1:1883\"\n", KindCentral, ""},
		"stray in node":   {"node = \"hall-01\"\ndata_dir = \"d\"\nid = \"x\"\n", KindNode, ":3:1: id: unknown key"},
		"stray in centre": {"id = \"x\"\ndatabase = \"central.db\"\nnode = \"hall-01\"\n[uplink]\nbroker = \"tcp://127.0.0.1:1883\"\n", KindCentral, ":3:1: node: unknown key"},
		"centre's slip":   {"databse = \"central.db\"\nreconcile_at = \"25:00\"\n[uplink]\nbroker = \"tcp://127.0.0.1:1883\"\n", KindCentral, ":2:1: reconcile_at:"},
		"shared only":     {"[http]\nlisten = \"127.0.0.1:1\"\n", "", ":1:1: node: missing"},
		"no TOML":         {"= 3\n", "", ":1:"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "any.toml")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := LoadAny(file, Options{Known: known, Getenv: testEnv})
			if a.Kind != c.kind {
				t.Errorf("held to be %q", a.Kind)
			}
			if c.want == "" {
				if err != nil || (a.Node != nil) != (c.kind == KindNode) || (a.Central != nil) != (c.kind == KindCentral) {
					t.Errorf("%+v, %v", a, err)
				}
				return
			}
			if _, ok := errors.AsType[Problems](err); !ok || !strings.Contains(err.Error(), c.want) || a.Node != nil || a.Central != nil {
				t.Errorf("%+v, %v; want %s", a, err, c.want)
			}
		})
	}
	if a, err := LoadAny(filepath.Join(t.TempDir(), "nowhere.toml"), Options{}); err == nil || a.Kind != "" {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestSigningKeyIsLookedInto: a key file that nobody could sign with is found before the start, at its place.
func TestSigningKeyIsLookedInto(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "central.key"), []byte("no key"), 0o600)
	file := filepath.Join(dir, "central.toml")
	put(t, file, []byte("database = \"central.db\"\nsigning_key_file = \"central.key\"\n[uplink]\nbroker = \"tcp://127.0.0.1:1883\"\n"), 0o600)
	asked := ""
	o := Options{Getenv: testEnv, Known: Known{SigningKey: func(f string) error { asked = f; return errors.New("holds no key") }}}
	_, err := LoadCentral(file, o)
	if want := file + ":2:1: signing_key_file: cannot use the file: holds no key"; err == nil || err.Error() != want || asked != filepath.Join(dir, "central.key") {
		t.Errorf("%v, asked for %q", err, asked)
	}
	o.Known.SigningKey = func(string) error { return nil }
	if c, err := LoadCentral(file, o); err != nil || c.SigningKey != asked {
		t.Errorf("%+v, %v", c, err)
	}
}
