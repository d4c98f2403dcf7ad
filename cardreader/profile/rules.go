package profile

// Rules are the semantics that bytes alone do not show and in which makers differ.
type Rules struct {
	Order   OrderRule  `toml:"order"`
	Count   CountRule  `toml:"count"`
	Swiped  SwipedRule `toml:"swiped"`
	Copies  CopyRule   `toml:"copies"`
	Write   []WriteOp  `toml:"write"`
	Unit    string     `toml:"unit"`
	Reissue string     `toml:"reissue"`
}

// OrderRule says what a new order does to the one on the card.
type OrderRule string

// Order rules.
const (
	OrderCumulative OrderRule = "cumulative" // the card carries the total bought; the meter credits the difference
	OrderReplaces   OrderRule = "replaces"   // the quantity on the card is replaced; one not yet swiped would be lost
	OrderAdds       OrderRule = "adds"       // the quantity is added to what lies on the card not yet swiped
)

// CountRule says what the sequence of a new order is.
type CountRule string

// Count rules.
const (
	CountCard      CountRule = "card+1"          // one more than the newest order on the card
	CountMeter     CountRule = "meter+1"         // one more than the meter wrote back
	CountIfEmpty   CountRule = "card+1_if_empty" // one more only when the meter has taken the last order
	CountIncreases CountRule = "increases"       // any greater number; one more than card and meter
	CountNone      CountRule = "none"            // no sequence at all
)

// SwipedRule says how the card shows that the meter has taken the newest order.
type SwipedRule string

// Swiped rules.
const (
	SwipedWriteBack SwipedRule = "write_back_seq" // a valid write-back has the order's sequence
	SwipedMark      SwipedRule = "mark"           // the meter changes a mark in the order
	SwipedZero      SwipedRule = "qty_zero"       // the meter sets the quantity to zero
	SwipedNever     SwipedRule = "none"           // the card does not show it
)

// CopyRule says what the slots of an order are to each other.
type CopyRule string

// Copy rules.
const (
	CopiesAlternate CopyRule = "alternate" // two or more take turns, the newest valid one counts and is never overwritten
	CopiesBackup    CopyRule = "backup"    // the second slot repeats the first, written after it
	CopiesSingle    CopyRule = "single"    // one slot: a cut during the write leaves none
)

// WriteOp is one step of a write; each is read back before the next.
type WriteOp string

// Steps of a write.
const (
	WriteInvalidate WriteOp = "invalidate" // the commit byte of the slot to be overwritten gets its invalid value
	WriteBody       WriteOp = "body"       // everything but the commit byte
	WriteCommit     WriteOp = "commit"
	WriteBackup     WriteOp = "backup" // the second copy
	WriteErase      WriteOp = "erase"  // the zone of the slot to be overwritten is erased, and all in it
	WriteRecord     WriteOp = "record" // the whole slot with its commit byte, by one command that the chip does whole or not at all
	WriteStamp      WriteOp = "stamp"  // diagnostic; its failure does not make the order undone
)

// UnitFlag as the unit rule: a header field says which unit the card counts in.
const UnitFlag = "flag"

// Reissue rules.
const (
	ReissueIssueCount = "issue_count" // same card number, issue count one higher; the meter refuses the lower one
	ReissueNewNumber  = "new_number"
	ReissueNone       = "none"
)
