package phrase

import "tally/counter"

var unknown = entry{
	both{"系统拒绝了此操作（{code}）。", "The system refused this ({code})."},
	both{"请联系管理员并告知括号内的代码。", "Tell the administrator the word in brackets."},
}

// counterTexts are the codes of package counter.
var counterTexts = map[string]entry{
	counter.CodeNotSwiped: {
		both{"上次购买的气量[ {volume} m³] 还没有刷入表内。", "The meter has not taken the last purchase[ of {volume} m³] yet."},
		both{"请用户先到表上刷卡，再来购气。", "Ask the customer to put the card into the meter first, then come back."},
	},
	counter.CodeLocked: {
		both{"此用户已停售[：{reason}][（{by}，{at}）]。", "Sales to this customer are stopped[: {reason}][ ({by}, {at})]."},
		both{"原因排除后由班长解除停售。", "A team leader lifts the lock once the reason is settled."},
	},
	counter.CodeUnknownCard: {
		both{"没有用户使用此卡[（{card}）]。", "No customer has this card[ ({card})]."},
		both{"请核对卡号；如为补办前的旧卡，请收回。", "Check the card number. Keep the card if it was replaced by another."},
	},
	counter.CodeOtherRegion: {
		both{"这是其他地区的卡[（{region}，本地区为 {ours}）]。", "This card is of another region[ ({region}, ours is {ours})]."},
		both{"请用户到发卡地区的营业厅办理。", "Send the customer to the office that issued the card."},
	},
	counter.CodeNotUserCard: {
		both{"这不是用户卡。", "This is not a customer's card."},
		both{"请插入用户卡。", "Insert the customer's card."},
	},
	counter.CodeOtherMeter: {
		both{"卡内绑定的表[ {meter} ]不是此用户的表[ {ours}]。", "The card belongs to meter[ {meter}], the customer has another[, {ours}]."},
		both{"请先办理换表或补卡。", "Carry out the meter change or the card replacement first."},
	},
	counter.CodeCardChanged: {
		both{"读卡器上的卡与屏幕显示的不是同一张。", "The card on the reader is not the one on the screen."},
		both{"请取出卡，重新插入并核对用户。", "Take the card out, insert it again and check the customer."},
	},
	counter.CodeQuoteChanged: {
		both{"价格已变化，与用户确认的不同[：现为 {volume} m³，{amount} 元]。", "The price is not what the customer agreed to[: now {volume} m³ for {amount} yuan]."},
		both{"请把新的气量和金额告知用户，确认后再售。", "Tell the customer the new volume and amount, then sell."},
	},
	counter.CodeBadAmount: {
		both{"气量或金额无效[，须为 {step} m³ 的整数倍]。", "This volume or amount cannot be sold[; it must be a multiple of {step} m³]."},
		both{"请输入一个气量或一个金额。", "Enter one volume or one amount of money."},
	},
	counter.CodeTooLittle: {
		both{"金额不足以购买最小单位[ {step} m³]。", "The money does not buy the smallest unit[ of {step} m³]."},
		both{"请增加金额。", "Enter more money."},
	},
	counter.CodeOverLimit: {
		both{"超过单次购气限量[ {most} m³][ ¥ {money}]。", "This is over the limit per purchase[ of {most} m³][ of ¥ {money}]."},
		both{"请减少气量。", "Sell less."},
	},
	counter.CodeOverPeriod: {
		both{"超过本期购气限量[ {limit} m³][，还可购 {most} m³]。", "This is over the limit of this period[ of {limit} m³][; {most} m³ are left]."},
		both{"请减少气量。", "Sell less."},
	},
	counter.CodeOverHoard: {
		both{"将超过表的囤积上限[ {ceiling} m³][ ¥ {ceiling_money}（最多可购 ¥ {money}）][（表内剩余 {left} m³，最多可购 {most} m³）]。", "The meter's ceiling[ of {ceiling} m³][ of ¥ {ceiling_money} (at most ¥ {money} more)] would be passed[ ({left} m³ are left in it, at most {most} m³ can be bought)]."},
		both{"请减少气量。", "Sell less."},
	},
	counter.CodeNoTariff: {
		both{"此价格类别[（{class}）]今天没有有效的价格表。", "No price table holds today for this class[ ({class})]."},
		both{"请联系管理员发布价格表。", "Ask the administrator to release one."},
	},
	counter.CodeNoRoom: {
		both{"磁盘空间不足，无法记账，因此没有开始售气。", "The disk has no room to book a sale, so none was begun."},
		both{"请管理员清理磁盘。此前的数据完好。", "Ask the administrator to make room. Earlier data are safe."},
	},
	counter.CodeStore: {
		both{"账本无法写入或读取，操作没有进行。", "The ledger cannot be written or read; nothing was done."},
		both{"请稍后再试；仍不行请联系管理员。", "Try again shortly, then call the administrator."},
	},
	counter.CodeInDoubt: {
		both{"此卡有一笔售气结果未明。", "This card has a sale whose outcome is not known."},
		both{"请先重新写卡或退款，再办理其他业务。", "Write it again or give the money back first."},
	},
	counter.CodeQuarantine: {
		both{"卡与账目不一致，此笔已隔离。", "Card and books disagree; the order is in quarantine."},
		both{"由班长处理。请勿收款，也不要退款。", "A team leader decides. Take no money and give none back."},
	},
	counter.CodeWriteUnknown: {
		both{"写卡结果未明，款项已记为未明。", "Whether the card was written is not known; the money is booked as in doubt."},
		both{"请把同一张卡重新插入，系统会读卡判定。请勿再次收款。", "Put the same card back; the system reads it and decides. Take no money again."},
	},
	counter.CodeNotWritten: {
		both{"已读卡证明：卡上没有写入此笔[（{why}）]。", "The card was read and proves that nothing was written[ ({why})]."},
		both{"如已收款，请退还用户或重新售气。", "Give the money back, or sell anew."},
	},
	counter.CodeNotStored: {
		both{"卡已写好，但账本暂时无法保存结果。", "The card is written, but the ledger cannot store the result yet."},
		both{"请勿再次写卡或收款；系统会自动重试，随后可打印小票。", "Do not write or charge again. The system keeps trying; then print the receipt."},
	},
	counter.CodeAlreadyDone: {
		both{"此笔已写在卡上，不能作废。", "This order is on the card and cannot be given up."},
		both{"需要退气时请办理退气。", "Carry out a refund if one is wanted."},
	},
	counter.CodeCardReplaced: {
		both{"这是已补办的旧卡，已作废。", "This card was replaced by another and is dead."},
		both{"请收回此卡，请用户使用新卡。", "Keep it, and ask for the new card."},
	},
	counter.CodeRefunded: {
		both{"此笔已退过气。", "This order was refunded already."},
		both{"不能再次退气。", "It cannot be refunded again."},
	},
	counter.CodeSwiped: {
		both{"表已经收取此笔气量，不能退气。", "The meter has taken this order; it cannot be refunded."},
		both{"如需退还，请办理补退气审批。", "If it must be given back, ask for a refund with approval."},
	},
	counter.CodeNotLast: {
		both{"此笔不是这张卡上的最后一笔购气。", "This is not the last purchase on this card."},
		both{"只能退最后一笔。请核对订单和卡。", "Only the last one can be refunded. Check order and card."},
	},
	counter.CodeNoProof: {
		both{"卡上的内容不足以证明可以办理。", "The card does not prove that this may be done."},
		both{"请交班长核查。", "Hand it to a team leader."},
	},
	counter.CodeOwnRequest: {
		both{"不能审批自己办理的业务。", "Nobody approves what they asked for themselves."},
		both{"请由另一位班长审批。", "Ask another team leader."},
	},
	counter.CodeReasonNeeded: {
		both{"需要填写原因。", "A written reason is needed."},
		both{"请写明原因，最多 500 字。", "Write it down in at most 500 letters."},
	},
	counter.CodeCardNeeded: {
		both{"此笔订单的卡不在读卡器上。", "The card of this order is not on a reader."},
		both{"请插入同一张卡。", "Insert that same card."},
	},
	counter.CodeDamaged: {
		both{"卡上的数据已损坏[（{damaged}）]。", "The data on the card are damaged[ ({damaged})]."},
		both{"请办理补卡。", "Replace the card."},
	},
	counter.CodeCardBehind: {
		both{"卡上的记录比账目旧[（卡 {card}，账 {ledger}）]。", "The card carries an older order than the books[ (card {card}, books {ledger})]."},
		both{"可能是复制或恢复过的卡，请交班长核查。", "It may be a copy. Hand it to a team leader."},
	},
	counter.CodeCardAhead: {
		both{"卡上有账目中没有的写入[（卡 {card}，账 {ledger}）]。", "The card carries a write that the books do not know[ (card {card}, books {ledger})]."},
		both{"可能在其他柜台购过气，请交班长核查。", "It may have been written at another counter. Hand it to a team leader."},
	},
	counter.CodeLogin: {
		both{"用户名或密码不正确。", "Name or password is wrong."},
		both{"请重新输入。", "Enter them again."},
	},
	counter.CodeLoginPaused: {
		both{"登录失败次数过多，暂停登录[ {seconds} 秒]。", "Too many wrong logins. Logging in is paused[ for {seconds} s]."},
		both{"请稍后再试。", "Try again later."},
	},
	counter.CodeNoSession: {
		both{"登录已过期。", "You are not logged in any more."},
		both{"请重新登录。", "Log in again."},
	},
	counter.CodeForbidden: {
		both{"您的岗位不能办理此业务。", "Your role does not allow this."},
		both{"请由有权限的人员办理。", "Ask somebody whose role does."},
	},
	counter.CodeRequestReused: {
		both{"此请求编号已用于另一笔业务。", "This request number was used for something else."},
		both{"请刷新页面后重新办理。", "Reload the page and begin again."},
	},
	counter.CodeBadRequest: {
		both{"请求编号无效。", "The request number is not valid."},
		both{"请刷新页面后重新办理。", "Reload the page and begin again."},
	},
	counter.CodeNotFound: {
		both{"没有找到。", "There is no such thing."},
		both{"请核对号码。", "Check the number."},
	},
	counter.CodeBusy: {
		both{"读卡器正在办理另一项操作。", "The reader is busy with something else."},
		both{"请稍候再试。", "Wait a moment."},
	},
	counter.WhyDecided: {
		both{"由班长判定。", "A team leader decided it."},
		both{"原因见订单记录。", "The reason is kept with the order."},
	},
	counter.CodeInternal: {
		both{"系统内部出错，操作没有完成。", "Something went wrong inside; this was not completed."},
		both{"请查看未结订单，并联系管理员。", "Look at the open orders and call the administrator."},
	},
}
