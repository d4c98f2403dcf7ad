package decode

import (
	"os"
	"strings"
	"testing"

	"tally/meter/telegram"
)

// TestThePageNamesEverything: docs/decode.md has each code, each protocol, and each part that the published frames have.
func TestThePageNamesEverything(t *testing.T) {
	text, err := os.ReadFile("../../docs/decode.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	codes := []string{
		telegram.Truncated, telegram.Start, telegram.Length, telegram.Checksum, telegram.Stop, telegram.Control, telegram.BCD, telegram.Content,
		telegram.Clock, telegram.Ambiguous, telegram.Unknown, telegram.Refused, telegram.Trailing, telegram.Junk, telegram.Encrypted, telegram.NotHex, telegram.More,
	}
	for _, word := range append(codes, Protocols()...) {
		if !strings.Contains(page, "`"+word+"`") && !strings.Contains(page, word+"|") && !strings.Contains(page, "|"+word) {
			t.Errorf("%s is not on the page", word)
		}
	}
	frames := []string{ask188, copied188, heat188, ask97, answer97, answer07, longMBus, fixedMBus, askRTU, answerRTU, askTCP, "E5", "0A 81 02 B0 53", "FE " + ask07}
	for _, text := range frames {
		r, _ := Text(text, Options{})
		for _, f := range r.Frame {
			if !strings.Contains(page, "`"+f.Name+"`") {
				t.Errorf("%s: part %s is not on the page", r.Protocol, f.Name)
			}
		}
	}
}
