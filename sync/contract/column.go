package contract

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of columns. A column is one leaf of one shape over the rows of that shape.
const (
	colSame    = 0 // [0, text]: the same in every row
	colPrev    = 1 // [1, text]: the hash of the record before, quoted; text for the envelope's first record
	colInt     = 2 // [2, base, [int…]]: integers
	colTime    = 3 // [3, base, [int…]]: times of the wire's own layout, as ms since 1970
	colDecimal = 4 // [4, [int…], [format…]]: strings of digits with or without a point; one format for all or one each
	colHex     = 5 // [5, [bytes…]]: strings of lower case hex
	colWords   = 6 // [6, [text…], [index…]]: few different texts
	colText    = 7 // [7, [text…]]: anything
)

// Integers are differences from the row before (the first: from 0). With base k > 0, what is counted is the difference
// from the value of column k-1 of the same row, an integer or a time.

// column writes leaves in the kind that suits them. nums holds the values of integer and time columns before it.
func column(b []byte, leaves []string, nums [][]int64) ([]byte, []int64) {
	if slices.Min(leaves) == slices.Max(leaves) {
		return cborString(append(cborHead(b, cborArray, 2), colSame), leaves[0]), nil
	}
	if v, ok := parseAll(leaves, parseTime); ok {
		return numbers(b, colTime, v, nums), v
	}
	if v, ok := parseAll(leaves, parseInt); ok {
		return numbers(b, colInt, v, nums), v
	}
	if v, ok := parseAll(leaves, parseDecimal); ok {
		return decimals(b, v), nil
	}
	if v, ok := parseAll(leaves, parseHex); ok {
		b = cborHead(append(cborHead(b, cborArray, 2), colHex), cborArray, uint64(len(v)))
		for _, x := range v {
			b = cborBlob(b, x)
		}
		return b, nil
	}
	return texts(b, leaves), nil
}

func parseAll[T any](leaves []string, f func(string) (T, bool)) ([]T, bool) {
	out := make([]T, len(leaves))
	for i, s := range leaves {
		v, ok := f(s)
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}

func numbers(b []byte, kind byte, v []int64, nums [][]int64) []byte {
	best, base := cborInts(nil, deltas(v)), 0
	for k, other := range nums {
		if other == nil {
			continue
		}
		diff := make([]int64, len(v))
		for i := range v {
			diff[i] = v[i] - other[i]
		}
		if try := cborInts(nil, deltas(diff)); len(try) < len(best) {
			best, base = try, k+1
		}
	}
	b = append(cborHead(b, cborArray, 3), kind)
	return append(cborHead(b, cborUint, uint64(base)), best...)
}

func cborInts(b []byte, v []int64) []byte {
	b = cborHead(b, cborArray, uint64(len(v)))
	for _, x := range v {
		b = cborInt(b, x)
	}
	return b
}

func deltas(v []int64) []int64 {
	out := make([]int64, len(v))
	last := int64(0)
	for i, x := range v {
		out[i], last = x-last, x
	}
	return out
}

// decimal is a string of digits as a number and the way it was written: format is the digits behind the point, plus 32
// times the number of digits in all when there are zeros in front.
type decimal struct {
	value  int64
	format int64
}

func decimals(b []byte, v []decimal) []byte {
	values, formats := make([]int64, len(v)), make([]int64, len(v))
	for i, d := range v {
		values[i], formats[i] = d.value, d.format
	}
	if slices.Min(formats) == slices.Max(formats) {
		formats = formats[:1]
	}
	b = append(cborHead(b, cborArray, 3), colDecimal)
	return cborInts(cborInts(b, deltas(values)), formats)
}

func texts(b []byte, leaves []string) []byte {
	words := slices.Compact(slices.Sorted(slices.Values(leaves)))
	if len(words) > len(leaves)/2 {
		b = cborHead(append(cborHead(b, cborArray, 2), colText), cborArray, uint64(len(leaves)))
		for _, s := range leaves {
			b = cborString(b, s)
		}
		return b
	}
	b = cborHead(append(cborHead(b, cborArray, 3), colWords), cborArray, uint64(len(words)))
	for _, s := range words {
		b = cborString(b, s)
	}
	b = cborHead(b, cborArray, uint64(len(leaves)))
	for _, s := range leaves {
		at, _ := slices.BinarySearch(words, s)
		b = cborHead(b, cborUint, uint64(at))
	}
	return b
}

func quoted(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' {
		return "", false
	}
	return s[1 : len(s)-1], true
}

func parseInt(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && formatInt(v) == s
}

func formatInt(v int64) string { return strconv.FormatInt(v, 10) }

func parseTime(s string) (int64, bool) {
	in, ok := quoted(s)
	if !ok || len(in) != len("2006-01-02T15:04:05.000Z") {
		return 0, false
	}
	t, err := time.Parse(timeLayout, in)
	return t.UnixMilli(), err == nil && formatTime(t.UnixMilli()) == s
}

func formatTime(ms int64) string { return `"` + time.UnixMilli(ms).UTC().Format(timeLayout) + `"` }

func parseDecimal(s string) (decimal, bool) {
	in, ok := quoted(s)
	whole, frac, point := strings.Cut(in, ".")
	digits := whole + frac
	if !ok || len(digits) == 0 || len(digits) > 18 || point && frac == "" {
		return decimal{}, false
	}
	v, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return decimal{}, false
	}
	d := decimal{int64(v), int64(len(frac))}
	if formatDecimal(d) != s {
		d.format += 32 * int64(len(digits))
	}
	return d, formatDecimal(d) == s
}

// formatDecimal is empty for a format that no encoder writes.
func formatDecimal(d decimal) string {
	scale, width := int(d.format&31), int(d.format>>5)
	if d.value < 0 || d.format < 0 || d.format >= 32*19 || scale > 18 {
		return ""
	}
	digits := strconv.FormatInt(d.value, 10)
	if pad := max(width, scale+1) - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	if scale > 0 {
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	return `"` + digits + `"`
}

func parseHex(s string) ([]byte, bool) {
	in, ok := quoted(s)
	if !ok || len(in) == 0 || len(in) > math.MaxInt16 {
		return nil, false
	}
	v, err := hex.DecodeString(in)
	return v, err == nil && formatHex(v) == s
}

func formatHex(v []byte) string { return `"` + hex.EncodeToString(v) + `"` }
