package phrase

import "tally/counter"

// elsewhereTexts are about orders in doubt that two counters see.
var elsewhereTexts = map[string]entry{
	counter.CodeOpenElsewhere: {
		both{"此用户在另一营业点[（{station}）]有一笔结果未明的业务。", "This customer has an order in doubt at another counter[ ({station})]."},
		both{"已读卡，证明未写入时可在此请求代写；退款只在收款处[ {station} ]办理。", "If the card proves that it was not written, ask for it here and write it; money is given back only where it was paid[, at {station}]."},
	},
	counter.CodeHandedOver: {
		both{"此笔已交由另一营业点[（{station}）]写卡，暂不能退款。", "This order was handed over to another counter[ ({station})] to be written; its money is not given back meanwhile."},
		both{"可在此重新写卡；要退款，请该营业点先读卡并交还。", "It can still be written here. To give the money back, that counter must read the card and hand the order back first."},
	},
	counter.CodeWrittenVoid: {
		both{"此笔已作废退款，但在另一营业点读卡时发现已写入卡中。", "This order was given up and its money handed back, yet another counter has read it on the card."},
		both{"请班长核对并向用户追回。", "A team leader must look into it and settle with the customer."},
	},
	counter.WhyWitnessed: {
		both{"另一营业点已读卡，证明此笔在卡上。", "Another counter has read the order on the card."},
		both{"此笔已完成，无需处理。", "It is done; there is nothing to do."},
	},
	counter.WhyCentreWritten: {
		both{"中心已认定此笔写入卡中。", "The centre has settled this order: it is on its card."},
		both{"无需处理；原因见备注。", "There is nothing to do; its reason is in the journal."},
	},
	counter.WhyCentreRefunded: {
		both{"此笔款项已由公司退还用户。", "The office has paid the money of this order back."},
		both{"请勿再次退款。", "Do not pay it back again."},
	},
	counter.WhyCentreNotWritten: {
		both{"中心已认定此笔未写入卡中，未退款。", "The centre has settled this order: it is not on its card, and no money was paid back."},
		both{"请向公司核实是否仍欠用户。", "Ask the office whether the customer is still owed."},
	},
	counter.WhyEnded: {
		both{"此笔已由收款的营业点了结。", "The counter that took the money has settled this order."},
		both{"此处无需处理。", "There is nothing to do here."},
	},
}
