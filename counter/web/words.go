package web

// text gives a sentence of the page. An unknown key shows itself, so that a test (and a clerk) sees it.
func (v voice) text(key string) string {
	t, ok := texts[key]
	if !ok {
		return key
	}
	return v.say(t)
}

// word translates a stable word of another room, of a kind of its own here or of package phrase; one that is new to
// both is shown as it is.
func (v voice) word(kind, w string) string {
	if w == "" {
		return "—"
	}
	if t, ok := texts[kind+"."+w]; ok {
		return v.say(t)
	}
	return v.phrases().Word(kind, w)
}

// both is one text in the two languages.
type both struct{ zh, en string }

// pageTexts is what the page says by itself, but for cards. What a refusal says is in package phrase.
var pageTexts = map[string]both{
	"title":          {"营业柜台", "Service counter"},
	"other.language": {"English", "中文"},
	"unit.yuan":      {"元", "yuan"},
	"logout":         {"退出", "Log out"},
	"noscript":       {"本页需要启用 JavaScript。", "This page needs JavaScript."},
	"lost":           {"■ 与本机服务的连接已断开，画面不是最新，正在重新连接…如不恢复，请联系管理员。", "■ Connection to the counter service is lost. What you see is not current. Reconnecting… If it does not come back, call the administrator."},

	"login.name":     {"用户名", "Name"},
	"login.password": {"密码", "Password"},
	"login.enter":    {"登录", "Log in"},
	"login.demo":     {"演示登录", "Demo login"},

	"search.label":   {"查找用户", "Find a customer"},
	"search.hint":    {"户号、卡号、表号、姓名或地址", "customer, card or meter no., name, address"},
	"search.none":    {"没有找到。", "Nothing found."},
	"search.more":    {"还有更多结果，请输入更多内容。", "There are more. Type more to narrow it down."},
	"search.receipt": {"按此订单号重打小票", "Reprint the receipt of this order"},

	"desk.readers": {"读卡器", "Readers"},
	"desk.insert":  {"请将用户卡插入读卡器", "Insert the customer's card"},
	"desk.none":    {"请连接读卡器", "Connect a card reader"},

	"account.no":      {"户号", "Customer no."},
	"account.name":    {"户名", "Name"},
	"account.address": {"地址", "Address"},
	"account.phone":   {"电话", "Phone"},
	"account.meter":   {"表号", "Meter no."},
	"account.class":   {"价格类别", "Price class"},
	"account.bought":  {"本期已购", "Bought this period"},
	"account.locked":  {"停售", "Sales stopped"},

	"class.residential": {"居民", "Residential"},
	"class.commercial":  {"商业", "Commercial"},
	"class.industrial":  {"工业", "Industrial"},

	"class.residential-water": {"居民用水", "Residential water"},

	"card.title":         {"用户卡", "Card"},
	"card.order":         {"卡上订单", "Order on card"},
	"card.no_order":      {"无", "none"},
	"card.swiped":        {"是否刷表", "Taken by meter"},
	"card.swiped.yes":    {"已刷表", "Yes"},
	"card.swiped.no":     {"未刷表", "Not yet"},
	"card.remaining":     {"表内剩余", "Remaining in meter"},
	"card.used":          {"累计用量", "Used in total"},
	"card.accepted":      {"表已充值", "Credited in total"},
	"card.battery":       {"电池", "Battery"},
	"card.meter_time":    {"回写时间", "Written back at"},
	"card.status":        {"表状态", "Meter status"},
	"card.no_write_back": {"表尚未回写", "Meter has not written back"},
	"card.damaged":       {"损坏区域", "Damaged areas"},
	"card.profile":       {"卡型", "Card type"},

	"status.magnet":      {"强磁干扰", "magnet"},
	"status.tamper":      {"拆表", "tampering"},
	"status.overflow":    {"超流量", "flow too high"},
	"status.leak":        {"泄漏", "leak"},
	"status.low_battery": {"电池电量低", "battery low"},
	"status.valve_fault": {"阀门故障", "valve fault"},
	"status.overdraft":   {"透支", "overdraft"},
	"status.clock":       {"时钟错误", "clock wrong"},

	"sale.title":  {"销售", "Sale"},
	"sale.volume": {"购买气量", "Volume"},
	"sale.any":    {"购买量", "Volume"},
	"sale.money":  {"购买金额", "Money"},
	"sale.unit":   {"按量或按金额", "By volume or by money"},
	"wait.card":   {"插入用户卡后在此输入购买量或金额", "Insert a card, then type a volume or an amount of money here"},

	"wait.role": {"您的岗位不办理销售，只能查看", "Your role does not sell; you can look only"},

	"busy.writing": {"正在写卡", "Writing the card"},
	"busy.hold":    {"请勿拔卡", "Do not pull the card"},

	"quote.volume": {"气量", "Volume"},
	"quote.amount": {"应收", "To pay"},
	"quote.change": {"找零", "Change"},
	"quote.sell":   {"收款并写卡", "Take payment and write"},
	"quote.drop":   {"返回", "Back"},
	"quote.ask":    {"请用户核对气量和金额", "Let the customer check volume and amount"},

	"line.tier":   {"阶梯", "Tier"},
	"line.volume": {"气量 m³", "Volume m³"},
	"line.price":  {"单价 元/m³", "Price yuan/m³"},
	"line.amount": {"金额 元", "Amount yuan"},
	"line.total":  {"合计", "Total"},

	"receipt.title":      {"售气小票", "Gas purchase receipt"},
	"receipt.copy":       {"重打 第", "Reprint no."},
	"receipt.copy.times": {"次", "重打"},
	"receipt.no":         {"小票号", "Receipt no."},
	"receipt.time":       {"时间", "Time"},
	"receipt.card":       {"卡号", "Card no."},
	"receipt.operator":   {"操作员", "Operator"},
	"receipt.order":      {"订单号", "Order"},
	"receipt.volume":     {"气量", "Volume"},
	"receipt.amount":     {"金额", "Amount"},
	"receipt.slip":       {"小票", " receipt"},
	"receipt.back":       {"退还用户", "Given back"},
	"receipt.free":       {"原订单重新写卡，不收款。", "The same order was written again; nothing was charged."},
	"receipt.audit":      {"校验码", "Audit code"},
	"receipt.capitals":   {"大写", "In capitals"},
	"receipt.print":      {"打印", "Print"},
	"receipt.next":       {"下一位", "Next customer"},
	"last":               {"上一张小票", "Last receipt"},
	"last.again":         {"重打", "reprint"},

	"doubt.title":           {"此卡有一笔结果未明的售气", "This card has a sale without a known outcome"},
	"doubt.hint":            {"已收款。已重新读卡，证明订单没有写到卡上。请选择其一：", "The money was taken. The card was read again and proves that the order is not on it. Choose one:"},
	"doubt.retry":           {"重新写卡", "Write again"},
	"doubt.void":            {"退款", "Give back"},
	"doubt.void.ask":        {"作废此订单，并把现金退给用户：", "Give up this order and hand the money back to the customer:"},
	"doubt.voided":          {"订单已作废，款项退还用户", "The order is void; hand the money back"},
	"doubt.voided.hint":     {"卡上没有此订单。", "The order is not on the card."},
	"doubt.quarantine":      {"此卡与账目不一致，已隔离", "Card and books disagree; the order is in quarantine"},
	"doubt.quarantine.hint": {"由班长处理。请勿收款，也不要退款。", "A team leader decides. Take no money and give none back."},

	"open.title": {"未结订单", "Open orders"},
	"open.none":  {"没有未结订单", "No open orders"},
	"open.hint":  {"请用户重新插入此卡：以卡上内容为准。", "Have this card inserted again: the card has the last word."},
	"open.since": {"时间", "Since"},
	"open.state": {"状态", "State"},

	"decide.title":             {"班长判定", "Decide"},
	"decide.wait":              {"须由班长判定。请勿收款，也不要退款。", "A team leader must decide. Take no money, give none back."},
	"decide.own":               {"这是您办理的，须由另一位班长判定。", "You sold this. Another team leader must decide."},
	"decide.total":             {"累计", "total"},
	"decide.oncard":            {"卡上现有", "On the card"},
	"decide.nocard":            {"此卡不在读卡器上", "This card is not on a reader"},
	"decide.hint":              {"请核对卡、小票和表上的读数。判定后不能更改，不会再写卡。", "Compare card, receipts and the meter. A decision is final, and nothing is written to the card."},
	"decide.written":           {"已写入", "Written"},
	"decide.written.means":     {"用户已得到气，此笔成立", "the customer has the gas, the sale stands"},
	"decide.written.ask":       {"判定为已写入，此笔成立：", "Decide that it was written and stands:"},
	"decide.not_written":       {"未写入", "Not written"},
	"decide.not_written.means": {"用户没有得到气，款项退还", "the customer has no gas, the money goes back"},
	"decide.not_written.ask":   {"判定为未写入，并把款项退还用户：", "Decide that it was not written and give the money back:"},
	"decided.written":          {"已判定：已写入，此笔成立", "Decided: written, the sale stands"},
	"decided.receipt":          {"打印小票", "Print the receipt"},
	"decided.not_written":      {"已判定：未写入，此笔作废", "Decided: not written, the order is void"},
	"decided.not_written.hint": {"请把款项退还用户。", "Hand the money back to the customer."},

	"menu.title": {"其他业务", "More"},
	"menu.none":  {"插入用户卡后可办理。", "Insert a customer's card first."},

	"deed.reason": {"原因", "Reason"},

	"refund.title":    {"退气", "Refund"},
	"refund.not":      {"卡上没有未刷表的购气", "no purchase on the card that the meter has not taken"},
	"refund.hint":     {"只退卡上最后一笔、且表尚未收取的购气。写卡并读回后才可付款。", "Only the last purchase on the card, not yet taken by the meter. Hand out no money before the receipt is there."},
	"refund.approver": {"复核人（另一位班长）", "Approver (another team leader)"},

	"makeup.title": {"掉气补气", "Make-up"},
	"makeup.not":   {"卡上的最后一笔没有丢失", "the card has not lost its last order"},
	"makeup.hint":  {"把上面这一笔原样写回卡上，不收款。", "Puts exactly this order on the card again. It costs nothing."},

	"lock.title":    {"设置停售", "Stop sales"},
	"lock.done":     {"已停售", "Sales are stopped"},
	"release.title": {"解除停售", "Lift the stop"},
	"release.own":   {"须由另一位班长解除", "another team leader must lift it"},
	"release.done":  {"停售已解除", "The stop is lifted"},

	"meters.title":   {"远传表", "Remote meters"},
	"meters.none":    {"本节点没有远传表", "This node reads no meters"},
	"meters.reading": {"读数", "Reading"},
	"meters.at":      {"测量时间", "Measured at"},
	"meters.age":     {"距今", "Age"},
	"meters.never":   {"尚无读数", "no reading yet"},
	"meters.tried":   {"上次尝试", "last tried"},
	"meters.dead":    {"不通", "Dead"},
	"meters.failed":  {"抄表失败", "Reading failed"},
	"meters.since":   {"始于", "since"},
	"meters.next":    {"下次尝试", "next try"},

	"uplink.off":         {"未配置中心系统", "No central system configured"},
	"uplink.ok":          {"中心在线", "Centre is there"},
	"uplink.no_central":  {"链路正常，中心不在线", "Link is up, centre is not there"},
	"uplink.down":        {"链路断开，可继续销售", "Link is down. Sales go on"},
	"uplink.certificate": {"上送证书即将到期，请通知管理员", "The certificate for the centre ends soon: tell the administrator"},
	"uplink.waiting":     {"待上传记录", "Records waiting"},
	"uplink.oldest":      {"最早", "oldest"},
	"uplink.acked":       {"中心已确认", "Acknowledged by the centre"},
	"uplink.last":        {"最近", "last"},

	"hour":        {"时", "h"},
	"age.seconds": {"{n} 秒前", "{n} s ago"},
	"age.minutes": {"{n} 分钟前", "{n} min ago"},
	"age.hours":   {"{n} 小时前", "{n} h ago"},
	"age.days":    {"{n} 天前", "{n} d ago"},
	"age.future":  {"时间在未来", "in the future"},

	"bench.title":     {"工作台", "Bench"},
	"bench.demo":      {"模拟", "simulated"},
	"bench.insert":    {"插卡", "Insert"},
	"bench.remove":    {"拔卡", "Remove"},
	"bench.swipe":     {"刷表", "Swipe at meter"},
	"bench.take":      {"取回", "Take back"},
	"bench.use":       {"使用", "Use"},
	"bench.gas":       {"IC 卡表", "IC meter"},
	"bench.water":     {"IC 卡水表", "Water meter"},
	"bench.look":      {"看这块表", "Look at this meter"},
	"bench.last":      {"上次刷卡：", "Last swipe:"},
	"bench.key.next":  {"下一张卡", "next card"},
	"bench.key.meter": {"下一块表", "next meter"},

	"keys":       {"快捷键", "Keys"},
	"key.quote":  {"报价", "quote"},
	"key.enter":  {"报价，再按售出", "quote, again to sell"},
	"key.unit":   {"切换 m³ / 元", "m³ / yuan"},
	"key.next":   {"清除，下一位", "clear, next customer"},
	"key.print":  {"打印 / 重打", "print / reprint"},
	"key.search": {"查找用户", "find a customer"},
	"key.desk":   {"切换读卡器", "other reader"},
	"key.doubt":  {"重新写卡 / 退款", "write again / give back"},
	"key.menu":   {"发卡、补卡、换表、退款、停售", "cards, meters, refund, stop"},
	"key.lang":   {"语言", "language"},

	"ask.yes": {"确认", "Confirm"},
	"ask.no":  {"取消", "Cancel"},

	"say.sold":    {"已售出，小票号", "Sold. Receipt no."},
	"say.unsure":  {"没有收到服务的回答，结果不明。请勿再次收款。按 Enter 查询此单结果。", "The service did not answer; the outcome is unknown. Take no money again. Press Enter to ask for the outcome of this sale."},
	"say.empty":   {"卡已取出", "Card removed"},
	"say.deed":    {"没有收到服务的回答，结果不明。请勿付款。再次确认即查询此单结果。", "The service did not answer; the outcome is unknown. Hand out no money. Confirm again to ask for the outcome."},
	"say.offline": {"服务没有回答，请重试。", "The service did not answer. Try again."},
}

