package contract

// Types of records.
const (
	TypeSale          = "sale"           // tx: a sale whose card was read back
	TypeSaleVoid      = "sale_void"      // tx: an in-doubt sale that the card proved not written, given up
	TypeCardInDoubt   = "card_in_doubt"  // ev: a card write whose outcome is not known yet
	TypeQuarantine    = "quarantine"     // ev: a card that fits neither before nor after; a leader decides
	TypeReading       = "reading"        // rd
	TypeReadingFailed = "reading_failed" // rd: a meter that did not answer; never a zero
	TypeNodeStarted   = "node_started"   // ev
	TypeReadingsLost  = "readings_lost"  // ev: numbers of rd that will never come
	TypeStatement     = "statement"      // ev: what the node believes to have sold, to be reconciled with (对账)
)

// Sale is the body of sale and sale_void. Amounts carry their unit in the name.
type Sale struct {
	Order      string     `json:"order"` // journal id, the record's ID too
	Account    string     `json:"account"`
	Region     uint16     `json:"region"`
	Card       string     `json:"card"`
	Meter      string     `json:"meter"`
	Operator   string     `json:"operator"`
	Station    string     `json:"station"`
	Receipt    uint64     `json:"receipt,omitempty"`
	VolumeL    int64      `json:"volume_l"`
	AmountFen  int64      `json:"amount_fen"`
	Currency   string     `json:"currency"` // "CNY"
	Tiers      []TierLine `json:"tiers"`
	CardSeq    uint16     `json:"card_seq"`
	CardTag    string     `json:"card_tag"`
	CardCum    int64      `json:"card_cum"`
	CardUnit   string     `json:"card_unit"`
	IntentAt   Time       `json:"intent_at"` // when money and intent were committed
	WasInDoubt bool       `json:"was_in_doubt,omitempty"`
	CardIssue  uint8      `json:"card_issue,omitempty"`   // issue count of the card
	CardQty    int64      `json:"card_qty,omitempty"`     // of the order, as on the card
	Period     string     `json:"period_start,omitempty"` // tier period that the volume was counted in
	Of         string     `json:"of,omitempty"`           // order that this one refunds, makes up or carries over
	Reason     string     `json:"reason,omitempty"`       // as written by whoever asked
	ApprovedBy string     `json:"approved_by,omitempty"`  // second person, where one is asked for
}

// TierLine is one line of a tiered price; the lines of a sale add up to it.
type TierLine struct {
	Tier      int   `json:"tier"`
	VolumeL   int64 `json:"volume_l"`
	Price     int64 `json:"price_yuan_e4_per_m3"`
	AmountFen int64 `json:"amount_fen"`
}

// CardInDoubt is the body of card_in_doubt and quarantine.
type CardInDoubt struct {
	Order   string `json:"order"`
	Account string `json:"account"`
	Region  uint16 `json:"region"`
	Card    string `json:"card"`
	CardSeq uint16 `json:"card_seq"`
	CardTag string `json:"card_tag"`
	Why     string `json:"why"` // stable code
}

// Reading is the body of reading. At is when the meter answered, not when it was sent.
type Reading struct {
	Meter   string   `json:"meter"`
	At      Time     `json:"at"`
	Line    string   `json:"line"`
	Values  []Value  `json:"values"`
	Quality []string `json:"quality,omitempty"`
	Raw     string   `json:"raw,omitempty"` // hex
}

// Value is one measured quantity: an exact decimal in the meter's own unit.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Unit  string `json:"unit"`
}

// ReadingFailed is the body of reading_failed.
type ReadingFailed struct {
	Meter string `json:"meter"`
	At    Time   `json:"at"`
	Line  string `json:"line"`
	Code  string `json:"code"`
	Text  string `json:"text"`
}

// NodeStarted is the body of node_started.
type NodeStarted struct {
	Version string `json:"version"`
	Boot    string `json:"boot"`
	Clean   bool   `json:"clean"` // the last run ended in order
}

// ReadingsLost is the body of readings_lost: records First to Last of rd are gone from the node before the centre had
// them. The centre counts those it lacks as handled, or its watermark would wait for them for ever.
type ReadingsLost struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Why   string `json:"why"` // damaged, missing, disk_full
}

// Statement is the body of statement: what a node counts for a time, usually a business day, and how its streams stood
// when it was made. A centre compares it with what it has stored.
type Statement struct {
	From      Time   `json:"from"` // by the records' At, inclusive
	To        Time   `json:"to"`   // exclusive
	Sales     int64  `json:"sales"`
	VolumeL   int64  `json:"volume_l"`
	AmountFen int64  `json:"amount_fen"`
	Heads     []Head `json:"heads"`
}

// Head is the hash of one record, which stands for all before it.
type Head struct {
	Stream Stream `json:"stream"`
	Seq    uint64 `json:"seq"`
	SHA256 string `json:"sha256"`
}
