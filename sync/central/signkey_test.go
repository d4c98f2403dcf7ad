package central_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

func TestTheSigningKeyIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "central.key")
	made, err := central.CreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := central.CreateKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key was replaced: %v", err)
	}
	key, err := central.LoadKey(path)
	if err != nil || key.Text() != made.Text() || !strings.HasPrefix(key.Name, "centre-") {
		t.Errorf("%v %v", key, err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Split(string(raw), "\n")[1]
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), key.Text()} {
		if strings.Contains(shown, secret) || strings.Contains(shown, "private") {
			t.Errorf("the private half is in %q", shown)
		}
	}
	if runtime.GOOS != "windows" {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := central.LoadKey(path); !errors.Is(err, central.ErrKeyOpen) {
				t.Errorf("mode %o: %v", mode, err)
			}
		}
	}
	for name, text := range map[string]string{"empty": "", "no PEM": "hunter2", "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := central.LoadKey(path); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANodeObeysTheKeyOnly(t *testing.T) {
	key, err := central.CreateKey(filepath.Join(t.TempDir(), "a.key"))
	if err != nil {
		t.Fatal(err)
	}
	name, pub, err := contract.ParseKeyText(key.Text())
	if err != nil {
		t.Fatal(err)
	}
	c := contract.Command{ID: "c1", Node: "n1", Counter: 1, Issued: contract.At(time.Now()), Expires: contract.At(time.Now().Add(time.Hour)), Type: contract.CommandBackup, Args: json.RawMessage(`{}`)}
	payload, err := key.Command(c)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := contract.OpenCommand(payload, "n1", contract.Keys{name: pub}); err != nil || got.ID != "c1" {
		t.Error(err)
	}
	state, err := key.Desired(contract.Desired{Node: "n1", Version: 3, Issued: contract.At(time.Now()), Parts: map[string]json.RawMessage{}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := contract.OpenDesired(state, "n1", contract.Keys{name: pub}); err != nil || got.Version != 3 {
		t.Error(err)
	}
	for _, bad := range []struct {
		payload []byte
		node    string
	}{{payload, "n2"}, {state, "n2"}} {
		if _, err := contract.OpenCommand(bad.payload, bad.node, contract.Keys{name: pub}); err == nil {
			t.Error("taken by a node that it is not for")
		}
	}
}
