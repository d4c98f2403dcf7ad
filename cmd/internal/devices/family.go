package devices

import (
	"bytes"
	"fmt"
	"slices"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// family is what an answer to reset says of the chip.
type family string

// Families, in words for an operator.
const (
	synchronous family = "a memory card"
	sle4442Chip family = "an SLE 4442"
	contactless family = "a Mifare Classic"
	cpuChip     family = "a CPU card"
)

// pcscRID begins the historical bytes that a reader makes up for a contactless memory card (PC/SC part 3, §3.1.3.2.3);
// 03 00 01 and 03 00 02 are Mifare Classic 1K and 4K in its supplemental document.
var pcscRID = []byte{0xA0, 0x00, 0x00, 0x03, 0x06}

// familyOf reads the answer to reset. A memory chip's has two bytes of header and the first bytes of its memory (ISO
// 7816-10), so it says no more of most chips than that; A2 13 is the SLE 4442's own.
func familyOf(atr []byte) family {
	if i := bytes.Index(atr, pcscRID); i >= 0 && i+8 <= len(atr) && atr[i+5] == 3 && atr[i+6] == 0 && (atr[i+7] == 1 || atr[i+7] == 2) {
		return contactless
	}
	switch {
	case bytes.HasPrefix(atr, []byte{0x3B, 0x04, 0xA2, 0x13}):
		return sle4442Chip
	case len(atr) <= 2+4 && (len(atr) < 2 || atr[1]&0xF0 == 0):
		return synchronous
	}
	return cpuChip
}

// chips are the types of chips that a family can be.
var chips = map[family][]string{
	synchronous: {"sle4442", "at88sc102"}, sle4442Chip: {"sle4442"}, contactless: {"mifare"}, cpuChip: {"cpu"},
}

// kind is the profiles of one type of chip, and of one application on CPU cards: one connection serves to tell them apart.
type kind struct {
	chip     string
	aid      string
	profiles []*profile.Profile
}

// kindsOf groups profiles in their order.
func kindsOf(all []*profile.Profile) []*kind {
	var kinds []*kind
	for _, p := range all {
		i := slices.IndexFunc(kinds, func(k *kind) bool { return k.chip == p.Chip.Type && k.aid == p.Chip.AID })
		if i < 0 {
			i, kinds = len(kinds), append(kinds, &kind{chip: p.Chip.Type, aid: p.Chip.AID})
		}
		kinds[i].profiles = append(kinds[i].profiles, p)
	}
	return kinds
}

// candidates are the kinds that a card may be of. A node that knows one kind only tries that, whatever the reader makes up
// as an answer to reset.
func (ch *Chips) candidates(reader string, atr []byte) ([]*kind, error) {
	if len(ch.kinds) == 1 {
		return ch.kinds, nil
	}
	f := familyOf(atr)
	var fit []*kind
	var known []string
	for _, k := range ch.kinds {
		known = append(known, k.chip)
		if slices.Contains(chips[f], k.chip) {
			fit = append(fit, k)
		}
	}
	if len(fit) == 0 {
		return nil, &cardreader.Error{Class: cardreader.Permanent, Code: purse.CodeUnknownLayout, Op: "open", Reader: reader,
			Err: fmt.Errorf("%s (answer to reset % X): the profiles here are for %v", f, atr, slices.Compact(known))}
	}
	return fit, nil
}
