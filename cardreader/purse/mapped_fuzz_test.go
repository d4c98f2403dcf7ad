package purse

import (
	"bytes"
	"errors"
	"testing"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/space"
)

// mappedProfiles are the shipped layouts on chips that are no run of bytes.
func mappedProfiles(t testing.TB) []*profile.Profile {
	t.Helper()
	var all []*profile.Profile
	for _, name := range []string{"GEN102 v1", "GENCPU v1", "LOADCPU v1"} {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func headerFor(p *profile.Profile) Header {
	h := makingHeader
	if p.Rules.Unit != profile.UnitFlag {
		h.Unit = Unit(p.Rules.Unit)
	}
	return h
}

// FuzzSurveyMapped: whatever lies on a card of files or zones, surveying it does not panic; what is found can be made a
// card, anew or not at all, and every plan keeps to what its chip can do and leads where it says. Cut after any of its
// steps, and anywhere within one that the chip can tear, it can be judged and finished.
func FuzzSurveyMapped(f *testing.F) {
	profiles := mappedProfiles(f)
	for i, p := range profiles {
		full, err := Blank(p, headerFor(p))
		if err != nil {
			f.Fatal(err)
		}
		if p.SerialAt() >= 0 {
			full[p.SerialAt()] = 7
		}
		sw, ok := switchOf(p)
		if !ok {
			f.Fatalf("%s has no switch", p.Name)
		}
		f.Add(byte(i), []byte(full))
		if sw.kind == space.Words { // a kind that the layout does not know, under a right check
			odd := bytes.Clone(full)
			odd[sw.at] = 0x30
			p.Seal(p.Header, odd, 0)
			f.Add(byte(i), odd)
			torn := bytes.Clone(full) // of another kind, on its way to off
			torn[sw.at] = 3
			p.Seal(p.Header, torn, 0)
			torn[sw.at] = 1
			f.Add(byte(i), torn)
		}
		f.Add(byte(i), bytes.Repeat([]byte{0xFF}, p.Chip.Size))
		f.Add(byte(i), make([]byte, p.Chip.Size))
		for _, v := range []byte{switchOff, switchMark, 0xFF, 0x11} {
			off := bytes.Clone(full)
			off[sw.at] = v
			f.Add(byte(i), off)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, image []byte) {
		p := profiles[int(which)%len(profiles)]
		st, err := Survey(p, image)
		if err != nil {
			return
		}
		var plans []Plan
		for _, c := range []*Carry{nil, {Order: Order{Op: OpReissue, Qty: 5, Tag: Tag{3}}, Seq: 4, Cumulative: 9}} {
			if pl, err := Remake(p, st, NewCard{Header: headerFor(p), Carry: c}); err == nil {
				plans = append(plans, pl)
			} else if e, ok := errors.AsType[*cardreader.Error](err); !ok || e.Class != cardreader.Permanent {
				t.Fatalf("a refusal of no code: %v", err)
			}
		}
		if pl, err := Retire(p, st, Tag{1}); err == nil {
			plans = append(plans, pl)
		}
		for _, pl := range plans {
			followed(t, p, pl)
		}
	})
}

// followed walks a plan, resumes it from every step, and judges each point.
func followed(t *testing.T, p *profile.Profile, pl Plan) {
	t.Helper()
	if err := checkMaking(p, pl); err != nil {
		t.Fatalf("%s %s: a plan of our own is refused: %v", p.Name, pl.Make, err)
	}
	image := bytes.Clone(pl.Before)
	for i, s := range pl.Steps {
		copy(image[s.Addr:], s.Data)
		st, err := Survey(p, image)
		if err != nil {
			st = State{Profile: p.Name, Condition: Off, Image: bytes.Clone(image)}
		}
		v, end := Resolve(pl, st), bytes.Equal(image, pl.After)
		if end != (v == Done) && !(v == Done && st.Condition == InUse) {
			t.Fatalf("%s %s, step %d %s: %s, at the end %v", p.Name, pl.Make, i, s.Name, v, end)
		}
		if v != Begun {
			continue
		}
		rest, err := Resume(p, pl, st)
		if err == nil {
			err = checkMaking(p, rest)
		}
		if err != nil {
			t.Fatalf("%s %s, from step %d %s: %v", p.Name, pl.Make, i, s.Name, err)
		}
	}
}
