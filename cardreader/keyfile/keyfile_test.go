package keyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var typed = map[string]string{"vend": strings.Repeat("ab", 16), "line": strings.Repeat("cd", 16), "code": "f00d"}

func keys(t *testing.T) Keys {
	t.Helper()
	k, err := Parse(typed)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedFileOpens(t *testing.T) {
	machine, err := MachineKey(filepath.Join(t.TempDir(), "machine.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Opener{Passphrase([]byte("correct horse battery")), machine} {
		data, err := Seal(keys(t), o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Open(data, o)
		if err != nil {
			t.Fatal(err)
		}
		if b, ok := back.Get("code"); !ok || !bytes.Equal(b, []byte{0xF0, 0x0D}) || fmt.Sprint(back.Has()) != "[code line vend]" {
			t.Errorf("%v holds % X", back.Has(), b)
		}
		if _, ok := back.Get("load"); ok {
			t.Error("a key that was not sealed")
		}
		again, err := Seal(keys(t), o)
		if err != nil || bytes.Equal(again, data) {
			t.Errorf("two files are the same: %v", err)
		}
	}
}

// TestPromise10NothingOpensItElse: another passphrase, another machine and any changed byte are refused, with one sentence.
func TestPromise10NothingOpensItElse(t *testing.T) {
	dir := t.TempDir()
	here, err := MachineKey(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	there, err := MachineKey(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := Seal(keys(t), here)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Opener{"another machine": there, "a passphrase": Passphrase([]byte("correct horse battery"))} {
		if _, err := Open(data, o); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range data {
		spoilt := bytes.Clone(data)
		spoilt[i] ^= 0x01
		k, err := Open(spoilt, here)
		if err == nil && !json.Valid(spoilt) || err == nil && len(k.Has()) != 3 {
			t.Fatalf("byte %d changed, and it opens: %v", i, k.Has())
		}
		if err == nil {
			var was, is file
			if json.Unmarshal(data, &was) != nil || json.Unmarshal(spoilt, &is) != nil || fmt.Sprint(was) != fmt.Sprint(is) {
				t.Fatalf("byte %d changed what the file says, and it opens", i)
			}
		}
	}
	if bytes.Contains(data, []byte("abab")) || bytes.Contains(data, []byte("f00d")) {
		t.Error("a key stands in the file")
	}
}

func TestMachineKeyIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "machine.key")
	first, err := MachineKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := MachineKey(path)
	if err != nil || !bytes.Equal(first.secret, again.secret) {
		t.Errorf("another key: %v", err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := MachineKey(path); err == nil {
		t.Error("a broken key was replaced or taken")
	}
}

func TestRefusals(t *testing.T) {
	if _, err := Seal(keys(t), Passphrase([]byte("short"))); err == nil {
		t.Error("a short passphrase")
	}
	if _, err := Seal(Keys{}, Passphrase([]byte("long enough, really"))); err == nil {
		t.Error("no keys")
	}
	for name, value := range map[string]string{"vend": "abc", "psc": "112233", "line": "secret"} {
		_, err := Parse(map[string]string{name: value})
		if err == nil || strings.Contains(err.Error(), value) {
			t.Errorf("%s: %v", name, err)
		}
	}
	greedy := []byte(`{"format":1,"opens":"argon2id","time":3,"memory_kib":99999999,"salt":"","nonce":"` + strings.Repeat("A", 32) + `","sealed":""}`)
	if _, err := Open(greedy, Passphrase([]byte("x"))); !errors.Is(err, ErrFile) {
		t.Errorf("a file that asks for all memory: %v", err)
	}
}

func TestNothingIsShown(t *testing.T) {
	k, o := keys(t), Passphrase([]byte("correct horse battery"))
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, k, o, struct{ K Keys }{k})
	}
	j, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewJSONHandler(&out, timeless)).Info("x", "keys", k, "opener", o)
	for _, leak := range []string{"abab", "cdcd", "f00d", "171", "horse", "636f7272"} {
		if strings.Contains(strings.ToLower(out.String()), leak) {
			t.Errorf("%q shown in %s", leak, out.String())
		}
	}
}

func FuzzOpen(f *testing.F) {
	o := Opener{byMachine, make([]byte, machineKey)}
	k, err := Parse(typed)
	if err != nil {
		f.Fatal(err)
	}
	good, err := Seal(k, o)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":1,"opens":"machine"}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := Open(data, o)
		if err != nil && !errors.Is(err, ErrFile) && !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
		if err == nil && len(k.Has()) == 0 {
			t.Fatal("opened to nothing")
		}
	})
}

// timeless leaves the time out of a log line: its digits may be any.
var timeless = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}
