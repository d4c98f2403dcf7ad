package web

import "maps"

// texts is everything the page says by itself.
var texts = func() map[string]both {
	all := maps.Clone(pageTexts)
	maps.Copy(all, cardTexts)
	maps.Copy(all, elsewhereTexts)
	return all
}()

// cardTexts is what the page says about making, changing and retiring cards.
var cardTexts = map[string]both{
	"cards.account": {"户号", "Customer no."},
	"cards.no":      {"卡号（卡面上印有时填写）", "Card no., if one is printed on it"},

	"issue.title": {"发卡", "Issue first card"},
	"issue.hint":  {"读卡器上的空白卡将成为该用户的卡，并绑定其表号。不收款。", "The blank card on the reader becomes this customer's and is bound to their meter. It costs nothing."},

	"reissue.title":    {"补卡", "Replace card"},
	"reissue.hint":     {"读卡器上的空白卡将替换用户的旧卡；旧卡从此作废，在其他营业厅也不能使用。", "The blank card on the reader replaces the customer's old one, which is dead from then on, at other counters too."},
	"reissue.cause":    {"补卡原因和工本费", "Cause and fee"},
	"reissue.swiped":   {"上次购买是否已刷表？", "Did the meter take the last purchase?"},
	"reissue.known":    {"系统有记录", "on record"},
	"reissue.yes":      {"已刷表（不再写入）", "taken: not written again"},
	"reissue.no":       {"未刷表（写入新卡）", "not taken: goes on the new card"},
	"reissue.approver": {"复核人（仅在没有记录时需要班长）", "Approver (a team leader, only without a record)"},

	"change.title": {"换表", "Meter change"},
	"change.meter": {"新表表号", "New meter no."},
	"change.left":  {"旧表剩余", "Left in the old meter"},
	"change.hint":  {"旧表余量和卡上未刷的气量一并转到新表；旧表的参数不再保留在卡上。", "What the old meter has left and what it has not taken go to the new one; nothing of the old meter stays on the card."},

	"prices.title": {"价格写卡", "Prices to the card"},
	"prices.hint":  {"把当前价格表写入卡内；卡上的订单不变。", "Puts the present prices on the card; its orders stay as they are."},

	"retire.title": {"注销卡", "Retire card"},
	"retire.hint":  {"卡停止使用并清空；卡上不能有未刷表的气量。", "The card is taken out of use and wiped. Nothing may be on it that the meter has not taken."},

	"tool.title": {"制作检查卡、清零卡、参数卡、工具卡", "Make a card that sets up meters"},
	"tool.no":    {"卡号（印在卡面上）", "Card no. as printed"},
	"tool.kind":  {"卡的种类", "Kind"},
	"tool.water": {"用于水表", "For water meters"},
	"tool.uses":  {"可使用次数", "Number of uses"},
	"tool.class": {"写入哪一类价格", "Prices of which class"},
	"tool.none":  {"不写价格", "No prices"},
	"tool.left":  {"剩余使用次数", "Uses left"},
	"tool.by":    {"制作", "Made"},

	"lost.title":  {"挂失", "Report card lost"},
	"lost.done":   {"已挂失", "Reported lost"},
	"found.title": {"解除挂失", "Card found again"},
	"found.done":  {"挂失已解除", "The card may be used again"},

	"receipt.old_card":  {"作废旧卡", "Dead from now on"},
	"receipt.old_meter": {"旧表", "Old meter"},
	"receipt.cause":     {"原因", "Cause"},
	"receipt.carried":   {"卡上气量", "Credit on the card"},
	"receipt.fee":       {"工本费", "Fee"},
	"receipt.nothing":   {"不收款。", "Nothing was charged."},
	"receipt.uses":      {"可使用次数", "Uses"},

	"doubt.begun":      {"此卡的一项业务只完成了一半：", "Half of this was done on the card:"},
	"doubt.begun.hint": {"请继续写完；尚未写入任何内容时也可以放弃。", "Finish it; as long as nothing was written it can be given up."},
	"doubt.finish":     {"继续写卡", "Finish"},
	"doubt.drop":       {"放弃", "Give up"},
	"doubt.drop.ask":   {"放弃此项业务？", "Give this up?"},
}
