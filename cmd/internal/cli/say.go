package cli

// Tone of everything that is printed:
//
//   - Data go to standard output, words about data to standard error; --json prints data only.
//   - A message begins with the program's name, in lower case, and ends without a full stop: "tally: what happened".
//     What to do about it follows on a line of its own that begins with "hint:" (提示：).
//   - It says what is so and what helps. It does not shout, apologise, thank or joke, and blames nobody.
//   - Names that come from outside (readers, files, cards) are quoted where they could be mistaken for words.
//   - No secret, no phone number, no address; a customer's name is masked before it gets here.
//   - Both languages say the same. A code that has no sentence is printed as it is, never dropped.

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// say prints a message.
func (a *app) say(en, zh string, args ...any) {
	fmt.Fprintf(a.env.Err, "%s: %s\n", a.name, a.f(en, zh, args...))
}

// hint prints what helps.
func (a *app) hint(text string) {
	if text != "" {
		fmt.Fprintf(a.env.Err, "%s%s\n", a.t("hint: ", "提示："), text)
	}
}

// print writes one line of data.
func (a *app) print(format string, args ...any) error {
	_, err := fmt.Fprintf(a.env.Out, format+"\n", args...)
	return a.written(err)
}

// json writes v as data.
func (a *app) json(v any) error { return a.written(encodeJSON(a.env.Out, v)) }

func encodeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// jsonLine writes v as one line of data, for commands that go on.
func (a *app) jsonLine(v any) error {
	enc := json.NewEncoder(a.env.Out)
	enc.SetEscapeHTML(false)
	return a.written(enc.Encode(v))
}

// written wraps what stopped the output: a full disk or a closed pipe.
func (a *app) written(err error) error {
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// plain makes hostile text from readers and cards safe for a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0xfffd || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return '?'
		}
		return r
	}, s)
}
