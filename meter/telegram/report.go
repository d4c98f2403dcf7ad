package telegram

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Fit says how much of a frame's form was found. Larger is better.
type Fit int

// Fits.
const (
	FitNothing Fit = iota // no frame of this protocol
	FitStart              // begins like one
	FitHeader             // its header holds, the rest is missing or wrong
	FitShape              // start, length and stop hold; its checksum or its rules do not
	FitMended             // everything holds but one byte of its form, and it is known which
	FitWhole              // undamaged
)

// Field is one part of a frame: an address, a control code, a flag.
type Field struct {
	Name  string
	Value any // string, bool, int, []string or []int
}

// Fields are a frame's parts in the order in which they come. In JSON they are one object.
type Fields []Field

// Add appends a part.
func (f *Fields) Add(name string, value any) { *f = append(*f, Field{name, value}) }

// Get returns a part, nil if the frame does not have it.
func (f Fields) Get(name string) any {
	for _, x := range f {
		if x.Name == name {
			return x.Value
		}
	}
	return nil
}

// MarshalJSON keeps the order.
func (f Fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Report explains one frame to people and to other programs. Offsets count from the first byte given.
type Report struct {
	Protocol string
	Fit      Fit
	Length   int // bytes that the frame takes; 0 if that is not known
	Frame    Fields
	Values   []Value // none when the frame is damaged: nobody knows which byte is wrong
	Problems []*Problem
}

// OK tells whether the frame is good: undamaged, and everything in it was understood or is marked as a note.
func (r Report) OK() bool {
	for _, p := range r.Problems {
		if !p.Note {
			return false
		}
	}
	return r.Fit == FitWhole
}

// Fault adds a problem that makes the frame bad.
func (r *Report) Fault(p *Problem) {
	if p != nil {
		r.Problems = append(r.Problems, p)
	}
}

// Shift moves all offsets by n bytes.
func (r *Report) Shift(n int) {
	for i, p := range r.Problems {
		r.Problems[i] = p.At(n)
	}
}

// Part is a byte of a frame's form whose right value is known.
type Part struct {
	At   int
	Want byte
	Code string
	Text string
}

// Mend looks for the one byte that keeps b from being a whole frame: with the right value in its place whole says yes.
// Nil if it is none of the parts, or if more is wrong than one byte.
func Mend(b []byte, parts []Part, whole func([]byte) bool, class error) *Problem {
	for _, p := range parts {
		if p.At >= len(b) || b[p.At] == p.Want {
			continue
		}
		mended := bytes.Clone(b)
		mended[p.At] = p.Want
		if whole(mended) {
			return Wrong(p.Code, p.At, p.Want, b[p.At], p.Text, class)
		}
	}
	return nil
}

// ASCII turns bytes into text; what cannot be printed is a dot, spaces and zeros at the ends go.
func ASCII(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E {
			return '.'
		}
		return r
	}, string(bytes.Trim(b, "\x00")))
	return strings.TrimSpace(s)
}
