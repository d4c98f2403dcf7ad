package central

// Query says what is to be reconciled.
type Query struct {
	Node string // all when empty
	Day  string // business day "2026-11-21", UTC+8; all statements when empty
}

// Finding is one difference between a node and the centre.
type Finding struct {
	Node  string `json:"node"`
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq,omitempty"` // of the statement or the heads, in ev; 0 when the centre's own records disagree
	Code  string `json:"code"`
	Text  string `json:"text"`
}

// Codes of findings.
const (
	FindingSums       = "sums"       // number, volume or amount of sales differ
	FindingHead       = "head"       // a record that the node names is another one here
	FindingAbsent     = "absent"     // a record that the node names is not here
	FindingSignature  = "signature"  // audit heads are not signed as they should be
	FindingKey        = "key"        // audit heads are signed by another key than before
	FindingBreak      = "break"      // a record does not continue the one before
	FindingShort      = "short"      // fewer records are here than were acknowledged
	FindingQuarantine = "quarantine" // records wait for a person
	FindingSilent     = "silent"     // the node has made no statement for the day

	FindingVoidWritten = "void_but_written" // an order was given up by its node and read on its card by another
	FindingOverruled   = "overruled"        // an order was ended otherwise than the centre has decided in the place of its node
)

// Account is what the centre has of one node.
type Account struct {
	Node       string `json:"node"`
	Statements int    `json:"statements"` // compared
	Heads      int    `json:"heads"`      // signed heads compared
	Sales      int64  `json:"sales"`      // here, on the day
	VolumeL    int64  `json:"volume_l"`
	AmountFen  int64  `json:"amount_fen"`
	Refunds    int64  `json:"refunds"`
	RefundFen  int64  `json:"refund_fen"` // negative
	Readings   int64  `json:"readings"`
}

// Report is a reconciliation (对账).
type Report struct {
	Day      string    `json:"day,omitempty"`
	Accounts []Account `json:"nodes"`
	Findings []Finding `json:"findings"`
}
