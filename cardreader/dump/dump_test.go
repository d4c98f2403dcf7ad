package dump_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cardreader/dump"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

func layout(t testing.TB) *profile.Profile {
	t.Helper()
	p, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// blank is a card as it is issued.
func blank(t testing.TB) purse.Image {
	t.Helper()
	image, err := purse.Blank(layout(t), purse.Header{Region: 0x0571, CardNo: "00001234", Unit: purse.UnitCentiM3, IssueCount: 1})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// bought is the same card with an order of 12.50 m³.
func bought(t testing.TB) purse.Image {
	t.Helper()
	st, err := purse.Decode(layout(t), blank(t))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := purse.Make(layout(t), st, purse.Order{Op: purse.OpBuy, Qty: 1250, Price: 26500, Tier: 1,
		At: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), Tag: purse.Tag{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	return plan.After
}

func TestEveryFieldIsExplainedAtItsPlace(t *testing.T) {
	image := bought(t)
	found := map[string]dump.Field{}
	for _, f := range dump.Explain(layout(t), image) {
		found[f.Block+"/"+f.Slot+"/"+f.Means] = f
	}
	for key, want := range map[string]dump.Field{
		"header//card_no": {Block: "header", Name: "card number", Means: "card_no", Addr: 0x26, Len: 4, Hex: "00001234", Text: "00001234"},
		"header//kind":    {Block: "header", Name: "kind of card", Means: "kind", Addr: 0x22, Len: 1, Hex: "01", Text: "user"},
		"order/a/qty":     {Block: "order", Slot: "a", Name: "quantity", Means: "qty", Addr: 0x32, Len: 4, Hex: "000004e2", Text: "1250"},
		"header//meter_no": {Block: "header", Name: "meter number", Means: "meter_no", Addr: 0x2A, Len: 4,
			Hex: "ffffffff"},
	} {
		if diff := cmp.Diff(want, found[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestSlotsSayHowTheyStand(t *testing.T) {
	image := bought(t)
	image[0x22] ^= 0xFF // the header's check no longer fits
	got := map[string]string{}
	for _, s := range dump.Slots(layout(t), image) {
		got[s.Block+s.Slot] = s.State
	}
	if got["header"] != "bad_check" || got["orderb"] != "empty" || got["write_backa"] != "empty" {
		t.Errorf("%v", got)
	}
	if fresh := dump.Slots(layout(t), bought(t)); fresh[1].State != "valid" {
		t.Errorf("%+v", fresh[1])
	}
}

func TestDiffNamesFieldsAndTellsTheRestAsBytes(t *testing.T) {
	changes := dump.Diff(layout(t), blank(t), bought(t))
	var fields, bytes []string
	for _, c := range changes {
		if c.Name == "" {
			bytes = append(bytes, c.OldIs)
		} else {
			fields = append(fields, c.Block+c.Slot+" "+c.Means+" "+c.New)
		}
	}
	text := strings.Join(fields, "\n")
	for _, want := range []string{"ordera seq 1", "ordera qty 1250", "ordera cumulative 1250", "ordera tag 010203", "ordera time 2026-11-22T09"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if len(bytes) == 0 {
		t.Error("checksum and commit byte are not told")
	}
	if same := dump.Diff(layout(t), bought(t), bought(t)); len(same) != 0 {
		t.Errorf("an image differs from itself: %+v", same)
	}
}

// TestNoDifferenceIsHidden turns every bit of a card: each must be told, in a field or as bytes.
func TestNoDifferenceIsHidden(t *testing.T) {
	image := bought(t)
	for bit := range len(image) * 8 {
		other := append([]byte{}, image...)
		other[bit/8] ^= 1 << (bit % 8)
		covered := false
		for _, c := range dump.Diff(layout(t), image, other) {
			covered = covered || (c.Addr <= bit/8 && bit/8 < c.Addr+c.Len)
		}
		if !covered {
			t.Fatalf("bit %d of byte %#x is not told", bit%8, bit/8)
		}
	}
}

func TestShorterImageIsTold(t *testing.T) {
	image := bought(t)
	changes := dump.Diff(layout(t), image, image[:0x30])
	if len(changes) == 0 {
		t.Fatal("nothing told")
	}
	last := changes[len(changes)-1]
	if last.New != "" || last.Addr+last.Len != len(image) {
		t.Errorf("%+v", last)
	}
}

func TestFilesThatAreDumps(t *testing.T) {
	image := bought(t)
	own, err := json.Marshal(dump.Dump{Format: dump.Format, Profile: "GEN4442 v1", Image: image})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(map[string]any{"reader": "r", "state": purse.State{Profile: "GEN4442 v1", Image: image}})
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := image.MarshalText()
	for name, raw := range map[string][]byte{
		"own": own, "shown": shown, "hex": plain,
		"lines": []byte("# a card\n" + strings.ToUpper(string(plain[:64])) + "  # first\r\n\n" + string(plain[64:])),
	} {
		d, err := dump.Parse(raw)
		if err != nil || !cmp.Equal(d.Image, image) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesThatAreNot(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"words":        {"hello", dump.ErrFormat},
		"odd":          {"abc", dump.ErrFormat},
		"nothing":      {"", dump.ErrEmpty},
		"other json":   {`{"a":1}`, dump.ErrFormat},
		"other format": {`{"format":"x"}`, dump.ErrFormat},
		"no image":     {`{"format":"tally-card-dump/1"}`, dump.ErrEmpty},
		"huge":         {strings.Repeat("00", dump.MaxFile), dump.ErrSize},
		"large":        {strings.Repeat("00", dump.MaxImage+1), dump.ErrSize},
	} {
		if _, err := dump.Parse([]byte(c.raw)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("00ff # x\n11"))
	f.Add([]byte(`{"format":"tally-card-dump/1","image":"00ff"}`))
	f.Add([]byte(`{"state":{"image":"00"}}`))
	p := layout(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := dump.Parse(raw)
		if err != nil {
			return
		}
		dump.Explain(p, d.Image)
		dump.Slots(p, d.Image)
		if len(dump.Diff(p, d.Image, d.Image)) != 0 {
			t.Error("differs from itself")
		}
	})
}
