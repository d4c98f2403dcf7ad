package contract

// Types of records on tx about cards that were made, changed or retired and read back. Each has a void: the operation was
// given up because the card proved not written.
const (
	TypeCardIssue       = "card_issue" // a customer's card (开户), or one more
	TypeCardIssueVoid   = "card_issue_void"
	TypeCardReissue     = "card_reissue" // in the place of a lost or broken one (补卡)
	TypeCardReissueVoid = "card_reissue_void"
	TypeMeterChange     = "meter_change" // another meter, its remaining credit carried over (换表)
	TypeMeterChangeVoid = "meter_change_void"
	TypeCardTariff      = "card_tariff" // prices put on a card whose meter prices itself (调价)
	TypeCardTariffVoid  = "card_tariff_void"
	TypeCardRetired     = "card_retired" // taken back, the customer has none any more (销户)
	TypeCardRetiredVoid = "card_retired_void"
	TypeCardTool        = "card_tool" // a card of the utility's own
	TypeCardToolVoid    = "card_tool_void"
)

// CardOperation is the body of the types above. Fields that do not belong to the operation are left out.
type CardOperation struct {
	Order      string `json:"order"` // journal id, the record's id too
	Op         string `json:"op"`    // issue, reissue, meter_change, tariff, retire, tool
	Account    string `json:"account,omitempty"`
	Region     uint16 `json:"region"`
	Card       string `json:"card"`
	CardIssue  uint8  `json:"card_issue,omitempty"`
	OldRegion  uint16 `json:"old_region,omitempty"` // of the card that is dead from now on
	OldCard    string `json:"old_card,omitempty"`
	OldIssue   uint8  `json:"old_issue,omitempty"`
	Meter      string `json:"meter,omitempty"`
	OldMeter   string `json:"old_meter,omitempty"`
	Operator   string `json:"operator"`
	Station    string `json:"station"`
	Receipt    uint64 `json:"receipt,omitempty"`
	AmountFen  int64  `json:"amount_fen"` // the fee
	Currency   string `json:"currency"`   // "CNY"
	VolumeL    int64  `json:"volume_l,omitempty"`
	CardSeq    uint16 `json:"card_seq"`
	CardTag    string `json:"card_tag"`
	CardCum    int64  `json:"card_cum"`
	CardQty    int64  `json:"card_qty,omitempty"` // credit that the card carries from the start, in its unit
	CardUnit   string `json:"card_unit,omitempty"`
	Table      int    `json:"table_version,omitempty"` // of the prices on the card
	Cause      string `json:"cause,omitempty"`         // of a replacement: by whose fault
	Swiped     string `json:"swiped,omitempty"`        // whether the meter had taken the last order
	Kind       string `json:"kind,omitempty"`          // of a tool card
	Uses       int    `json:"uses,omitempty"`          // of a tool card
	Reason     string `json:"reason,omitempty"`
	ApprovedBy string `json:"approved_by,omitempty"`
	IntentAt   Time   `json:"intent_at"` // when money and intent were committed
	WasInDoubt bool   `json:"was_in_doubt,omitempty"`
}
