package contract

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// The few kinds of CBOR (RFC 8949) that the compact encoding needs, in the core deterministic form of §4.2.1 only:
// shortest heads, definite lengths. Anything else is refused, so that one content has one form.
const (
	cborUint  = 0
	cborNeg   = 1
	cborBytes = 2
	cborText  = 3
	cborArray = 4
)

var errCBOR = errors.New("not CBOR in deterministic form")

func cborHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func cborInt(b []byte, v int64) []byte {
	if v < 0 {
		return cborHead(b, cborNeg, uint64(-1-v))
	}
	return cborHead(b, cborUint, uint64(v))
}

func cborString(b []byte, s string) []byte {
	return append(cborHead(b, cborText, uint64(len(s))), s...)
}

func cborBlob(b, blob []byte) []byte {
	return append(cborHead(b, cborBytes, uint64(len(blob))), blob...)
}

// cborReader takes items off the front; after the first error it returns zeros.
type cborReader struct {
	rest []byte
	err  error
}

func (r *cborReader) fail() {
	r.err = errCBOR
	r.rest = nil
}

func (r *cborReader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// head reads a head of one of the kinds above.
func (r *cborReader) head() (major byte, n uint64) {
	first := r.take(1)
	if r.err != nil {
		return 0, 0
	}
	major, n = first[0]>>5, uint64(first[0]&31)
	if major > cborArray || n > 27 {
		r.fail()
		return 0, 0
	}
	if n < 24 {
		return major, n
	}
	var wide [8]byte
	size := uint64(1) << (n - 24)
	copy(wide[8-size:], r.take(size))
	n = binary.BigEndian.Uint64(wide[:])
	if size == 1 && n < 24 || size > 1 && n>>(size*4) == 0 { // a shorter head would have done
		r.fail()
	}
	return major, n
}

func (r *cborReader) expect(want byte) uint64 {
	major, n := r.head()
	if r.err == nil && major != want {
		r.fail()
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *cborReader) int() int64 {
	major, n := r.head()
	if r.err != nil || major > cborNeg || n > math.MaxInt64 {
		r.fail()
		return 0
	}
	if major == cborNeg {
		return -1 - int64(n)
	}
	return int64(n)
}

func (r *cborReader) text() string {
	b := r.take(r.expect(cborText))
	if !utf8.Valid(b) {
		r.fail()
	}
	return string(b)
}

func (r *cborReader) bytes() []byte { return r.take(r.expect(cborBytes)) }

// array returns the length of an array, which is never more than what could still come.
func (r *cborReader) array() int {
	n := r.expect(cborArray)
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *cborReader) ints() []int64 {
	out := make([]int64, r.array())
	for i := range out {
		out[i] = r.int()
	}
	return out
}

func (r *cborReader) texts() []string {
	out := make([]string, r.array())
	for i := range out {
		out[i] = r.text()
	}
	return out
}

// end is the reader's error, or one when something is left.
func (r *cborReader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		return errCBOR
	}
	return r.err
}
