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
	counter.CodeArrears: {
		both{"此用户欠费[ {amount} 元]。", "This customer owes money[: {amount} yuan]."},
		both{"请先收取欠费。", "Collect what is owed first."},
	},
	counter.CodeCardLost: {
		both{"此卡已挂失[：{reason}][（{by}，{at}）]。", "This card was reported lost[: {reason}][ ({by}, {at})]."},
		both{"请收回此卡，并为用户补卡。", "Keep the card and issue another one to the customer."},
	},
}