// own are the failures of this package; message and hint.
var own = map[string][2]both{
	codeBadRequest: {{"请求格式不正确。", "The request is not understood."},
		{"请按接口说明检查字段和类型。", "Check fields and types against the description of the API."}},
	codeTooLarge:    {{"请求内容过大。", "The request is too large."}, {}},
	codeCrossOrigin: {{"请求来自其他网站，已拒绝。", "The request comes from another site and was refused."}, {}},
	codeWrongHost: {{"此地址不是本柜台的地址，已拒绝。", "This address is not one of this counter's; refused."},
		{"请用配置中的地址访问，或由管理员加入允许的主机名。", "Use an address from the configuration, or have the administrator allow this host name."}},
	codeApprover: {{"复核人的用户名或密码不正确。", "The approver's name or password is wrong."},
		{"请复核人重新输入。", "Have the approver enter them again."}},
	codeApproverRole: {{"复核人不是班长。", "The approver is not a team leader."},
		{"请另一位班长复核。", "Ask another person who is a team leader."}},
	codeTooManyStreams: {{"打开的窗口过多，此窗口不会自动更新。", "Too many windows are open; this one does not update by itself."},
		{"请关闭其他窗口后刷新。", "Close other windows, then reload."}},
}

// phrase gives message and hint of a code.
func (v voice) phrase(code string, args map[string]string) (message, hint string) {
	if f, ok := own[code]; ok {
		return v.say(f[0]), v.say(f[1])
	}
	return v.phrases().Text(code, args)
}
