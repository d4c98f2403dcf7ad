package purse_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// FuzzResolveForeign: a counter judges a card by the plan of another counter, which came from the centre. Whatever stands in
// that plan and on the card, the judgement never panics, it is one of the five, and a card of another number, another life or
// another layout is not the plan's.
func FuzzResolveForeign(f *testing.F) {
	for i, name := range profile.List() {
		p := builtin(f, name)
		blank := blankImage(f, p, headerOf(p))
		pl, err := purse.Make(p, decode(f, p, sell(f, p, blank, plain(1, 100))), plain(2, 50))
		if err != nil { // a layout that bears no second order before the first is taken
			pl = plan(f, p, blank, plain(1, 50))
		}
		raw, err := json.Marshal(pl)
		if err != nil {
			f.Fatal(err)
		}
		half := bytes.Clone(pl.Before)
		copy(half[:len(half)/2], pl.After)
		for _, image := range [][]byte{pl.Before, pl.After, half, make([]byte, len(half))} {
			f.Add(raw, image, i, false)
		}
		for _, wrong := range [][2]string{{`"before":"`, `"before":"00","x":"`}, {`"after":"`, `"after":"00","x":"`}, {`"addr":`, `"addr":-`}, {`"addr":`, `"addr":9223372036854775`}, {`"slot":"`, `"slot":"?`}} {
			f.Add(bytes.ReplaceAll(raw, []byte(wrong[0]), []byte(wrong[1])), half, i, true)
		}
	}
	f.Fuzz(func(t *testing.T, plan, image []byte, which int, seal bool) {
		var pl purse.Plan
		if json.Unmarshal(plan, &pl) != nil {
			return
		}
		names := profile.List()
		p := builtin(t, names[uint(which)%uint(len(names))])
		if seal && len(image) == p.Chip.Size {
			image = sealAll(p, image)
		}
		st, err := purse.Decode(p, image)
		if err != nil {
			return
		}
		switch v := purse.Resolve(pl, st); v {
		case purse.Done, purse.NotDone, purse.Begun, purse.Unclear:
			if pl.Make == "" && (st.Profile != pl.Profile || st.Card != pl.Card || st.IssueCount != pl.IssueCount) {
				t.Fatalf("%s, on another card", v)
			}
		case purse.OtherCard:
		default:
			t.Fatalf("no verdict: %q", v)
		}
	})
}
