package phrase

import "tally/counter"

// makingTexts are the codes of package counter about cards that are made, replaced and taken out of use, and about what
// the centre says.
var makingTexts = map[string]entry{
	counter.CodeStalePrices: {
		both{"价格表太久没有得到中心确认[（上次：{at}）]，不能售气。", "The centre has not confirmed the prices for too long[ (last: {at})]; nothing is sold."},
		both{"请检查与中心的网络连接。", "Check the connection to the centre."},
	},
	counter.CodeStaleLocks: {
		both{"停售名单太久没有得到中心确认[（上次：{at}）]，不能售气。", "The centre has not confirmed the sale locks for too long[ (last: {at})]; nothing is sold."},
		both{"请检查与中心的网络连接。", "Check the connection to the centre."},
	},
	counter.CodeStaleAccounts: {
		both{"其他营业厅的办理情况太久没有得到中心确认[（上次：{at}）]，不能发卡或补卡。", "What other counters did was not confirmed by the centre for too long[ (last: {at})]; no card is made."},
		both{"请检查与中心的网络连接。", "Check the connection to the centre."},
	},
	counter.CodeArrears: {
		both{"此用户欠费[ {amount} 元]。", "This customer owes money[: {amount} yuan]."},
		both{"请先收取欠费。", "Collect what is owed first."},
	},
	counter.CodeCardLost: {
		both{"此卡已挂失[：{reason}][（{by}，{at}）]。", "This card was reported lost[: {reason}][ ({by}, {at})]."},
		both{"请收回此卡，并为用户补卡。", "Keep the card and issue another one to the customer."},
	},
	counter.CodeCardOff: {
		both{"此卡未在使用[（{card}）]：已注销，或发卡没有完成。", "This card is not in use[ ({card})]: it was retired, or never finished."},
		both{"可以把它重新发给用户。", "It can be issued again."},
	},
	counter.CodeBlankNeeded: {
		both{"此卡正在使用中[（{card}）]，不能作为新卡。", "This card is in use[ ({card})]; it cannot become a new one."},
		both{"请放上空白卡，或已注销的卡。", "Put a blank card on the reader, or one that was retired."},
	},
	counter.CodeHasCard: {
		both{"此用户已有卡[ {card}]。", "This customer has a card[ ({card})]."},
		both{"请办理补卡。", "Replace the card instead."},
	},
	counter.CodeNoCard: {
		both{"此用户还没有卡。", "This customer has no card."},
		both{"请办理发卡。", "Issue the first card."},
	},
	counter.CodeCardTaken: {
		both{"此卡号属于其他用户[（{card}）]。", "This card number belongs to somebody else[ ({card})]."},
		both{"请核对卡面上的卡号。", "Check the number that is printed on the card."},
	},
	counter.CodeCardNumber: {
		both{"卡号、表号或数值不符合此卡的格式。", "A card number, meter number or value does not fit this kind of card."},
		both{"请输入卡面上印的卡号（数字）。", "Enter the number printed on the card, in digits."},
	},
	counter.CodeIssuesUsed: {
		both{"此用户补卡次数已用完。", "The card of this customer was replaced as often as it can be."},
		both{"请联系管理员。", "Tell the administrator."},
	},
	counter.CodeSayApproved: {
		both{"没有记录证明上次购买是否已刷表，需要班长同意。", "Nothing shows whether the meter took the last purchase; a team leader must agree."},
		both{"请班长输入账号和密码。", "Ask the team leader for name and password."},
	},
	counter.CodeSaySwiped: {
		both{"不知道上次购买[ {volume}]是否已刷表。", "It is not known whether the meter took the last purchase[ of {volume}]."},
		both{"请询问用户并查看表上的余量，然后选择“已刷表”或“未刷表”。", "Ask the customer, look at the meter, and choose taken or not taken."},
	},
	counter.CodeBadCause: {
		both{"补卡原因无效。", "This is no cause for a replacement."},
		both{"请选择丢失、用户损坏或卡故障。", "Choose lost, broken by the customer, or faulty."},
	},
	counter.CodeNotReplaced: {
		both{"这种卡不能补办。", "Cards of this kind cannot be replaced."},
		both{"请联系管理员。", "Tell the administrator."},
	},
	counter.CodeSameMeter: {
		both{"新表号与原表号相同[（{meter}）]。", "The new meter is the old one[ ({meter})]."},
		both{"请核对新表的表号。", "Check the number of the new meter."},
	},
	counter.CodeBadMeter: {
		both{"表号无效。", "This is no meter number."},
		both{"请输入新表上的表号（数字）。", "Enter the number of the new meter, in digits."},
	},
	counter.CodeOverRemaining: {
		both{"余量大于表上次写回的余量[ {most}]。", "This is more than the meter last said it had left[: {most}]."},
		both{"请核对旧表读数；如旧表刚刷过卡，请先在旧表上再刷一次。", "Check the old meter. If it took the card just before, put the card in once more."},
	},
	counter.CodeNoCardPrices: {
		both{"此价格表不能写入卡内。", "This price table cannot be put on a card."},
		both{"卡内最多四档，限量须为整立方米。", "A card holds four tiers at most, with limits in whole cubic metres."},
	},
	counter.CodePricesThere: {
		both{"卡内已是当前价格。", "The card has the present prices already."},
		both{"无需再写。", "Nothing needs to be written."},
	},
	counter.CodeBegun: {
		both{"此操作已在卡上做了一半，不能撤销。", "Half of this is done on the card; it cannot be given up."},
		both{"请把它做完。", "Finish it."},
	},
	counter.CodeBadUses: {
		both{"使用次数无效。", "This number of uses is not possible."},
		both{"请输入 1 到 999。", "Enter 1 to 999."},
	},
	counter.CodeBadKind: {
		both{"卡的种类无效。", "This is no kind of card that sets up meters."},
		both{"请选择检查卡、清零卡、参数卡或工具卡。", "Choose a check, clearing, parameter or tool card."},
	},
}
