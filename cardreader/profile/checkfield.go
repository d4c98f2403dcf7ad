package profile

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

func (c *checker) field(n named, i int) {
	f := &n.b.Fields[i]
	key := fmt.Sprintf("%s.fields[%d]", n.key, i)
	c.names(n, key, i)
	c.need(key+".at", "the offset in the block")
	if !f.As.known() {
		c.bad(key+".as", "encoding %q is not known: want one of %s", f.As, strings.Join(encodings(), ", "))
		return
	}
	if !f.As.fits(f.Len) {
		c.bad(key+".len", "%d bytes do not hold %s: want %s", f.Len, f.As, f.As.sizes())
		return
	}
	if !within(f.At, f.Len, n.b.Len) {
		c.bad(key+".at", "bytes %d to %d lie outside the block of %d bytes", f.At, f.At+f.Len-1, n.b.Len)
	}
	c.bits(key, f)
	c.values(key, f)
}

func (c *checker) names(n named, key string, i int) {
	f := n.b.Fields[i]
	if strings.TrimSpace(f.Name) == "" {
		c.bad(key+".name", "missing: want the maker's name for the field")
	}
	if !slices.Contains(n.meanings, f.Means) {
		var list []string
		for _, m := range n.meanings {
			list = append(list, string(m))
		}
		c.bad(key+".means", "meaning %q is not known in %s: want one of %s", f.Means, n.key, strings.Join(list, ", "))
	}
	for j, g := range n.b.Fields[:i] {
		if g.Name == f.Name && f.Name != "" && f.Means != Reserved {
			c.bad(key+".name", "%q is the name of fields[%d] too: want another", f.Name, j)
		}
		if g.Means == f.Means && f.Means != Reserved {
			c.bad(key+".means", "%q is the meaning of fields[%d] too: a value lies in one place", f.Means, j)
		}
	}
}

func (c *checker) bits(key string, f *Field) {
	if f.Bits == 0 && f.Bit == 0 {
		return
	}
	if f.As != U8 || f.Bit < 0 || f.Bits < 1 || f.Bit+f.Bits > 8 {
		c.bad(key+".bits", "bits %d from bit %d of %s: want as = \"u8\" and bits within 0–7", f.Bits, f.Bit, f.As)
	}
}

func (c *checker) values(key string, f *Field) {
	lo, hi := f.As.Bounds(f.Len)
	if f.Bits > 0 && f.Bits <= 8 {
		hi = f.bitMask()
	}
	if f.Scale < 0 || f.Scale > math.MaxInt64/max(hi, 1) {
		c.bad(key+".scale", "%d: want 1 or more, and the greatest value times it within 63 bits", f.Scale)
		return
	}
	seen := map[int64]string{}
	for w, v := range f.Words {
		if v < lo || v > hi {
			c.bad(key+".values."+w, "%d does not fit %s: want %d to %d", v, f.As, lo, hi)
		}
		if other, ok := seen[v]; ok {
			c.bad(key+".values", "%q and %q are both %d", min(w, other), max(w, other), v)
		}
		seen[v] = w
	}
	if f.Must != nil && (*f.Must < lo || *f.Must > hi) {
		c.bad(key+".must", "%d does not fit %s: want %d to %d", *f.Must, f.As, lo, hi)
	}
	if len(f.Flags) > 8*f.Len || (len(f.Flags) > 0) != (f.As == FlagBits) {
		c.bad(key+".flags", "%d flags in %s of %d bytes: want as = \"flags\" and a word for each of at most %d bits", len(f.Flags), f.As, f.Len, 8*f.Len)
	}
}

// claims marks every bit that a block uses on the chip, in each of its slots.
func (c *checker) claims(n named) {
	for i, s := range n.b.Slots {
		slotKey := n.key + ".at"
		if n.b.At == nil {
			slotKey = fmt.Sprintf("%s.slots[%d].at", n.key, i)
		}
		if s.At < c.p.Chip.Protect || !within(s.At, n.b.Len, c.p.Chip.Size) {
			c.bad(slotKey, "bytes %d to %d lie outside the usable chip: want %d to %d", s.At, s.At+n.b.Len-1, c.p.Chip.Protect, c.p.Chip.Size-1)
			continue
		}
		for j, f := range n.b.Fields {
			mask := 0xFF
			if f.Bits > 0 {
				mask = int(f.bitMask()) << f.Bit
			}
			c.claim(fmt.Sprintf("%s.fields[%d]", n.key, j), s.At+f.At, f.Len, mask)
		}
		if n.b.Check != nil && n.b.Check.Kind.Size() > 0 {
			c.claim(n.key+".check", s.At+n.b.Check.At, n.b.Check.Kind.Size(), 0xFF)
		}
		if n.b.Commit != nil && n.b.Commit.Kind == CommitByte {
			c.claim(n.key+".commit", s.At+n.b.Commit.At, 1, 0xFF)
		}
	}
}

// claim takes bits of the chip for key and reports the first that is taken already.
func (c *checker) claim(key string, at, n, mask int) {
	if !within(at, n, c.p.Chip.Size) {
		c.bad(key, "bytes %d to %d lie outside the chip of %d bytes", at, at+n-1, c.p.Chip.Size)
		return
	}
	clash := ""
	for i := at * 8; i < (at+n)*8; i++ {
		if mask>>(i%8)&1 == 0 {
			continue
		}
		if o := c.owner[i]; o != "" && clash == "" {
			clash = o
			c.bad(key, "overlaps %s at address 0x%02X", o, i/8)
		}
		c.owner[i] = key
	}
}

// within reports whether n bytes from at lie within size; it holds for any integers, as a hostile file has them.
func within(at, n, size int) bool { return at >= 0 && n >= 0 && at <= size && n <= size-at }

func encodings() []string {
	return []string{"u8", "u16be", "u16le", "u24be", "u24le", "u32be", "u32le", "s32be", "s32le", "bcd", "bcd_le",
		"base100be", "base100le", "bcd_time", "flags", "bytes"}
}

func (e Encoding) sizes() string {
	switch e {
	case BCDTime:
		return "3 to 6"
	case FlagBits:
		return "1 or 2"
	case Raw:
		return "1 or more"
	}
	if c, _ := codecOf(e); c.size > 0 {
		return fmt.Sprint(c.size)
	}
	return fmt.Sprintf("1 to %d", maxDecimalBytes)
}
