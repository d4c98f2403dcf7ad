package contract

import "strings"

// readTable reads one shape and its columns, each with rows values. It is nil when they do not fit.
func readTable(r *cborReader, rows int) *table {
	if r.array() != 2 || rows == 0 {
		return nil
	}
	t := &table{parts: strings.Split(r.text(), hole)}
	if n := r.array(); n != len(t.parts)-1 {
		return nil
	}
	var nums [][]int64
	for range len(t.parts) - 1 {
		f, v := readColumn(r, rows, nums)
		if f == nil {
			return nil
		}
		t.columns, nums = append(t.columns, f), append(nums, v)
	}
	return t
}

type columnFunc = func(row int, prev string) string

func readColumn(r *cborReader, rows int, nums [][]int64) (columnFunc, []int64) {
	n := r.array()
	kind := r.int()
	switch {
	case n == 2 && kind == colSame:
		s := r.text()
		return func(int, string) string { return s }, nil
	case n == 2 && kind == colPrev:
		return prevFunc(r.text()), nil
	case n == 3 && (kind == colInt || kind == colTime):
		return readNumbers(r, kind, rows, nums)
	case n == 3 && kind == colDecimal:
		return readDecimals(r, rows), nil
	case n == 2 && kind == colHex:
		return readHex(r, rows), nil
	case n == 3 && kind == colWords:
		return readWords(r, rows), nil
	case n == 2 && kind == colText:
		return fromTexts(r.texts(), rows), nil
	}
	return nil, nil
}

func prevFunc(first string) columnFunc {
	return func(_ int, prev string) string {
		if prev == "" {
			return first
		}
		return prev
	}
}

func readNumbers(r *cborReader, kind int64, rows int, nums [][]int64) (columnFunc, []int64) {
	base := r.int()
	v := r.ints()
	if len(v) != rows || base < 0 || base > int64(len(nums)) || base > 0 && nums[base-1] == nil {
		return nil, nil
	}
	sum(v)
	if base > 0 {
		for i, other := range nums[base-1] {
			v[i] += other
		}
	}
	if kind == colTime {
		return func(row int, _ string) string { return formatTime(v[row]) }, v
	}
	return func(row int, _ string) string { return formatInt(v[row]) }, v
}

// sum turns differences into values.
func sum(v []int64) {
	for i := 1; i < len(v); i++ {
		v[i] += v[i-1]
	}
}

func readDecimals(r *cborReader, rows int) columnFunc {
	v, formats := r.ints(), r.ints()
	if len(v) != rows || len(formats) != 1 && len(formats) != rows {
		return nil
	}
	sum(v)
	return func(row int, _ string) string {
		return formatDecimal(decimal{v[row], formats[min(row, len(formats)-1)]})
	}
}

func readHex(r *cborReader, rows int) columnFunc {
	v := make([][]byte, r.array())
	for i := range v {
		v[i] = r.bytes()
	}
	if len(v) != rows {
		return nil
	}
	return func(row int, _ string) string { return formatHex(v[row]) }
}

func readWords(r *cborReader, rows int) columnFunc {
	words, at := r.texts(), r.ints()
	if len(at) != rows {
		return nil
	}
	for _, i := range at {
		if i < 0 || i >= int64(len(words)) {
			return nil
		}
	}
	return func(row int, _ string) string { return words[at[row]] }
}

func fromTexts(v []string, rows int) columnFunc {
	if len(v) != rows {
		return nil
	}
	return func(row int, _ string) string { return v[row] }
}
