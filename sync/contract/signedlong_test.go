package contract

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestWhatIsSignedCanBeRead: nobody signs what no node would read, and the brokers that are handed out let it through.
func TestWhatIsSignedCanBeRead(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	keys := Keys{"k": key.Public().(ed25519.PublicKey)}
	longest := 0
	for _, n := range []int{1000, 2 << 20, MaxSigned - 400, MaxSigned + 1} {
		d := Desired{Node: "n1", Version: 1, Issued: At(time.Unix(1e9, 0)), Parts: map[string]json.RawMessage{"x": json.RawMessage(`"` + strings.Repeat("x", n) + `"`)}}
		payload, err := Sign("k", key, d)
		var bad *Invalid
		if n > MaxSigned {
			if !errors.As(err, &bad) || bad.Code != CodeTooLarge {
				t.Errorf("%d bytes: %v", n, err)
			}
			continue
		}
		if _, opened := OpenDesired(payload, "n1", keys); err != nil || opened != nil {
			t.Errorf("%d bytes: %v, %v", n, err, opened)
		}
		longest = max(longest, len(payload))
	}
	for file, setting := range map[string]string{"mosquitto/tally.conf": `(?m)^message_size_limit (\d+)$`, "nats/nats.conf": `(?m)^max_payload: (\d+)$`} {
		text, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(setting).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s says nothing of how long a message may be", file)
		}
		if n, err := strconv.Atoi(string(m[1])); err != nil || n < MaxSigned+1000 {
			t.Errorf("%s lets %d bytes through, %d are signed", file, n, longest)
		}
	}
}
