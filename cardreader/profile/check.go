package profile

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// checker collects what is wrong in a decoded profile. It goes on after a finding, so that an integrator sees all of
// them, but skips what would only repeat one.
type checker struct {
	p     *Profile
	at    *places
	found []Problem
	owner map[int]string // chip address·8 + bit → the key of the field there
}

func (c *checker) bad(key, format string, args ...any) {
	c.found = append(c.found, Problem{c.at.of(key), key, fmt.Sprintf(format, args...)})
}

// need reports a missing key.
func (c *checker) need(key, what string) bool {
	if c.at.has(key) {
		return true
	}
	c.bad(key, "missing: want %s", what)
	return false
}

func (c *checker) all() {
	c.owner = map[int]string{}
	c.head()
	c.chip()
	c.areas()
	c.keys()
	c.rules()
	for _, b := range c.blocks() {
		c.block(b)
	}
	for i, r := range c.p.Reserved {
		c.claim(fmt.Sprintf("reserved[%d]", i), r.At, r.Len, 0xFF)
	}
	if len(c.found) == 0 {
		c.semantics()
	}
}

func (c *checker) head() {
	if c.p.Format != 1 {
		c.bad("format", "format is %d: this program reads format = 1", c.p.Format)
	}
	if c.need("name", `the maker's name for the card, such as name = "GEN4442"`) && strings.TrimSpace(c.p.Maker) == "" {
		c.bad("name", "is empty")
	}
	if c.p.Version < 1 {
		c.bad("version", "version is %d: want 1 or more", c.p.Version)
	}
}

func (c *checker) chip() {
	one(c, "chip.type", c.p.Chip.Type, chipTypes...)
	if c.p.Chip.Size < 16 || c.p.Chip.Size > 1<<16 {
		c.bad("chip.size", "size is %d: want the user bytes of the chip, 16 to 65536", c.p.Chip.Size)
	}
	if c.p.Chip.Protect < 0 || c.p.Chip.Protect > c.p.Chip.Size {
		c.bad("chip.protect", "protect is %d: want 0 to the size of the chip", c.p.Chip.Protect)
	}
	if !slices.Contains([]string{"derived", "fixed", "table", "sam", "none"}, c.p.Chip.PSC) {
		// What stands there may be a code; it is not repeated.
		c.bad("chip.psc", "names no source: want one of derived, fixed, table, sam, none; the code itself never stands in a profile")
	}
	if id, err := hex.DecodeString(c.p.Chip.ID); err != nil || len(id) > max(c.p.Chip.Protect, 0) {
		c.bad("chip.id", "%q: want hex of at most the %d protected bytes", c.p.Chip.ID, c.p.Chip.Protect)
	}
}

func (c *checker) rules() {
	r := c.p.Rules
	one(c, "rules.order", r.Order, OrderCumulative, OrderReplaces, OrderAdds)
	one(c, "rules.count", r.Count, CountCard, CountMeter, CountIfEmpty, CountIncreases, CountNone)
	one(c, "rules.swiped", r.Swiped, SwipedWriteBack, SwipedMark, SwipedZero, SwipedNever)
	one(c, "rules.copies", r.Copies, CopiesAlternate, CopiesBackup, CopiesSingle)
	one(c, "rules.unit", r.Unit, UnitFlag, "0.1m3", "0.01m3", "fen")
	one(c, "rules.reissue", r.Reissue, ReissueIssueCount, ReissueNewNumber, ReissueNone)
	for i, w := range r.Write {
		one(c, fmt.Sprintf("rules.write[%d]", i), w, WriteInvalidate, WriteErase, WriteBody, WriteCommit, WriteRecord, WriteBackup, WriteStamp)
		if slices.Index(r.Write, w) != i {
			c.bad("rules.write", "%q stands twice", w)
		}
	}
	for key, v := range map[string]int64{"limits.order": c.p.Limits.Order, "limits.cumulative": c.p.Limits.Cumulative} {
		if v < 0 {
			c.bad(key, "limit is %d: want 0 for none, or more", v)
		}
	}
}

// one demands a word of a list.
func one[T ~string](c *checker, key string, got T, want ...T) bool {
	if slices.Contains(want, got) {
		return true
	}
	var list []string
	for _, w := range want {
		list = append(list, string(w))
	}
	c.bad(key, "%q is not known: want one of %s", got, strings.Join(list, ", "))
	return false
}
