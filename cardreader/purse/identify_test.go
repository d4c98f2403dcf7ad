package purse_test

import (
	"bytes"
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

func shippedProfiles(t *testing.T) []*profile.Profile {
	t.Helper()
	var all []*profile.Profile
	for _, name := range profile.List() {
		p, err := profile.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestIdentify(t *testing.T) {
	all := shippedProfiles(t)
	for _, p := range all {
		h, ok := otherHeaders[p.Name]
		if !ok {
			h = blankHeader
		}
		got, err := purse.Identify(all, blankImage(t, p, h))
		if err != nil || got != p {
			t.Errorf("a card of %s: %v, %v", p.Name, got, err)
		}
	}
	good := blankImage(t, gen4442(t), blankHeader)
	damaged := bytes.Clone(good)
	damaged[0x26] ^= 1
	for want, image := range map[string][]byte{
		purse.CodeHeaderDamaged: damaged,
		purse.CodeUnknownLayout: bytes.Repeat([]byte{0x42}, 256),
		purse.CodeBlankCard:     bytes.Repeat([]byte{0xFF}, 256),
		purse.CodeWrongSize:     good[:128],
	} {
		if p, err := purse.Identify(all, image); codeOf(err) != want {
			t.Errorf("%v, %v, want %s", p, err, want)
		}
	}
	if p, err := purse.Identify(append(all, gen4442(t)), good); codeOf(err) != purse.CodeAmbiguous {
		t.Errorf("two profiles of one layout: %v, %v", p, err)
	}
	if p, err := purse.Identify(nil, good); codeOf(err) != purse.CodeUnknownLayout {
		t.Errorf("no profile: %v, %v", p, err)
	}
}
