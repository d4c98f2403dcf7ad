package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestPromise10SecretsAreHidden: no way of printing a config shows a secret.
func TestPromise10SecretsAreHidden(t *testing.T) {
	const value = "hunter2-and-more"
	n := Node{Name: "n1", Cards: Cards{PSC: NewSecret(value)}, Uplink: &Uplink{Password: NewSecret(value)}}
	sneaky := struct{ inner struct{ s Secret } }{struct{ s Secret }{NewSecret(value)}}
	printed := map[string]string{
		"hex of": fmt.Sprintf("%x %X", n.Cards.PSC, *n.Uplink),
		"joined": "psc " + n.Cards.PSC.String(), "in Go": n.Cards.PSC.GoString(), // not through fmt
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed[verb] = fmt.Sprintf(verb, n) + fmt.Sprintf(verb, *n.Uplink) + fmt.Sprintf(verb, n.Cards.PSC) +
			fmt.Sprintf(verb, &n.Cards.PSC) + fmt.Sprintf(verb, sneaky)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "xml": xml.Marshal} {
		b, err := marshal(n)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		printed[name] = string(b)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("start", "config", n, "psc", n.Cards.PSC, "uplink", n.Uplink)
	}
	printed["slog"] = log.String()
	for how, text := range printed {
		for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows the secret: %s", how, text)
			}
		}
		if how != "hex of" && !strings.Contains(text, hidden) {
			t.Errorf("%s does not say that something is hidden: %s", how, text)
		}
	}
}

func TestSecretSet(t *testing.T) {
	if (Secret{}).IsSet() || (Secret{}).Reveal() != "" || NewSecret("").IsSet() {
		t.Error("an unset secret claims to be set")
	}
	if s := NewSecret("x"); !s.IsSet() || s.Reveal() != "x" {
		t.Error("a secret lost its value")
	}
}
