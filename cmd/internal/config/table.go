package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// take marks a key as known here and returns what the file has for it.
func (t *table) take(key string) (entry, bool) {
	t.asked[key] = true
	e, ok := t.keys[key]
	return e, ok
}

// has reports whether the file sets the key.
func (t *table) has(key string) bool {
	_, ok := t.take(key)
	return ok
}

// place is where the key stands, or its table when it is not there.
func (t *table) place(key string) place {
	if e, ok := t.keys[key]; ok {
		return e.at
	}
	return t.at
}

// bad reports what is wrong with a key.
func (t *table) bad(key, code string, args ...any) {
	t.doc.add(t.place(key), join(t.path, key), code, args...)
}

// wrongType reports a value of another type than the one wanted.
func (t *table) wrongType(key string, e entry, want string) {
	t.doc.add(e.at, join(t.path, key), codeType, word(typeOf(e.value)), word(want))
}

// typed returns the value of a key when it is there and of type T.
func typed[T any](t *table, key, want string) (v T, ok bool) {
	e, there := t.take(key)
	if !there {
		return v, false
	}
	if v, ok = e.value.(T); !ok {
		t.wrongType(key, e, want)
	}
	return v, ok
}

// text is a string; def when it is not there. An empty string counts as a mistake.
func (t *table) text(key, def string) string {
	s, ok := typed[string](t, key, typeString)
	if !ok {
		return def
	}
	if s == "" {
		t.bad(key, codeEmpty)
		return def
	}
	if len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.bad(key, codeControl)
		return def
	}
	return s
}

// required is a string that must be there; example shows what to add.
func (t *table) required(key, example string) string {
	if !t.has(key) {
		t.bad(key, codeMissing, key+" = "+example)
		return ""
	}
	return t.text(key, "")
}

// name is a string of [A-Za-z0-9_-]{1,64}.
func (t *table) name(key, def string) string {
	s := t.text(key, def)
	if s != def && !isName(s) {
		t.bad(key, codeName, quoted(s))
		return def
	}
	return s
}

func (t *table) requiredName(key, example string) string {
	if s := t.required(key, example); s == "" || isName(s) {
		return s
	} else {
		t.bad(key, codeName, quoted(s))
	}
	return ""
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}

// whole is an integer from lo to hi.
func (t *table) whole(key string, def, lo, hi int) int {
	n, ok := typed[int64](t, key, typeInteger)
	if !ok {
		return def
	}
	if n < int64(lo) || n > int64(hi) {
		t.bad(key, codeRange, strconv.FormatInt(n, 10), strconv.Itoa(lo), strconv.Itoa(hi))
		return def
	}
	return int(n)
}

func (t *table) flag(key string, def bool) bool {
	if v, ok := typed[bool](t, key, typeBool); ok {
		return v
	}
	return def
}

// span is a duration from lo to hi, written like "15m".
func (t *table) span(key string, def, lo, hi time.Duration) time.Duration {
	s := t.text(key, "")
	if s == "" {
		return def
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		t.bad(key, codeDuration, quoted(s))
	case d < lo || d > hi:
		t.bad(key, codeRange, s, short(lo), short(hi))
	default:
		return d
	}
	return def
}

// short prints a duration without its zero parts: "24h", not "24h0m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// choice is one of a few words.
func (t *table) choice(key, def string, words ...string) string {
	s := t.text(key, def)
	if s == def || slices.Contains(words, s) {
		return s
	}
	t.bad(key, codeChoice, quoted(s), strings.Join(words, ", "))
	return def
}

// number is one of a few integers.
func (t *table) number(key string, def int, numbers ...int) int {
	n, ok := typed[int64](t, key, typeInteger)
	if !ok || slices.Contains(numbers, int(n)) && int64(int(n)) == n {
		if ok {
			return int(n)
		}
		return def
	}
	words := make([]string, len(numbers))
	for i, v := range numbers {
		words[i] = strconv.Itoa(v)
	}
	t.bad(key, codeChoice, strconv.FormatInt(n, 10), strings.Join(words, ", "))
	return def
}

// texts is a list of strings that are not empty and not doubled, at most n.
func (t *table) texts(key string, n int) []string {
	list, ok := typed[[]entry](t, key, typeStrings)
	if !ok {
		return nil
	}
	if len(list) > n {
		t.bad(key, codeTooMany, len(list), n)
		return nil
	}
	var out []string
	for _, e := range list {
		switch s, isText := e.value.(string); {
		case !isText:
			t.wrongType(key, e, typeString)
		case s == "":
			t.doc.add(e.at, join(t.path, key), codeEmpty)
		case slices.Contains(out, s):
			t.doc.add(e.at, join(t.path, key), codeTwice, quoted(s))
		default:
			out = append(out, s)
		}
	}
	return out
}

// sub is a table; an empty one in the place of its parent when it is not there.
func (t *table) sub(key string) *table {
	if s, ok := typed[*table](t, key, typeTable); ok {
		return s
	}
	return &table{doc: t.doc, at: t.at, path: join(t.path, key), asked: map[string]bool{}}
}

// subs is an array of tables, at most n.
func (t *table) subs(key string, n int) []*table {
	list, ok := typed[[]entry](t, key, typeTables)
	if !ok {
		return nil
	}
	if len(list) > n {
		t.bad(key, codeTooMany, len(list), n)
		return nil
	}
	var out []*table
	for _, e := range list {
		if s, isTable := e.value.(*table); isTable {
			out = append(out, s)
		} else {
			t.wrongType(key, e, typeTable)
		}
	}
	return out
}

// unfit reports keys that are set although they have no meaning beside what is.
func (t *table) unfit(beside string, keys ...string) {
	for _, key := range keys {
		if t.has(key) {
			t.bad(key, codeUnfit, beside)
		}
	}
}

// close reports the keys that nobody asked for.
func (t *table) close() {
	known := make([]string, 0, len(t.asked))
	for key := range t.asked {
		known = append(known, key)
	}
	slices.Sort(known)
	for key := range t.keys {
		switch {
		case t.asked[key]:
		case t.asked[key+"_file"] && t.asked[key+"_env"]:
			t.bad(key, codeSecretInFile, key+"_file", key+"_env")
		default:
			if guess := nearest(key, known); guess != "" {
				t.bad(key, codeUnknownGuess, guess)
			} else {
				t.bad(key, codeUnknown, strings.Join(known, ", "))
			}
		}
	}
}

// Names of types in messages; word translates them.
const (
	typeString  = "string"
	typeInteger = "integer"
	typeFloat   = "fraction"
	typeBool    = "bool"
	typeTable   = "table"
	typeTables  = "tables"
	typeArray   = "array"
	typeStrings = "strings"
	typeDate    = "date"
)

func typeOf(v any) string {
	switch v.(type) {
	case string:
		return typeString
	case int64:
		return typeInteger
	case float64:
		return typeFloat
	case bool:
		return typeBool
	case *table:
		return typeTable
	case []entry:
		return typeArray
	case toml.LocalDate, toml.LocalDateTime, toml.LocalTime, time.Time:
		return typeDate
	}
	return fmt.Sprintf("%T", v)
}
