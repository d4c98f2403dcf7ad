package space

import (
	"fmt"
	"slices"
)

// Check says what is wrong with an area on a chip of that type, in the words of the key that has to be changed. An area
// that reaches a code, a key or a counter of the chip is wrong.
func (a Area) Check(chip string) (key string, err error) {
	switch {
	case a.Once && a.Kind != Words:
		return "once", fmt.Errorf("goes with kind %q, the issuer zone of an at88sc102", Words)
	case !slices.Contains(Kinds(chip), a.Kind):
		return "kind", fmt.Errorf("%q is nothing that a %s has: want one of %v", a.Kind, chip, Kinds(chip))
	case a.Len < 1 || a.Len > maxLen:
		return "len", fmt.Errorf("len is %d: want 1 to %d", a.Len, maxLen)
	case a.From < 0 || a.From > maxLen:
		return "from", fmt.Errorf("from is %d: want 0 to %d", a.From, maxLen)
	}
	switch a.Kind {
	case Bytes, Words, Zone:
		return a.memory(chip)
	case Blocks:
		return a.blocks()
	}
	return a.file()
}

// maxLen keeps what a hostile file says within bounds; no card of the field is larger.
const maxLen = 1 << 15

// The AT88SC102's memory map (Atmel data sheet 1419): what is not named holds codes, keys and counters.
const (
	issuerEnd, protectedFrom, protectedEnd = 0x0A, 0x0E, 0x16
	zone1, zone2, zoneLen                  = 0x16, 0x5C, 64
)

func (a Area) memory(chip string) (string, error) {
	end := a.From + a.Len
	switch {
	case chip == "sle4442" && end > 256:
		return "from", fmt.Errorf("bytes %#x to %#x lie outside the chip of 256 bytes", a.From, end-1)
	case chip == "sle4442":
	case a.Kind == Zone && (a.From != zone1 && a.From != zone2 || a.Len != zoneLen):
		return "from", fmt.Errorf("zone of %d from %#x: want 64 bytes from 0x16 or 0x5C", a.Len, a.From)
	case a.Kind == Words && (a.From%WordLen != 0 || a.Len%WordLen != 0):
		return "from", fmt.Errorf("bytes %#x to %#x: want whole words of two bytes from an even address", a.From, end-1)
	case a.Kind != Zone && end > issuerEnd && (a.From < protectedFrom || end > protectedEnd):
		return "from", fmt.Errorf("bytes %#x to %#x: want the issuer zone, 00 to 09, or the code protected zone, 0E to 15", a.From, end-1)
	}
	return "", nil
}

func (a Area) file() (string, error) {
	switch {
	case a.Kind == Purse && (a.Len != PurseLen || a.File != 0 || a.Record != 0):
		return "len", fmt.Errorf("the purse has %d bytes and no file: balance 4, load counter 2", PurseLen)
	case a.Kind == Purse:
	case a.File < 1 || a.File > 30:
		return "file", fmt.Errorf("file is %#x: want a short file identifier, 1 to 30", a.File)
	case a.Kind == Binary && (a.Record != 0 || a.Bulk != 0):
		return "record", fmt.Errorf("a transparent file has no records")
	case a.Kind == Binary && a.From+a.Len > 256:
		return "len", fmt.Errorf("bytes %d to %d: a short file identifier reaches the first 256 only", a.From, a.From+a.Len-1)
	case a.Kind == Binary:
	case a.Record < 1 || a.Record > 255 || a.Len%a.Record != 0:
		return "record", fmt.Errorf("record is %d: want 1 to 255 and a divisor of len, %d", a.Record, a.Len)
	case a.Len/a.Record+a.From > 254:
		return "len", fmt.Errorf("%d records: want 254 at most", a.Len/a.Record)
	case a.Bulk < 0 || a.Bulk*a.Record > 256:
		return "bulk", fmt.Errorf("%d records of %d in one answer: an answer holds 256 bytes", a.Bulk, a.Record)
	}
	return "", nil
}

// blocks: a Mifare Classic has data in all blocks but the first of the card and the last of each sector of four; 1K has
// 16 sectors. An area lies within one sector.
func (a Area) blocks() (string, error) {
	n := a.Len / BlockLen
	switch {
	case a.Len%BlockLen != 0:
		return "len", fmt.Errorf("len is %d: want whole blocks of 16", a.Len)
	case a.From < 1 || a.From+n > 64:
		return "from", fmt.Errorf("blocks %d to %d: want data blocks within 1 to 62", a.From, a.From+n-1)
	case a.From/4 != (a.From+n-1)/4 || (a.From+n-1)%4 == 3:
		return "from", fmt.Errorf("blocks %d to %d reach the keys of a sector: want data blocks of one sector", a.From, a.From+n-1)
	}
	return "", nil
}
