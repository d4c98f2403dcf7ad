package counter

import (
	"encoding/hex"

	"tally/cardreader/purse"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Types of records on the stream tx about cards that were made, changed or retired; their body is a CardOperation.
const (
	TypeIssue           = "card_issue"
	TypeIssueVoid       = "card_issue_void"
	TypeReissue         = "card_reissue"
	TypeReissueVoid     = "card_reissue_void"
	TypeMeterChange     = "meter_change"
	TypeMeterChangeVoid = "meter_change_void"
	TypeCardTariff      = "card_tariff"
	TypeCardTariffVoid  = "card_tariff_void"
	TypeRetire          = "card_retired"
	TypeRetireVoid      = "card_retired_void"
	TypeToolCard        = "card_tool"
	TypeToolCardVoid    = "card_tool_void"
)

// CardOperation tells the centre of a card that was made, changed or retired and read back, or of one given up. Fields
// that do not belong to the operation are left out.
type CardOperation struct {
	Order      string        `json:"order"` // journal id, the record's ID too
	Op         string        `json:"op"`    // issue, reissue, meter_change, tariff, retire, tool
	Account    string        `json:"account,omitempty"`
	Region     uint16        `json:"region"`
	Card       string        `json:"card"`
	CardIssue  uint8         `json:"card_issue,omitempty"`
	OldRegion  uint16        `json:"old_region,omitempty"` // of the card that is dead from now on
	OldCard    string        `json:"old_card,omitempty"`
	OldIssue   uint8         `json:"old_issue,omitempty"`
	Meter      string        `json:"meter,omitempty"`
	OldMeter   string        `json:"old_meter,omitempty"`
	Operator   string        `json:"operator"`
	Station    string        `json:"station"`
	Receipt    uint64        `json:"receipt,omitempty"`
	AmountFen  int64         `json:"amount_fen"` // the fee
	Currency   string        `json:"currency"`   // "CNY"
	VolumeL    int64         `json:"volume_l,omitempty"`
	CardSeq    uint16        `json:"card_seq"`
	CardTag    string        `json:"card_tag"`
	CardCum    int64         `json:"card_cum"`
	CardQty    int64         `json:"card_qty,omitempty"` // credit that the card carries from the start, in its unit
	CardUnit   string        `json:"card_unit,omitempty"`
	Table      int           `json:"table_version,omitempty"`
	Cause      string        `json:"cause,omitempty"`
	Swiped     string        `json:"swiped,omitempty"`
	Kind       string        `json:"kind,omitempty"`
	Uses       int           `json:"uses,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	ApprovedBy string        `json:"approved_by,omitempty"`
	IntentAt   contract.Time `json:"intent_at"`
	WasInDoubt bool          `json:"was_in_doubt,omitempty"`
}

func cardRecord(typ string, o Order) outbox.Draft {
	return outbox.Draft{Stream: contract.Tx, Type: typ, ID: o.ID, Body: CardOperation{
		Order: o.ID, Op: string(o.Op), Account: o.Account, Region: o.Card.Region, Card: o.Card.No, CardIssue: o.Plan.IssueCount,
		OldRegion: o.OldCard.Region, OldCard: o.OldCard.No, OldIssue: o.OldIssue, Meter: o.Meter, OldMeter: o.OldMeter,
		Operator: o.Operator, Station: o.Station, Receipt: o.Receipt, AmountFen: int64(o.Amount), Currency: "CNY", VolumeL: int64(o.Volume),
		CardSeq: o.Plan.Seq, CardTag: hexTag(o.Plan), CardCum: int64(o.Plan.Cumulative), CardQty: int64(o.Qty),
		CardUnit: string(o.Unit), Table: o.Table, Cause: o.Cause, Swiped: o.Swiped, Kind: string(o.Kind), Uses: o.Uses,
		Reason: o.Reason, ApprovedBy: o.ApprovedBy, IntentAt: contract.At(o.IntentAt), WasInDoubt: o.Doubted,
	}}
}

// afterDone is an account after an order of its card was read back. A sale was counted in its tiers with its intent, a
// refund is only now.
func afterDone(a Account, o Order) Account {
	switch o.Op {
	case purse.OpTariff:
		return a
	case OpFinish:
		return finished(a, o)
	case purse.OpRetire:
		bury(&a, DeadCard{Card: o.Card, Issue: o.Plan.IssueCount, Why: DeadRetired})
		a.LastIssue = max(a.LastIssue, a.CardIssue)
		a.Card, a.CardIssue, a.Lost = purse.CardID{}, 0, nil // the meter still counts from the last order
		return a
	case purse.OpIssue, purse.OpReissue, purse.OpMeterChange:
		a = withCard(a, o)
	}
	if soldOnTop(a, o) {
		return refunded(a, o)
	}
	a.CardSeq, a.CardIssue, a.CardUnit = o.Plan.Seq, o.Plan.IssueCount, o.Unit
	if o.Plan.Make != "" && o.Plan.Slot == "" {
		a.Last = nil // it carries no order
	} else {
		a.Last = &LastOrder{Seq: o.Plan.Seq, Tag: tagOn(o.Plan), Qty: o.Plan.Qty, Cumulative: o.Plan.Cumulative, Order: o.ID}
	}
	return refunded(a, o)
}

// soldOnTop: another counter has read the order on the card and sold on top of it, and the centre has said so already.
func soldOnTop(a Account, o Order) bool {
	elsewhere := a.Last != nil && a.Last.Order == "" && a.Last.Seq == a.CardSeq
	return o.Plan.Make == "" && elsewhere && o.Plan.IssueCount == a.CardIssue && int16(a.CardSeq-o.Plan.Seq) > 0
}

func refunded(a Account, o Order) Account {
	if o.Op == purse.OpRefund && a.PeriodStart == o.Period {
		a.Bought += o.Volume
	}
	return a
}

// tagOn is the tag as the card carries it: none on a layout that has no place for it.
func tagOn(p purse.Plan) purse.Tag { return p.Order.Tag }

func hexTag(p purse.Plan) string {
	g := tagOn(p)
	return hex.EncodeToString(g[:])
}

// withCard gives a customer the card of an order, and buries the one before when it had another number.
func withCard(a Account, o Order) Account {
	if !a.Card.IsZero() && (a.Card != o.Card || a.CardIssue != o.Plan.IssueCount) {
		bury(&a, DeadCard{Card: a.Card, Issue: a.CardIssue, Why: DeadReplaced})
	}
	a.Card, a.Seen, a.Lost = o.Card, nil, nil
	if o.Op == purse.OpMeterChange {
		a.Meter = o.Meter
	}
	if o.Op == purse.OpReissue && (o.Swiped == KnownTaken || o.Swiped == KnownYes) {
		a.Seen = &Seen{Seq: o.Plan.Seq, Accepted: o.Plan.Cumulative, Swiped: true, At: o.EndAt}
	}
	return a
}
