package profile

import "fmt"

// named is a block with the key it stands under and the meanings that its fields may have.
type named struct {
	key      string
	b        *Block
	meanings []Meaning
	required bool
	copies   bool // has slots and must say how a slot is committed
}

func (c *checker) blocks() []named {
	return []named{
		{"header", c.p.Header, []Meaning{Reserved, Magic, Version, KindOf, UnitOf, Water, Region, CardNo, MeterNo, IssueCount,
			SerialOf, ValidFrom, ValidTo}, true, false},
		{"order", c.p.Order, []Meaning{Reserved, Seq, Qty, Cumulative, Price, Tier, Alarm, Hoard, Overdraft, Time, OpOf, TagOf, Mark,
			Journal, Workstation, Operator}, true, true},
		{"write_back", c.p.WriteBack, []Meaning{Reserved, Seq, Accepted, Remaining, Used, Valve, Battery, Status, LastEvent, Magnet,
			ValveErrors, Time, MeterNo}, false, true},
		{"tariff", c.p.Tariff, []Meaning{Reserved, Effective, Limit1, Limit2, Limit3, Price1, Price2, Price3, Price4, Period, Release}, false, false},
		{"stamp", c.p.Stamp, []Meaning{Reserved, Workstation, Operator, Time, OpOf}, false, false},
		{"month_use", c.p.MonthUse, []Meaning{Reserved, Month, Used, Total}, false, false},
	}
}

func (c *checker) block(n named) {
	if n.b == nil {
		if n.required {
			c.bad(n.key, "missing: want a table [%s]", n.key)
		}
		return
	}
	if n.b.Len < 1 || n.b.Len > c.p.Chip.Size {
		c.bad(n.key+".len", "len is %d: want 1 to the size of the chip", n.b.Len)
		return
	}
	before := len(c.found)
	c.slots(n)
	for i := range n.b.Fields {
		c.field(n, i)
	}
	c.check(n)
	c.commit(n)
	if len(c.found) == before {
		c.claims(n)
	}
}

func (c *checker) slots(n named) {
	switch {
	case n.b.At != nil && len(n.b.Slots) > 0:
		c.bad(n.key+".at", "both at and slots are given: want one of them")
	case n.b.At != nil:
		n.b.Slots = []Slot{{Name: n.key, At: *n.b.At}}
	case len(n.b.Slots) == 0:
		c.bad(n.key, "no place: want at = address, or slots = [{ name = \"a\", at = address }, …]")
	}
	seen := map[string]bool{}
	for i, s := range n.b.Slots {
		if s.Name == "" || seen[s.Name] {
			c.bad(fmt.Sprintf("%s.slots[%d].name", n.key, i), "%q: want a name that no other slot has", s.Name)
		}
		seen[s.Name] = true
	}
}

// check demands that a block says how it proves itself whole, if only by saying that it does not.
func (c *checker) check(n named) {
	key := n.key + ".check"
	k := n.b.Check
	if k == nil {
		n.b.Check = &Check{Kind: NoCheck}
		c.bad(n.key, `no check: want check = { kind = …, at = …, over = […] }, or check = { kind = "none" }`)
		return
	}
	if !one(c, key+".kind", k.Kind, CRC8, CRC16False, CRC16X, Sum8, Xor8, NoCheck) || k.Kind == NoCheck {
		return
	}
	if !within(k.At, k.Kind.Size(), n.b.Len) {
		c.bad(key+".at", "%d lies outside the block: want 0 to %d", k.At, n.b.Len-k.Kind.Size())
	}
	if len(k.Over) == 0 {
		c.bad(key+".over", `missing: want what is covered, [{ in = "self", from = 0, len = %d }]`, n.b.Len-k.Kind.Size())
	}
	for i, s := range k.Over {
		c.span(n, fmt.Sprintf("%s.over[%d]", key, i), s)
	}
}

func (c *checker) span(n named, key string, s Span) {
	if !one(c, key+".in", s.In, SpanSelf, SpanHeader) {
		return
	}
	size := n.b.Len
	if s.In == SpanHeader && c.p.Header != nil {
		size = c.p.Header.Len
	}
	if s.Len < 1 || !within(s.From, s.Len, size) {
		c.bad(key, "%d+%d lies outside the %d bytes of %s", s.From, s.Len, size, s.In)
		return
	}
	k := n.b.Check
	if s.In == SpanSelf && s.From < k.At+k.Kind.Size() && k.At < s.From+s.Len {
		c.bad(key, "covers the check itself at %d", k.At)
	}
	if m := n.b.Commit; s.In == SpanSelf && m != nil && m.Kind == CommitByte && s.From <= m.At && m.At < s.From+s.Len {
		c.bad(key, "covers the commit byte at %d, which is written after the check", m.At)
	}
}

func (c *checker) commit(n named) {
	k := n.b.Commit
	if k == nil {
		n.b.Commit = &Commit{Kind: CommitNone}
		if n.copies {
			c.bad(n.key, `no commit rule: want commit = { kind = "byte", at = …, value = …, invalid = … }, or kind "check" or "none"`)
		}
		return
	}
	key := n.key + ".commit"
	if !one(c, key+".kind", k.Kind, CommitByte, CommitCheck, CommitNone) {
		return
	}
	if k.Kind == CommitCheck && n.b.Check != nil && n.b.Check.Kind == NoCheck {
		c.bad(key+".kind", "the block has no check to commit by: want a check, or kind none")
	}
	if k.Kind != CommitByte {
		return
	}
	if k.At < 0 || k.At >= n.b.Len {
		c.bad(key+".at", "%d lies outside the block: want 0 to %d", k.At, n.b.Len-1)
	}
	if k.Value < 0 || k.Value > 255 || k.Invalid < 0 || k.Invalid > 255 || k.Value == k.Invalid {
		c.bad(key, "value %d and invalid %d: want two different bytes", k.Value, k.Invalid)
	}
	if k.Taken != nil && (*k.Taken < 0 || *k.Taken > 255 || *k.Taken == k.Value || *k.Taken == k.Invalid) {
		c.bad(key+".taken", "taken is %d: want a byte other than value and invalid", *k.Taken)
	}
}
