package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/meter/quantity"
)

// cardShowCommand is `tally card show [READER] [--json]`.
func (a *app) cardShowCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "show [READER]", Short: a.t("read the card in a reader, without changing it", "读取卡片内容，不作改动"), Args: a.args(0, 1),
		Long: a.t("Read the card in a reader and say what is on it. Nothing is written and no code is presented.\nREADER is a name or a part of it; without it the only reader with a card is meant.",
			"读取卡片并显示其内容。不写卡，也不校验卡密码。READER 为读卡器名称或其一部分；缺省为唯一插有卡片的读卡器。"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCards(c.Context(), d, deps, func(cards control.Cards) error {
				name, err := a.reader(c.Context(), cards, strings.Join(args, ""))
				if err != nil {
					return err
				}
				card, err := cards.Card(c.Context(), name)
				if err != nil {
					return err
				}
				if asJSON {
					card.State.Damaged = append([]string{}, card.State.Damaged...) // a list, never null
					err = a.json(card)
				} else {
					_, err = a.env.Out.Write([]byte(a.card(card)))
					err = a.written(err)
				}
				if err == nil && len(card.State.Damaged) > 0 {
					return errNotWell
				}
				return err
			})
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) card(c control.Card) string {
	s := c.State
	var t table
	t.row(a.t("reader", "读卡器"), plain(c.Reader))
	t.row(a.t("card", "卡号"), plain(s.Card.String()))
	t.row(a.t("kind", "卡类型"), a.kind(s))
	t.row(a.t("profile", "卡片规格"), plain(s.Profile))
	if s.Meter == "" {
		t.row(a.t("meter", "表号"), a.t("not bound yet", "尚未绑定"))
	} else {
		t.row(a.t("meter", "表号"), plain(s.Meter))
	}
	if c.Customer != nil {
		locked := ""
		if c.Customer.Locked {
			locked = a.t("  sales stopped", "  停售")
		}
		t.row(a.t("customer", "用户"), fmt.Sprintf("%s  %s%s", plain(c.Customer.No), plain(c.Customer.Name), locked))
	}
	a.order(&t, s)
	a.writeBack(&t, s)
	for _, d := range s.Damaged {
		t.row(a.t("damaged", "损坏"), plain(d))
	}
	return t.String()
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
	medium := a.t("gas", "燃气")
	if s.Water {
		medium = a.t("water", "水")
	}
	return a.f("%s, %s, issue %d", "%s，%s，第 %d 次发卡", kind, medium, s.IssueCount)
}

func (a *app) order(t *table, s purse.State) {
	if s.Order == nil {
		t.row(a.t("order", "订单"), a.t("none", "无"))
		return
	}
	o := s.Order
	t.row(a.t("order", "订单"), a.f("no. %d: %s (%s)", "第 %d 号：%s（%s）", o.Seq, a.amount(s.Unit, o.Qty), a.op(o.Op)))
	t.row(a.t("bought so far", "累计购买"), a.amount(s.Unit, o.Cumulative))
	t.row(a.t("price", "单价"), a.f("%s yuan/m³, tier %d", "%s 元/m³，第 %d 阶梯", o.Price, o.Tier))
	t.row(a.t("written", "写卡时间"), a.hour(o.At))
	if s.Swiped {
		t.row(a.t("swiped", "已插表"), a.t("yes: the meter has taken this order", "是：表已读取本订单"))
	} else {
		t.row(a.t("swiped", "已插表"), a.t("no: the meter has not taken this order", "否：表尚未读取本订单"))
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

func (a *app) writeBack(t *table, s purse.State) {
	if s.WriteBack == nil {
		t.row(a.t("meter says", "表回写"), a.t("nothing yet", "尚无"))
		return
	}
	w := s.WriteBack
	t.row(a.t("meter says", "表回写"), a.f("order no. %d taken, %s", "第 %d 号订单，%s", w.Seq, a.hour(w.MeterTime)))
	t.row(a.t("remaining", "剩余"), a.amount(s.Unit, w.Remaining))
	t.row(a.t("used", "已用"), a.amount(s.Unit, w.Used))
	t.row(a.t("battery", "电池"), fmt.Sprintf("%d.%d V", w.BatteryDV/10, w.BatteryDV%10))
	if len(w.Status) > 0 {
		marks := make([]string, len(w.Status))
		for i, m := range w.Status {
			marks[i] = a.mark(m)
		}
		t.row(a.t("status", "状态"), strings.Join(marks, a.t(", ", "、")))
	}
}

// hour prints a card's time, which has no minutes.
func (a *app) hour(at string) string {
	return plain(strings.Replace(at, "T", " ", 1)) + a.t("h", " 时")
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
