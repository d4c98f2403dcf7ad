package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tally/cardreader/purse"
)

// Format is what a dump file calls itself.
const Format = "tally-card-dump/1"

// MaxImage bounds an image: the largest card that a profile describes is far below it.
const MaxImage = 64 << 10

// MaxFile bounds a dump file.
const MaxFile = 4*MaxImage + 4096

// Dump is one card as it was read.
type Dump struct {
	Format  string      `json:"format"`
	At      time.Time   `json:"at"` // when it was read
	Reader  string      `json:"reader"`
	ATR     string      `json:"atr"`     // hex
	Profile string      `json:"profile"` // the layout that it was identified as, empty when none
	Problem string      `json:"problem"` // why it was not identified, empty when it was
	Image   purse.Image `json:"image"`   // all user bytes, hex
}

// Errors of Parse.
var (
	ErrFormat = errors.New("not a card dump: want the output of card dump --json, of card show --json, or hex")
	ErrEmpty  = errors.New("the dump holds no card bytes")
	ErrSize   = fmt.Errorf("the dump is larger than %d bytes", MaxImage)
)

// Parse reads a dump: the JSON of a Dump, the JSON of a card that was shown ({"state": {"image": …}}), or plain hex with
// any white space and, after a #, comments.
func Parse(raw []byte) (Dump, error) {
	if len(raw) > MaxFile {
		return Dump{}, ErrSize
	}
	d, err := parse(raw)
	switch {
	case err != nil:
		return Dump{}, err
	case len(d.Image) == 0:
		return Dump{}, ErrEmpty
	case len(d.Image) > MaxImage:
		return Dump{}, ErrSize
	}
	return d, nil
}

func parse(raw []byte) (Dump, error) {
	text := strings.TrimSpace(string(raw))
	if !strings.HasPrefix(text, "{") {
		return parseHex(text)
	}
	var f struct {
		Dump
		State *struct {
			Profile string      `json:"profile"`
			Image   purse.Image `json:"image"`
		} `json:"state"`
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return Dump{}, fmt.Errorf("read the dump: %w", err)
	}
	switch {
	case f.Format == Format:
		return f.Dump, nil
	case f.Format != "":
		return Dump{}, fmt.Errorf("dump of format %q: %w", f.Format, ErrFormat)
	case f.State == nil:
		return Dump{}, ErrFormat
	}
	f.Dump.Format, f.Dump.Profile, f.Dump.Image = Format, f.State.Profile, f.State.Image
	return f.Dump, nil
}

func parseHex(text string) (Dump, error) {
	var digits strings.Builder
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.Fields(line) {
			if len(word)%2 != 0 || strings.Trim(word, "0123456789abcdefABCDEF") != "" {
				return Dump{}, fmt.Errorf("line %d: %q is not hex: %w", n+1, clip(word), ErrFormat)
			}
			digits.WriteString(word)
		}
	}
	d := Dump{Format: Format}
	err := d.Image.UnmarshalText([]byte(digits.String()))
	return d, err
}

// clip keeps an error short, however long the nonsense was.
func clip(s string) string {
	const most = 24
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
