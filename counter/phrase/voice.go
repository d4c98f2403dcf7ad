package phrase

import "strings"

// Voice is a language, and what is spoken of in it: gas, or water (水). All texts are written about gas; a voice that
// speaks of water puts the one word in the place of the other. It touches our own sentences only, never an argument:
// what a person wrote, a name or a reason, stays as it was written.
type Voice struct {
	Lang  Lang
	Water bool
}

// Text is [Text] in this voice.
func (v Voice) Text(code string, args map[string]string) (message, hint string) {
	e, ok := lookup(code)
	if !ok {
		e, args = unknown, map[string]string{"code": code}
	}
	if why, ok := args["why"]; ok {
		args = with(args, "why", cause(v, why))
	}
	if areas, ok := args["damaged"]; ok {
		args = with(args, "damaged", damaged(v.Lang, areas))
	}
	return fill(v.say(e.message), args), fill(v.say(e.hint), args)
}

// Word is [Word] in this voice.
func (v Voice) Word(kind, word string) string {
	if b, ok := words[kind][word]; ok {
		return v.say(b)
	}
	return word
}

func (v Voice) say(b both) string { return v.Of(b.in(v.Lang)) }

var (
	waterZh = strings.NewReplacer("气", "水")
	waterEn = strings.NewReplacer("Gas", "Water", "gas", "water")
)

// Of puts a sentence about gas into one about what the voice speaks of.
func (v Voice) Of(sentence string) string {
	switch {
	case !v.Water:
		return sentence
	case v.Lang == English:
		return waterEn.Replace(sentence)
	}
	return waterZh.Replace(sentence)
}
