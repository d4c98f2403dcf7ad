package contract

// Types of records.
const (
	TypeSale          = "sale"           // tx: a sale whose card was read back
	TypeSaleVoid      = "sale_void"      // tx: an in-doubt sale that the card proved not written, given up
	TypeRefund        = "refund"         // tx: money given back for an order that the meter had not taken (退气); negative
	TypeRefundVoid    = "refund_void"    // tx: a refund given up, as sale_void
	TypeMakeUp        = "make_up"        // tx: the last order put on its card again (掉气补气); no amount
	TypeMakeUpVoid    = "make_up_void"   // tx: a make-up given up, as sale_void
	TypeCardInDoubt   = "card_in_doubt"  // ev: a card write whose outcome is not known yet
	TypeQuarantine    = "quarantine"     // ev: a card that fits neither before nor after; a leader decides
	TypeReading       = "reading"        // rd
	TypeReadingFailed = "reading_failed" // rd: a meter that did not answer; never a zero
	TypeNodeStarted   = "node_started"   // ev
	TypeReadingsLost  = "readings_lost"  // ev: numbers of rd that will never come
	TypeStatement     = "statement"      // ev: what the node believes to have sold, to be reconciled with (对账)
	TypeAuditHeads    = "audit_heads"    // ev: the ends of the chains, signed by the node
	TypeCardMismatch  = "card_mismatch"  // ev: a card was read that does not agree with the ledger
	TypeSaleLock      = "sale_lock"      // ev: sales to a customer were stopped (停售)
	TypeSaleUnlock    = "sale_unlock"    // ev: one such lock was lifted
	TypeCardLost      = "card_lost"      // ev: a customer's card was reported as lost (挂失)
	TypeCardFound     = "card_found"     // ev: and was found again (解挂)
)

// Sale is the body of sale, refund and make_up and of their voids. Amounts carry their unit in the name; those of a refund
// are negative.
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
	Clean   bool   `json:"clean"`         // the last run ended in order
	Key     string `json:"key,omitempty"` // public Ed25519 key that signs audit_heads, 64 hex digits
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

// CardMismatch is the body of card_mismatch: what the ledger expected and what the card says, with every byte of it.
type CardMismatch struct {
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card"`
	Code      string `json:"code"` // card_behind, card_ahead, card_damaged, other_meter, card_replaced
	LedgerSeq uint16 `json:"ledger_seq"`
	CardSeq   uint16 `json:"card_seq"`
	CardIssue uint8  `json:"card_issue"`
	CardTag   string `json:"card_tag"`
	CardCum   int64  `json:"card_cum"`
	MeterSeq  uint16 `json:"meter_seq"` // as written back
	MeterCum  int64  `json:"meter_cum"`
	CardUnit  string `json:"card_unit"`
	CardMeter string `json:"card_meter"`
	Image     string `json:"image"` // hex
}

// SaleLock is the body of sale_lock and sale_unlock.
type SaleLock struct {
	Account  string `json:"account"`
	Reason   string `json:"reason"`
	By       string `json:"by"`
	At       Time   `json:"at"` // when it was set; names the lock within the account
	LiftedBy string `json:"lifted_by,omitempty"`
	Why      string `json:"why,omitempty"` // it was lifted
}

// CardReport is the body of card_lost and card_found.
type CardReport struct {
	Account   string `json:"account"`
	Region    uint16 `json:"region"`
	Card      string `json:"card"`
	CardIssue uint8  `json:"card_issue"`
	Reason    string `json:"reason"`
	By        string `json:"by"`
	At        Time   `json:"at"`
}
