package config

import (
	"bytes"
	"errors"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds a config file; the largest concentrator's is a tenth of it.
const maxFile = 1 << 20

// maxDepth bounds the nesting of tables and arrays; the deepest key of ours has four levels.
const maxDepth = 16

// depth is how deep v is nested, at most one more than limit.
func depth(v any, limit int) int {
	deepest := 0
	if limit >= 0 {
		switch v := v.(type) {
		case map[string]any:
			for _, sub := range v {
				deepest = max(deepest, depth(sub, limit-1))
			}
		case []any:
			for _, sub := range v {
				deepest = max(deepest, depth(sub, limit-1))
			}
		default:
			return 0
		}
	}
	return deepest + 1
}

// place is a line and a column, both from 1; columns count characters.
type place struct{ line, col int }

// document is one parsed file: a tree of tables whose keys know their places, and what was found wrong so far.
type document struct {
	file     string
	problems Problems
	getenv   func(string) string
	dir      string // paths in the file are relative to it
}

// entry is one key or array element with its place.
type entry struct {
	at    place
	value any // string, int64, float64, bool, a date or time of go-toml, *table, []entry
}

// table is one TOML table. Readers of it take its keys; close reports those that nobody took.
type table struct {
	doc   *document
	at    place
	path  string // dotted, without array indices, for messages
	keys  map[string]entry
	asked map[string]bool
}

// parse reads a whole document. It returns nil when the text is no TOML, which is then the only problem.
func (d *document) parse(text []byte) *table {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // Windows editors put a byte order mark
	raw := map[string]any{}
	if err := toml.Unmarshal(text, &raw); err != nil {
		at := place{1, 1}
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			line, col := de.Position()
			at = place{line, col}
		}
		d.add(at, "", codeSyntax, strings.TrimPrefix(err.Error(), "toml: "))
		return nil
	}
	if depth(raw, maxDepth) > maxDepth {
		d.add(place{1, 1}, "", codeDepth, maxDepth)
		return nil
	}
	p := newPlaces(text)
	return d.table(raw, p, "", "", place{1, 1})
}

func (d *document) table(raw map[string]any, p *places, pointer, path string, at place) *table {
	t := &table{doc: d, at: at, path: path, keys: map[string]entry{}, asked: map[string]bool{}}
	for key, v := range raw {
		sub := pointer + "/" + key
		t.keys[key] = d.entry(v, p, sub, join(path, key), at)
	}
	return t
}

func (d *document) entry(raw any, p *places, pointer, path string, outer place) entry {
	at, known := p.of[pointer]
	if !known {
		at = outer
	}
	switch v := raw.(type) {
	case map[string]any:
		return entry{at, d.table(v, p, pointer, path, at)}
	case []any:
		list := make([]entry, len(v))
		for i := range v {
			list[i] = d.entry(v[i], p, pointer+"/"+strconv.Itoa(i), path, at)
		}
		return entry{at, list}
	}
	return entry{at, raw}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// places knows where each key of a document stands. Keys are joined with "/" from the root, array elements by number;
// a key that itself holds a "/" may share a place with another, which costs precision in a message and nothing else.
type places struct {
	of     map[string]place
	counts map[string]int // arrays of tables met so far, by pointer
	text   []byte
	lines  []int // offset of each line's start
}

func newPlaces(text []byte) *places {
	p := &places{of: map[string]place{}, counts: map[string]int{}, text: text, lines: []int{0}}
	for i, b := range text {
		if b == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	var parser unstable.Parser
	parser.Reset(text)
	prefix := ""
	for parser.NextExpression() {
		e := parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = p.header(e)
		case unstable.KeyValue:
			p.keyValue(e, prefix)
		}
	}
	return p
}

// header follows a table header and returns the pointer of the table it opens.
func (p *places) header(e *unstable.Node) string {
	pointer := ""
	var last place
	for it := e.Key(); it.Next(); {
		if n, array := p.counts[pointer]; array {
			pointer += "/" + strconv.Itoa(n-1)
		}
		pointer += "/" + string(it.Node().Data)
		last = p.at(it.Node().Raw)
		p.note(pointer, last)
	}
	switch n, array := p.counts[pointer]; {
	case e.Kind == unstable.ArrayTable:
		p.counts[pointer] = n + 1
		pointer += "/" + strconv.Itoa(n)
	case array:
		pointer += "/" + strconv.Itoa(n-1)
	}
	p.note(pointer, last)
	return pointer
}

func (p *places) keyValue(e *unstable.Node, prefix string) {
	pointer := prefix
	var last place
	for it := e.Key(); it.Next(); {
		pointer += "/" + string(it.Node().Data)
		last = p.at(it.Node().Raw)
		p.note(pointer, last)
	}
	p.value(e.Value(), pointer, last)
}

// value notes the places inside an array or an inline table.
func (p *places) value(v *unstable.Node, pointer string, outer place) {
	i := 0
	for it := v.Children(); it.Next(); i++ {
		switch child := it.Node(); v.Kind {
		case unstable.InlineTable:
			p.keyValue(child, pointer)
		case unstable.Array:
			at := outer
			if child.Raw.Length > 0 {
				at = p.at(child.Raw)
			}
			sub := pointer + "/" + strconv.Itoa(i)
			p.note(sub, at)
			p.value(child, sub, at)
		}
	}
}

// note keeps the first place at which a pointer was met.
func (p *places) note(pointer string, at place) {
	if _, met := p.of[pointer]; !met {
		p.of[pointer] = at
	}
}

func (p *places) at(r unstable.Range) place {
	offset := min(int(r.Offset), len(p.text))
	line := sort.SearchInts(p.lines, offset+1)
	start := p.lines[line-1]
	return place{line, utf8.RuneCount(p.text[start:offset]) + 1}
}
