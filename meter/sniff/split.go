package sniff

import "time"

// Side says who sent bytes.
type Side string

// Sides. Who only listens on a wire cannot tell them apart.
const (
	Anybody Side = ""
	Master  Side = "master"
	Meter   Side = "meter"
)

// Chunk is what one read brought.
type Chunk struct {
	At    time.Time // when its last byte was there
	From  Side
	Bytes []byte
}

// Piece is a frame, or bytes that are none, with the time around it.
type Piece struct {
	At    time.Time     // of the first byte of its burst
	Gap   time.Duration // silence before it; 0 for what follows within the same burst, and for the first piece of all
	From  Side
	First bool // begins a burst
	Found
}

// most bounds a burst: noise without end is shown in parts.
const most = 2048

// Splitter turns chunks into pieces. The zero value with a Gap is ready; it belongs to one goroutine.
type Splitter struct {
	Gap  time.Duration // silence that ends a burst
	Char time.Duration // time of one character on the wire, 0 if unknown

	buf   []byte
	from  Side
	began time.Time
	last  time.Time // when the last byte was there
	quiet time.Duration
	any   bool
}

// DefaultGap is the silence that ends a burst on a line with that character time: 3.5 characters, but not less than
// what USB adapters keep bytes back.
func DefaultGap(char time.Duration) time.Duration { return max(char*7/2, 20*time.Millisecond) }

// Take adds a chunk and returns what it shows to be complete.
func (s *Splitter) Take(c Chunk) []Piece {
	if len(c.Bytes) == 0 {
		return nil
	}
	first := c.At.Add(-s.Char * time.Duration(len(c.Bytes)))
	silence := time.Duration(0)
	if s.any {
		silence = max(first.Sub(s.last), 0)
	}
	var out []Piece
	if len(s.buf) > 0 && (silence >= s.Gap || c.From != s.from || len(s.buf)+len(c.Bytes) > most) {
		out = s.Flush()
	}
	if len(s.buf) == 0 {
		s.began, s.quiet, s.from = first, silence, c.From
	}
	s.buf = append(s.buf, c.Bytes...)
	s.last, s.any = c.At, true
	return out
}

// Idle returns what is complete because nothing has come since, as far as now tells.
func (s *Splitter) Idle(now time.Time) []Piece {
	if len(s.buf) == 0 || now.Sub(s.last) < s.Gap {
		return nil
	}
	return s.Flush()
}

// Flush returns what is there, complete or not.
func (s *Splitter) Flush() []Piece {
	if len(s.buf) == 0 {
		return nil
	}
	var out []Piece
	for i, f := range Cut(s.buf) {
		p := Piece{At: s.began, From: s.from, First: i == 0, Found: f}
		if i == 0 {
			p.Gap = s.quiet
		}
		out = append(out, p)
	}
	s.buf = nil
	return out
}
