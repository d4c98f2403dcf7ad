package contract

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

var exampleCommand = Command{
	ID: "c-0195", Node: "hall-1", Counter: 41, Issued: At(exampleTime), Expires: At(exampleTime.Add(time.Hour)),
	Type: CommandReadNow, Args: json.RawMessage(`{"meters":["00112233"]}`),
}

var exampleDesired = Desired{
	Node: "hall-1", Version: 7, Issued: At(exampleTime), Parts: map[string]json.RawMessage{"locks": json.RawMessage(`["00010001"]`)},
}

func signed(t testing.TB, seed byte, c Command) []byte {
	t.Helper()
	payload, err := Sign("k1", testKey(seed), c)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestSignedMessagesAreAsInTheExamples(t *testing.T) {
	keys := Keys{"k1": public(testKey(1))}
	golden(t, "command", signed(t, 1, exampleCommand))
	c, err := OpenCommand(fromGolden(t, "command"), "hall-1", keys)
	if err != nil || c.ID != exampleCommand.ID || string(c.Args) != string(exampleCommand.Args) {
		t.Errorf("%+v %v", c, err)
	}
	payload, err := Sign("k1", testKey(1), exampleDesired)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "desired", payload)
	d, err := OpenDesired(fromGolden(t, "desired"), "hall-1", keys)
	if err != nil || d.Version != 7 || len(d.Parts) != 1 {
		t.Errorf("%+v %v", d, err)
	}
}

func TestForgedAndMisdirectedCommandsAreRefused(t *testing.T) {
	keys := Keys{"k1": public(testKey(1)), "short": {1, 2}}
	good := signed(t, 1, exampleCommand)
	changed := func(f func(*Signed)) []byte {
		var s Signed
		if err := json.Unmarshal(good, &s); err != nil {
			t.Fatal(err)
		}
		f(&s)
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if _, err := OpenCommand(good, "hall-1", keys); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		payload []byte
		node    string
		code    string
	}{
		"another node":    {good, "hall-2", CodeBadSignature},
		"another key":     {signed(t, 2, exampleCommand), "hall-1", CodeBadSignature},
		"unknown key":     {changed(func(s *Signed) { s.Key = "k2" }), "hall-1", CodeBadSignature},
		"unusable key":    {changed(func(s *Signed) { s.Key = "short" }), "hall-1", CodeBadSignature},
		"changed body":    {changed(func(s *Signed) { s.Body = strings.Replace(s.Body, "41", "42", 1) }), "hall-1", CodeBadSignature},
		"no signature":    {changed(func(s *Signed) { s.Sig = "" }), "hall-1", CodeBadSignature},
		"another version": {changed(func(s *Signed) { s.V = 2 }), "hall-1", CodeBadVersion},
		"garbage":         {[]byte("{"), "hall-1", CodeBadEnvelope},
		"too long":        {bytes.Repeat([]byte{' '}, MaxSigned+1), "hall-1", CodeTooLarge},
	} {
		if _, err := OpenCommand(tc.payload, tc.node, keys); codeOf(err) != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
	}
	// A desired state is no command, though the same key has signed both.
	desired, err := Sign("k1", testKey(1), exampleDesired)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCommand(desired, "hall-1", keys); codeOf(err) != CodeBadSignature {
		t.Errorf("a desired state was taken for a command: %v", err)
	}
}

func TestASignedBodyIsBoundToItsNodeInside(t *testing.T) {
	// Signed by the centre for hall-1 by mistake, with hall-2 in the body.
	body, err := json.Marshal(Command{
		ID: "x", Node: "hall-2", Counter: 1, Issued: At(exampleTime), Expires: At(exampleTime.Add(time.Hour)), Type: "x", Args: json.RawMessage("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := Signed{V: Version, Key: "k1", Body: string(body)}
	raw := ed25519.Sign(testKey(1), signedText(KindCmd, "hall-1", s.Body))
	sig, _ := json.Marshal(raw)
	s.Sig = strings.Trim(string(sig), `"`)
	payload, _ := json.Marshal(s)
	if _, err := OpenCommand(payload, "hall-1", Keys{"k1": public(testKey(1))}); codeOf(err) != CodeWrongNode {
		t.Error(err)
	}
}

func TestSignRefuses(t *testing.T) {
	for name, f := range map[string]func(*Command){
		"id": func(c *Command) { c.ID = "" }, "node": func(c *Command) { c.Node = "a/b" }, "counter": func(c *Command) { c.Counter = 0 },
		"no end": func(c *Command) { c.Expires = c.Issued }, "too long": func(c *Command) { c.Expires = At(c.Issued.AddDate(1, 0, 0)) },
		"type": func(c *Command) { c.Type = "" }, "args": func(c *Command) { c.Args = json.RawMessage("[]") },
	} {
		c := exampleCommand
		f(&c)
		if _, err := Sign("k1", testKey(1), c); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	for name, d := range map[string]Desired{"node": {Version: 1, Issued: At(exampleTime)}, "version": {Node: "a", Issued: At(exampleTime)}, "issued": {Node: "a", Version: 1}} {
		if _, err := Sign("k1", testKey(1), d); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestACommandHasItsTime(t *testing.T) {
	for d, want := range map[time.Duration]bool{
		-time.Hour: false, -time.Minute: true, 0: true, 59 * time.Minute: true, time.Hour: false, 10 * 365 * 24 * time.Hour: false,
	} {
		if got := exampleCommand.InTime(exampleTime.Add(d)); got != want {
			t.Errorf("after %s: %v", d, got)
		}
	}
}

func FuzzOpenCommand(f *testing.F) {
	keys := Keys{"k1": public(testKey(1))}
	good := signed(f, 1, exampleCommand)
	f.Add(good)
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := OpenCommand(payload, "hall-1", keys)
		if err == nil && (c.ID != exampleCommand.ID || c.Counter != exampleCommand.Counter) {
			t.Fatalf("forged: %+v", c)
		}
		_, _ = OpenDesired(payload, "hall-1", keys)
	})
}
