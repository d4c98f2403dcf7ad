package phrase

import (
	"sort"
	"strings"
)

// Lang is a language of the page.
type Lang string

// Languages. Everything but "en" is taken for Chinese, the first language.
const (
	Chinese Lang = "zh"
	English Lang = "en"
)

// both is one text in the two languages.
type both struct{ zh, en string }

func (b both) in(l Lang) string {
	if l == English {
		return b.en
	}
	return b.zh
}

// entry is what a code says.
type entry struct{ message, hint both }

// Text gives message and hint of a code; the hint may be empty. An unknown code is named in a general sentence. The
// argument "why" is itself a code, and its message can be used as {why}; "damaged" is a list of areas.
func Text(l Lang, code string, args map[string]string) (message, hint string) {
	return Voice{Lang: l}.Text(code, args)
}

// Word gives a stable word of a kind ("state", "phase", "damaged", "meter", "bench", "role", "op", "kind") as people
// say it; a word that is not known is shown as it is.
func Word(l Lang, kind, word string) string { return Voice{Lang: l}.Word(kind, word) }

// Known reports whether a code has a text of its own.
func Known(code string) bool {
	_, ok := lookup(code)
	return ok
}

// Codes lists all codes with a text, sorted.
func Codes() []string {
	var out []string
	for _, table := range tables {
		for code := range table {
			out = append(out, code)
		}
	}
	sort.Strings(out)
	return out
}

var tables = []map[string]entry{counterTexts, elsewhereTexts, makingTexts, cardTexts}

func lookup(code string) (entry, bool) {
	for _, table := range tables {
		if e, ok := table[code]; ok {
			return e, true
		}
	}
	return entry{}, false
}

// cause is the message of a code without its arguments and its full stop.
func cause(v Voice, code string) string {
	if e, ok := lookup(code); ok {
		return strings.TrimRight(fill(v.say(e.message), nil), "。.")
	}
	return code
}

// damaged names areas of a card, given as stable words with a space between.
func damaged(l Lang, areas string) string {
	list := strings.Fields(areas)
	for i, area := range list {
		list[i] = Word(l, "damaged", area)
	}
	if l == English {
		return strings.Join(list, ", ")
	}
	return strings.Join(list, "、")
}

func with(args map[string]string, key, value string) map[string]string {
	out := map[string]string{}
	for k, v := range args {
		out[k] = v
	}
	out[key] = value
	return out
}

// fill puts the arguments in. Their text is taken as it is, braces and brackets in it mean nothing.
func fill(text string, args map[string]string) string {
	var b strings.Builder
	for text != "" {
		before, rest, ok := strings.Cut(text, "[")
		part, _ := put(before, args)
		b.WriteString(part)
		if !ok {
			break
		}
		optional, after, _ := strings.Cut(rest, "]")
		if part, all := put(optional, args); all {
			b.WriteString(part)
		}
		text = after
	}
	return b.String()
}

// put replaces {name}; all is false when one has no argument.
func put(text string, args map[string]string) (out string, all bool) {
	var b strings.Builder
	all = true
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), all
		}
		name, after, _ := strings.Cut(rest, "}")
		value, given := args[name]
		all = all && given && value != ""
		b.WriteString(value)
		text = after
	}
}
