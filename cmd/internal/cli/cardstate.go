package cli

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/meter/quantity"
)

// says reports whether cards of a layout say a thing at all. Of a layout that this program does not know everything is
// taken for said.
func (a *app) says(layout string, block func(*profile.Profile) *profile.Block, m profile.Meaning) bool {
	p := a.layoutOf(layout)
	if p == nil {
		return true
	}
	b := block(p)
	return b != nil && b.Field(m) != nil
}

func header(p *profile.Profile) *profile.Block { return p.Header }
func order(p *profile.Profile) *profile.Block  { return p.Order }

func (a *app) card(c control.Card) string {
	s := c.State
	var t table
	t.row(a.t("reader", "读卡器"), plain(c.Reader))
	t.row(a.t("card", "卡号"), a.cardNo(s))
	t.row(a.t("kind", "卡类型"), a.kind(s))
	t.row(a.t("profile", "卡片规格"), plain(s.Profile))
	switch {
	case s.Meter != "":
		t.row(a.t("meter", "表号"), plain(s.Meter))
	case a.says(s.Profile, header, profile.MeterNo):
		t.row(a.t("meter", "表号"), a.t("not bound yet", "尚未绑定"))
	}
	if c.Customer != nil {
		locked := ""
		if c.Customer.Locked {
			locked = a.t("  sales stopped", "  停售")
		}
		t.row(a.t("customer", "用户"), fmt.Sprintf("%s  %s%s", plain(c.Customer.No), plain(c.Customer.Name), locked))
	}
	a.state(&t, s)
	return t.String()
}

// stateTable is what a card says, without a reader or a customer.
func (a *app) stateTable(s purse.State) string {
	var t table
	t.row(a.t("card", "卡号"), a.cardNo(s))
	t.row(a.t("kind", "卡类型"), a.kind(s))
	a.state(&t, s)
	return t.String()
}

func (a *app) state(t *table, s purse.State) {
	switch s.Condition {
	case purse.InUse:
	case purse.Empty:
		t.row(a.t("condition", "卡状态"), a.t("blank: never issued", "空白：从未发行"))
	case purse.Off:
		t.row(a.t("condition", "卡状态"), a.t("switched off: retired, or not made to the end", "已停用：已注销或未制完"))
	default:
		t.row(a.t("condition", "卡状态"), plain(string(s.Condition)))
	}
	if s.ValidFrom != "" || s.ValidTo != "" {
		t.row(a.t("valid", "有效期"), cmp.Or(plain(s.ValidFrom), "…")+" – "+cmp.Or(plain(s.ValidTo), "…"))
	}
	a.order(t, s)
	a.writeBack(t, s)
	if len(s.Months) > 0 {
		used := make([]string, len(s.Months))
		for i, m := range s.Months {
			used[i] = plain(m.Month) + ": " + a.amount(s.Unit, m.Used)
		}
		t.row(a.t("use by month", "月用量"), strings.Join(used, a.t(", ", "、")))
	}
	for _, d := range s.Damaged {
		t.row(a.t("damaged", "损坏"), plain(d))
	}
}

// cardNo is the number on the card, with the region where the card or the node says one.
func (a *app) cardNo(s purse.State) string {
	if s.Card.Region == 0 && !a.says(s.Profile, header, profile.Region) {
		return plain(s.Card.No)
	}
	return plain(s.Card.String())
}

func (a *app) kind(s purse.State) string {
	words := map[purse.Kind]string{
		purse.KindUser: a.t("user card", "用户卡"), purse.KindOpen: a.t("account-opening card", "开户卡"), purse.KindReissue: a.t("replacement card", "补卡"),
		purse.KindTransfer: a.t("transfer card", "过户卡"), purse.KindCheck: a.t("check card", "检查卡"), purse.KindClear: a.t("clearing card", "清零卡"),
		purse.KindParam: a.t("parameter card", "参数卡"), purse.KindTool: a.t("tool card", "工具卡"),
	}
	kind, ok := words[s.Kind]
	if !ok {
		kind = plain(string(s.Kind))
	}
	parts := []string{kind}
	switch {
	case s.Water:
		parts = append(parts, a.t("water", "水"))
	case a.says(s.Profile, header, profile.Water):
		parts = append(parts, a.t("gas", "燃气"))
	}
	if a.says(s.Profile, header, profile.IssueCount) {
		parts = append(parts, a.f("issue %d", "第 %d 次发卡", s.IssueCount))
	}
	return strings.Join(parts, a.t(", ", "，"))
}

