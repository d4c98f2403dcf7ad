package counter

import (
	"tally/cardreader/purse"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Types of records on the stream tx, beside those of package contract; their body is a contract.Sale, negative for a
// refund and without an amount for a make-up.
const (
	TypeRefund     = "refund"
	TypeRefundVoid = "refund_void"
	TypeMakeUp     = "make_up"
	TypeMakeUpVoid = "make_up_void"
)

// recordTypes say what the centre hears of the end of an order.
var recordTypes = map[purse.Op]struct{ done, void string }{
	purse.OpBuy:         {contract.TypeSale, contract.TypeSaleVoid},
	purse.OpRefund:      {TypeRefund, TypeRefundVoid},
	purse.OpMakeUp:      {TypeMakeUp, TypeMakeUpVoid},
	purse.OpIssue:       {TypeIssue, TypeIssueVoid},
	purse.OpReissue:     {TypeReissue, TypeReissueVoid},
	purse.OpMeterChange: {TypeMeterChange, TypeMeterChangeVoid},
	purse.OpTariff:      {TypeCardTariff, TypeCardTariffVoid},
	purse.OpRetire:      {TypeRetire, TypeRetireVoid},
	purse.OpTool:        {TypeToolCard, TypeToolCardVoid},
	OpFinish:            {contract.TypeOrderWitnessed, contract.TypeOrderReturned},
}

// orderRecord is what the centre hears of an order.
func orderRecord(o Order, typ string) outbox.Draft {
	if o.Op == OpFinish {
		return finishRecord(typ, o)
	}
	if o.Plan.Make != "" {
		return cardRecord(typ, o)
	}
	return saleRecord(typ, o)
}

// saleRecord tells the centre of a sale that was read back, or of one in doubt that was given up.
func saleRecord(typ string, o Order) outbox.Draft {
	body := contract.Sale{
		Order: o.ID, Account: o.Account, Region: o.Card.Region, Card: o.Card.No, Meter: o.Meter, Operator: o.Operator,
		Station: o.Station, Receipt: o.Receipt, VolumeL: int64(o.Volume), AmountFen: int64(o.Amount), Currency: "CNY",
		CardSeq: o.Plan.Seq, CardTag: hexTag(o.Plan), CardCum: int64(o.Plan.Cumulative),
		CardUnit: string(o.Unit), IntentAt: contract.At(o.IntentAt), WasInDoubt: o.Doubted,
		CardIssue: o.Plan.IssueCount, CardQty: int64(o.Plan.Order.Qty), Period: o.Period, Of: o.Of, Reason: o.Reason, ApprovedBy: o.ApprovedBy,
	}
	for _, l := range o.Lines {
		body.Tiers = append(body.Tiers, contract.TierLine{
			Tier: l.Tier, VolumeL: int64(l.Volume), Price: int64(l.Price), AmountFen: int64(l.Amount),
		})
	}
	return outbox.Draft{Stream: contract.Tx, Type: typ, ID: o.ID, Body: body}
}

// doubtRecord tells the centre that an order has no proof yet, or needs a leader.
func doubtRecord(typ string, o Order) outbox.Draft {
	return outbox.Draft{Stream: contract.Ev, Type: typ, ID: o.ID, Body: contract.CardInDoubt{
		Order: o.ID, Account: o.Account, Region: o.Card.Region, Card: o.Card.No,
		CardSeq: o.Plan.Seq, CardTag: hexTag(o.Plan), Why: o.Why,
	}}
}
