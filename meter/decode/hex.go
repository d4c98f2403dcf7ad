package decode

import (
	"strings"
	"unicode/utf8"

	"tally/meter"
	"tally/meter/telegram"
)

// mostBytes is more than the longest frame with all that people paste around it.
const mostBytes = 4096

// Hex reads bytes as people write them: 68 10, 6810, 68:10, 0x68,0x10, 68H; upper or lower case. Text behind # is a
// comment. A problem's offset counts the bytes of s, from the first.
func Hex(s string) ([]byte, *telegram.Problem) {
	var b []byte
	at := 0
	for at < len(s) {
		r, n := utf8.DecodeRuneInString(s[at:])
		switch {
		case r == '#':
			return b, nil
		case separates(r):
			at += n
			continue
		}
		end := at + strings.IndexFunc(s[at:], func(r rune) bool { return separates(r) || r == '#' })
		if end < at {
			end = len(s)
		}
		word, p := hexWord(s[at:end])
		if p != nil {
			return nil, p.At(at)
		}
		if b = append(b, word...); len(b) > mostBytes {
			return nil, &telegram.Problem{Code: telegram.NotHex, Offset: at, Text: "is longer than any frame", Class: meter.ErrMalformed}
		}
		at = end
	}
	return b, nil
}

// separates tells what may stand between bytes.
func separates(r rune) bool {
	return r <= ' ' || strings.ContainsRune(":,;-_|\u00a0\u3000，、：；\ufeff", r)
}

// hexWord reads digits without a gap, with 0x in front or h behind or neither.
func hexWord(s string) ([]byte, *telegram.Problem) {
	from := 0
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		from = 2
	}
	digits := s[from:]
	if n := len(digits); n == 3 && (digits[2] == 'h' || digits[2] == 'H') {
		digits = digits[:2]
	}
	var b []byte
	for i := range len(digits) {
		d, ok := digit(digits[i])
		if !ok {
			r, _ := utf8.DecodeRuneInString(digits[i:])
			return nil, &telegram.Problem{
				Code: telegram.NotHex, Offset: from + i, Want: "0–9, A–F", Got: string(r), Text: "is no hexadecimal digit", Class: meter.ErrMalformed,
			}
		}
		if i%2 == 0 {
			b = append(b, d<<4)
		} else {
			b[i/2] |= d
		}
	}
	if len(digits)%2 != 0 || len(digits) == 0 {
		return nil, &telegram.Problem{
			Code: telegram.NotHex, Offset: from + max(len(digits)-1, 0), Want: "two digits", Got: s, Text: "half a byte", Class: meter.ErrMalformed,
		}
	}
	return b, nil
}

func digit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Text explains what a line of text says; ok is false for a line without bytes: blank, or a comment.
func Text(s string, o Options) (r telegram.Report, ok bool) {
	b, p := Hex(s)
	switch {
	case p != nil:
		if o.Protocol != Auto {
			r.Protocol = o.Protocol
		}
		r.Fault(p)
		return r, true
	case len(b) == 0:
		return r, false
	}
	return Frame(b, o), true
}

// Frames decides what arguments of a command line are: several words of one frame, or several frames. They are several
// when each by itself is a whole frame, or when together they are none and none of them is as short as a word.
func Frames(args []string, o Options) []string {
	joined := []string{strings.Join(args, " ")}
	if len(args) < 2 {
		return joined
	}
	each, words := true, false
	for _, a := range args {
		b, p := Hex(a)
		words = words || p == nil && len(b) <= 2 && !(len(b) == 1 && b[0] == 0xE5)
		each = each && p == nil && len(b) > 0 && Frame(b, o).Fit == telegram.FitWhole
	}
	if each {
		return args
	}
	if r, ok := Text(joined[0], o); words || ok && r.Fit == telegram.FitWhole && len(r.Problems) == 0 {
		return joined
	}
	return args
}
