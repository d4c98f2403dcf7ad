package profile

import "slices"

// semantics checks that the fields can carry what the rules say. It runs on a layout that is sound.
func (c *checker) semantics() {
	r := c.p.Rules
	c.wants("header", c.p.Header, CardNo, "to tell one customer's card from another's")
	c.wants("order", c.p.Order, Qty, "")
	if r.Unit == UnitFlag {
		c.wants("header", c.p.Header, UnitOf, `for rules.unit = "flag"`)
	}
	if r.Order == OrderCumulative {
		c.wants("order", c.p.Order, Cumulative, `for rules.order = "cumulative"`)
	}
	if r.Count != CountNone {
		c.wants("order", c.p.Order, Seq, "for rules.count; say count = \"none\" when there is none")
	}
	if r.Swiped == SwipedWriteBack {
		c.wants("order", c.p.Order, Seq, `for rules.swiped = "write_back_seq"`)
	}
	if r.Reissue == ReissueIssueCount {
		c.wants("header", c.p.Header, IssueCount, `for rules.reissue = "issue_count": nothing else would tell the old card from the new one`)
	}
	if f := c.p.Order.Field(Seq); f != nil {
		if _, hi := f.As.Bounds(f.Len); hi == 0 || hi > 0xFFFF || f.Bits > 0 || f.Scale > 1 {
			c.bad("order", "the field that means \"seq\" is %s of %d bytes: want whole bytes that count by one, to 65535 at most", f.As, f.Len)
		}
	}
	if r.Count == CountMeter || r.Swiped == SwipedWriteBack {
		c.wants("write_back", c.p.WriteBack, Seq, "for what the rules read there")
	}
	if f := c.p.Header.Field(SerialOf); c.p.Chip.Type == "cpu" && (f == nil || f.Len != 8) {
		c.bad("header", "no field of 8 bytes means \"serial\": a CPU card's keys come from it")
	}
	c.mark()
	c.words()
	c.copies()
	c.write()
}

func (c *checker) wants(key string, b *Block, m Meaning, why string) {
	if b == nil || b.Field(m) == nil {
		c.bad(key, "no field means %q: want one %s", m, why)
	}
}

// mark: the swiped mark is a field of the order, or the meter's value of the commit byte.
func (c *checker) mark() {
	if c.p.Rules.Swiped != SwipedMark {
		return
	}
	f, byCommit := c.p.Order.Field(Mark), c.p.Order.Commit.Taken != nil
	if byCommit == (f != nil) {
		c.bad("order", `rules.swiped = "mark" wants either a field that means "mark" or commit.taken`)
	}
	if f == nil {
		return
	}
	for _, w := range []string{"fresh", "swiped"} {
		if _, ok := f.Words[w]; !ok {
			c.bad("order", `the field that means "mark" has no value for %q: want values = { fresh = …, swiped = … }`, w)
		}
	}
}

// words holds fields of closed vocabularies to the words that the software knows.
func (c *checker) words() {
	for _, n := range c.blocks() {
		if n.b == nil {
			continue
		}
		for _, f := range n.b.Fields {
			for w := range f.Words {
				if list := vocabulary(f.Means); list != nil && !slices.Contains(list, w) {
					c.bad(n.key, "field %q has a value called %q, which is not known: want %v", f.Name, w, list)
				}
			}
		}
	}
}

func vocabulary(m Meaning) []string {
	switch m {
	case KindOf:
		return []string{"user", "open_account", "reissue", "transfer", "check", "clear", "parameter", "tool"}
	case UnitOf:
		return []string{"0.1m3", "0.01m3", "fen"}
	case OpOf:
		return []string{"buy", "reissue", "make_up", "refund", "meter_change"}
	case Mark:
		return []string{"fresh", "swiped"}
	}
	return nil
}

func (c *checker) copies() {
	want, r := 2, c.p.Rules
	if r.Copies == CopiesSingle {
		want = 1
	}
	if got := len(c.p.Order.Slots); got != want && (r.Copies != CopiesAlternate || got < want) {
		c.bad("order", "%d slots: want %d for rules.copies = %q", got, want, r.Copies)
	}
	if r.Copies == CopiesAlternate && (r.Count != CountCard || c.p.Order.Commit.Kind == CommitNone) {
		c.bad("rules.copies", `slots that take turns need count = "card+1" and a commit rule to tell which one counts`)
	}
	if r.Copies == CopiesBackup && c.p.Order.Check.Kind == NoCheck {
		c.bad("rules.copies", "a backup needs a check, to tell when the first slot is broken")
	}
	if r.Swiped == SwipedNever && r.Order != OrderCumulative {
		c.bad("rules.swiped", `"none" goes with rules.order = "cumulative": with any other rule an order not yet taken would be lost or doubled`)
	}
	if c.p.Header.Check.Kind == NoCheck && !slices.ContainsFunc(c.p.Header.Fields, func(f Field) bool { return f.Must != nil }) {
		c.bad("header", "nothing tells this card from another: want a field with must, or a check")
	}
}

// write holds the order of steps to what makes it safe: a slot is marked invalid before it changes, and committed last.
func (c *checker) write() {
	steps := c.p.Rules.Write
	place := func(w WriteOp) int { return slices.Index(steps, w) }
	body := max(place(WriteBody), place(WriteRecord))
	if body < 0 || place(WriteBody) >= 0 && place(WriteRecord) >= 0 {
		c.bad("rules.write", `no "body": want the step that writes the order, or "record" where the chip writes it whole`)
		return
	}
	c.commits(place, body)
	if (place(WriteBackup) >= 0) != (c.p.Rules.Copies == CopiesBackup) {
		c.bad("rules.write", `"backup" goes with rules.copies = "backup", and with no other`)
	}
	if b := place(WriteBackup); b >= 0 && b < max(body, place(WriteCommit)) {
		c.bad("rules.write", `the backup is written before the order is whole: want "backup" after it`)
	}
	if s := place(WriteStamp); s >= 0 && (s != len(steps)-1 || c.p.Stamp == nil) {
		c.bad("rules.write", `"stamp" needs a table [stamp] and stands last`)
	}
	c.onMap(place)
}

// commits: what opens a slot and what closes it go together.
func (c *checker) commits(place func(WriteOp) int, body int) {
	byByte := c.p.Order.Commit.Kind == CommitByte && place(WriteRecord) < 0
	opens := max(place(WriteInvalidate), place(WriteErase))
	switch {
	case byByte != (place(WriteCommit) >= 0), byByte != (opens >= 0) && place(WriteErase) < 0, place(WriteInvalidate) >= 0 && place(WriteErase) >= 0:
		c.bad("rules.write", `"invalidate" and "commit" go with commit.kind = "byte", and with no other`)
	case opens > body, byByte && body > place(WriteCommit):
		c.bad("rules.write", `the order is %v: want "invalidate" or "erase", then "body", then "commit"`, c.p.Rules.Write)
	}
}
