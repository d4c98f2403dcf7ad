package purse

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tally/cardreader/profile"
	"tally/meter/quantity"
)

func makingProfile(t testing.TB) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	makingHeader = Header{Region: 0x0571, CardNo: "00001234", MeterNo: "10000001", Unit: UnitCentiM3, IssueCount: 1}
	makingTariff = Tariff{
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Limits: [3]quantity.Volume{300 * quantity.CubicMetre},
		Prices: [4]quantity.Price{26500, 31800, 31800, 31800}, PeriodMonths: 12, Release: 3,
	}
)

func blankChip(p *profile.Profile) []byte {
	m := slices.Repeat([]byte{0xFF}, p.Chip.Size)
	copy(m, p.Chip.Bytes())
	return m
}

// FuzzSurvey: whatever lies on a card, surveying it does not panic, and what is found can be made a card or is refused;
// the plan leads where it says.
func FuzzSurvey(f *testing.F) {
	p := makingProfile(f)
	blank := blankChip(p)
	full, err := Blank(p, makingHeader)
	if err != nil {
		f.Fatal(err)
	}
	off := bytes.Clone(full)
	off[0x20] = 0
	for _, m := range [][]byte{blank, full, off, make([]byte, 256), off[:100]} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, image []byte) {
		st, err := Survey(p, image)
		if err != nil {
			return
		}
		if _, ok := TariffOn(p, st); ok && st.Condition == Empty {
			t.Error("a blank card has prices")
		}
		pl, err := Remake(p, st, NewCard{Header: makingHeader})
		if err != nil {
			return
		}
		if err := checkMaking(p, pl); err != nil {
			t.Fatalf("a plan of our own is refused: %v", err)
		}
		after, err := Survey(p, pl.After)
		if err != nil || Resolve(pl, after) != Done {
			t.Fatalf("the finished card says %s: %v", Resolve(pl, after), err)
		}
	})
}

// FuzzResolveMaking: a plan comes from a file and a card from anywhere; judging one by the other never panics, and no card
// but one with the plan's own header is said to be done.
func FuzzResolveMaking(f *testing.F) {
	p := makingProfile(f)
	blank := blankChip(p)
	st, err := Survey(p, blank)
	if err != nil {
		f.Fatal(err)
	}
	pl, err := Remake(p, st, NewCard{Header: makingHeader})
	if err != nil {
		f.Fatal(err)
	}
	raw, err := json.Marshal(pl)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, blank)
	f.Add(raw, []byte(pl.After))
	f.Add([]byte(`{"make":"anew","places":{"header":300}}`), blank)
	f.Fuzz(func(t *testing.T, plan, image []byte) {
		var got Plan
		if json.Unmarshal(plan, &got) != nil {
			return
		}
		st, err := Survey(p, image)
		if err != nil {
			st = State{Profile: p.Name, Condition: Off, Image: image}
		}
		v := Resolve(got, st)
		_ = checkMaking(p, got)
		_, _ = Resume(p, got, st)
		if v == Done && got.Make == MakeNew && !bytes.Equal(image[got.Places.Header:got.Places.HeaderEnd], got.After[got.Places.Header:got.Places.HeaderEnd]) {
			t.Error("another card is said to be done")
		}
	})
}

func TestTariffOnACardReadsAsWritten(t *testing.T) {
	p := makingProfile(t)
	h := makingHeader
	h.Tariff = &makingTariff
	image, err := Blank(p, h)
	if err != nil {
		t.Fatal(err)
	}
	st, err := Decode(p, image)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := TariffOn(p, st); !ok || got != makingTariff {
		t.Errorf("%+v", got)
	}
	image[0xB5] ^= 1
	st, err = Decode(p, image)
	if _, ok := TariffOn(p, st); ok || err != nil {
		t.Errorf("a torn table was read (%v)", err)
	}
}

// Every cut of a making leaves a card that its plan knows, or that the next making can start from.
func TestEveryPrefixOfAMakingIsKnown(t *testing.T) {
	p := makingProfile(t)
	blank := blankChip(p)
	st, err := Survey(p, blank)
	if err != nil {
		t.Fatal(err)
	}
	made, err := Remake(p, st, NewCard{Header: makingHeader})
	if err != nil {
		t.Fatal(err)
	}
	st, err = Survey(p, made.After)
	if err != nil {
		t.Fatal(err)
	}
	h := makingHeader
	h.MeterNo, h.IssueCount = "20000002", 2
	anew, err := Remake(p, st, NewCard{Header: h})
	if err != nil {
		t.Fatal(err)
	}
	off, err := Retire(p, st, Tag{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, pl := range []Plan{made, anew, off} {
		image := bytes.Clone(pl.Before)
		for i, s := range pl.Steps {
			for n := 0; n <= len(s.Data); n++ {
				cut := bytes.Clone(image)
				copy(cut[s.Addr:], s.Data[:n])
				if n < len(s.Data) {
					cut[s.Addr+n] = 0xFF // erased, not yet written
				}
				st, err := Survey(p, cut)
				if err != nil {
					st = State{Profile: p.Name, Condition: Off, Image: cut}
				}
				v := Resolve(pl, st)
				finished := i == len(pl.Steps)-1 && n == len(s.Data)
				if (v == Done) != finished && !bytes.Equal(cut, pl.After) {
					t.Errorf("%s step %d %s, %d bytes: %s", pl.Make, i, s.Name, n, v)
				}
				if v == OtherCard && st.Condition != Empty && !(pl.Make == MakeNew && i == 0 && n == 0) {
					t.Errorf("%s step %d %s, %d bytes: nobody's card", pl.Make, i, s.Name, n)
				}
			}
			copy(image[s.Addr:], s.Data)
		}
	}
}
