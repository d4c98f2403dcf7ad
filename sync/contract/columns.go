package contract

import (
	"encoding/json"
	"errors"
	"slices"
)

// packColumns writes records column by column: texts that differ in their numbers and strings only share a shape, and
// each leaf of a shape is a column. What unpackColumns gives back are the same bytes.
//
//	[ [shape of each record…], [ [shape, [column…]]… ] ]
func packColumns(records []json.RawMessage) []byte {
	var shapes []string
	index := map[string]int{}
	rows := make([]int64, len(records)) // shape of each record
	table := map[int][][]string{}       // leaves by shape and column
	prevs := map[int][]bool{}           // columns that are the hash of the record before, so far
	for i, raw := range records {
		shape, leaves := split(string(raw))
		s, ok := index[shape]
		if !ok {
			s = len(shapes)
			index[shape], shapes = s, append(shapes, shape)
			table[s], prevs[s] = make([][]string, len(leaves)), slices.Repeat([]bool{true}, len(leaves))
		}
		rows[i] = int64(s)
		for c, leaf := range leaves {
			table[s][c] = append(table[s][c], leaf)
			prevs[s][c] = prevs[s][c] && (i == 0 || leaf == `"`+Hash(records[i-1])+`"`)
		}
	}
	b := cborInts(cborHead(nil, cborArray, 2), rows)
	b = cborHead(b, cborArray, uint64(len(shapes)))
	for s, shape := range shapes {
		b = cborString(cborHead(b, cborArray, 2), shape)
		b = cborHead(b, cborArray, uint64(len(table[s])))
		var nums [][]int64
		for c, leaves := range table[s] {
			if prevs[s][c] && (len(leaves) > 1 || rows[0] != int64(s)) {
				b, nums = prevColumn(b, leaves, rows[0] == int64(s)), append(nums, nil)
				continue
			}
			var v []int64
			b, v = column(b, leaves, nums)
			nums = append(nums, v)
		}
	}
	return b
}

func prevColumn(b []byte, leaves []string, hasFirst bool) []byte {
	first := ""
	if hasFirst {
		first = leaves[0]
	}
	return cborString(append(cborHead(b, cborArray, 2), colPrev), first)
}

var errColumns = errors.New("columns do not fit together")

// unpackColumns gives records back, at most maxRecords of maxBytes in all.
func unpackColumns(b []byte, maxRecords, maxBytes int) ([]json.RawMessage, error) {
	r := &cborReader{rest: b}
	if r.array() != 2 {
		return nil, errColumns
	}
	rows := r.ints()
	count := map[int64]int{}
	for _, s := range rows {
		count[s]++
	}
	if len(rows) == 0 || len(rows) > maxRecords {
		return nil, errColumns
	}
	tables := make([]*table, r.array())
	for s := range tables {
		if tables[s] = readTable(r, count[int64(s)]); tables[s] == nil {
			return nil, errColumns
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return join(rows, tables, maxBytes)
}

func join(rows []int64, tables []*table, maxBytes int) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, 0, len(rows))
	prev := ""
	for _, s := range rows {
		if s < 0 || s >= int64(len(tables)) {
			return nil, errColumns
		}
		raw := tables[s].next(prev)
		if maxBytes -= len(raw); maxBytes < 0 {
			return nil, errColumns
		}
		prev = `"` + Hash(raw) + `"`
		out = append(out, raw)
	}
	return out, nil
}

// table is a shape with its columns; next gives its rows one after the other.
type table struct {
	parts   []string // of the shape, between the holes
	columns []func(row int, prev string) string
	row     int
}

func (t *table) next(prev string) json.RawMessage {
	var raw []byte
	for c, f := range t.columns {
		raw = append(append(raw, t.parts[c]...), f(t.row, prev)...)
	}
	t.row++
	return append(raw, t.parts[len(t.columns)]...)
}