// order says what the newest order on the card says, and nothing that its layout leaves open.
func (a *app) order(t *table, s purse.State) {
	o := s.Order
	if o == nil || o.Seq == 0 && o.Qty == 0 && o.Cumulative == 0 {
		t.row(a.t("order", "订单"), a.t("none", "无"))
		return
	}
	what := a.amount(s.Unit, o.Qty)
	if a.says(s.Profile, order, profile.Seq) {
		what = a.f("no. %d: %s", "第 %d 号：%s", o.Seq, what)
	}
	if o.Op != "" {
		what = a.f("%s (%s)", "%s（%s）", what, a.op(o.Op))
	}
	t.row(a.t("order", "订单"), what)
	if a.says(s.Profile, order, profile.Cumulative) {
		t.row(a.t("bought so far", "累计购买"), a.amount(s.Unit, o.Cumulative))
	}
	if o.Price != 0 {
		t.row(a.t("price", "单价"), a.price(s, o))
	}
	if o.At != "" {
		t.row(a.t("written", "写卡时间"), a.hour(o.At))
	}
	if len(s.Receipt) > 0 {
		t.row(a.t("card's receipt", "卡片凭证"), spaced(hex.EncodeToString(s.Receipt)))
	}
	if s.Swiped {
		t.row(a.t("swiped", "已插表"), a.t("yes: the meter has taken this order", "是：表已读取本订单"))
	} else {
		t.row(a.t("swiped", "已插表"), a.t("no: the meter has not taken this order", "否：表尚未读取本订单"))
	}
}

func (a *app) price(s purse.State, o *purse.OnCard) string {
	if o.Tier == 0 {
		return a.f("%s yuan/m³", "%s 元/m³", o.Price)
	}
	return a.f("%s yuan/m³, tier %d", "%s 元/m³，第 %d 阶梯", o.Price, o.Tier)
}

func (a *app) writeBack(t *table, s purse.State) {
	w := s.WriteBack
	if w == nil {
		if p := a.layoutOf(s.Profile); p == nil || p.WriteBack != nil {
			t.row(a.t("meter says", "表回写"), a.t("nothing yet", "尚无"))
		}
		return
	}
	taken := a.f("order no. %d taken", "第 %d 号订单", w.Seq)
	if w.MeterTime != "" {
		taken += a.t(", ", "，") + a.hour(w.MeterTime)
	}
	t.row(a.t("meter says", "表回写"), taken)
	says := func(m profile.Meaning) bool {
		return a.says(s.Profile, func(p *profile.Profile) *profile.Block { return p.WriteBack }, m)
	}
	if says(profile.Remaining) {
		t.row(a.t("remaining", "剩余"), a.amount(s.Unit, w.Remaining))
	}
	if says(profile.Used) {
		t.row(a.t("used", "已用"), a.amount(s.Unit, w.Used))
	}
	if says(profile.Battery) {
		t.row(a.t("battery", "电池"), fmt.Sprintf("%d.%d V", w.BatteryDV/10, w.BatteryDV%10))
	}
	if len(w.Status) > 0 {
		marks := make([]string, len(w.Status))
		for i, m := range w.Status {
			marks[i] = a.mark(m)
		}
		t.row(a.t("status", "状态"), strings.Join(marks, a.t(", ", "、")))
	}
}

func (a *app) op(op purse.Op) string {
	switch op {
	case purse.OpBuy:
		return a.t("bought", "购买")
	case purse.OpReissue:
		return a.t("replacement", "补卡")
	case purse.OpMakeUp:
		return a.t("make-up", "掉气补气")
	case purse.OpRefund:
		return a.t("refund", "退气")
	case purse.OpMeterChange:
		return a.t("meter change", "换表补气")
	}
	return plain(string(op))
}

// hour prints a card's time, which has no minutes, and on some not even an hour.
func (a *app) hour(at string) string {
	day, hour, ok := strings.Cut(plain(at), "T")
	if !ok {
		return day // some cards know no hour
	}
	return day + " " + hour + a.t("h", " 时")
}

func (a *app) mark(m string) string {
	zh := map[string]string{"magnet": "强磁", "tamper": "拆动", "overflow": "过流", "leak": "泄漏", "low_battery": "电池欠压", "valve_fault": "阀门故障",
		"overdraft": "透支", "clock": "时钟异常"}[m]
	if a.lang == "zh" && zh != "" {
		return zh
	}
	return plain(strings.ReplaceAll(m, "_", " "))
}

// amount prints what a card counts, with its unit.
func (a *app) amount(u purse.Unit, n purse.Amount) string {
	switch u {
	case purse.UnitDeciM3:
		return quantity.Decimal{Unscaled: int64(n), Scale: 1}.String() + " m³"
	case purse.UnitCentiM3:
		return quantity.Decimal{Unscaled: int64(n), Scale: 2}.String() + " m³"
	case purse.UnitFen:
		return quantity.Money(n).String() + a.t(" yuan", " 元")
	}
	return fmt.Sprintf("%d × %s", n, plain(string(u)))
}
