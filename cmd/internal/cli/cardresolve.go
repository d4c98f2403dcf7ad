package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
	"tally/counter/phrase"
)

// cardResolveCommand is `tally card resolve [READER] [--json]`.
func (a *app) cardResolveCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "resolve [READER]", Short: a.t("settle orders in doubt by reading their cards", "通过读卡了结存疑订单"), Args: a.args(0, 1),
		Long: a.t("List the orders whose money is without an end. With READER, the node first reads the card there once more and settles what the card\nproves. Nothing is written on a card: writing an order again, taking it back, and what the card cannot prove is for the clerk and\nthe team leader at the page. The exit code is 1 while an order is open.",
			"列出尚无结果的订单。给出 READER 时，节点先重新读取该卡并了结卡片能证明的订单。不写卡：重写或撤销由营业员在页面上选择，\n卡片无法证明的由班长处理。仍有未了结订单时退出码为 1。"),
		RunE: func(c *cobra.Command, args []string) error {
			client, _ := a.client(d)
			defer client.Close()
			if len(args) > 0 {
				reader, err := a.reader(c.Context(), client, args[0])
				if err != nil {
					return err
				}
				if err := client.LookAgain(c.Context(), reader); err != nil {
					return err
				}
			}
			open, err := client.OpenOrders(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = a.json(open)
			} else {
				_, err = io.WriteString(a.env.Out, a.openOrders(open))
				err = a.written(err)
			}
			if err == nil && len(open) > 0 {
				return errNotWell
			}
			return err
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) openOrders(open []control.CardOrder) string {
	if len(open) == 0 {
		return a.t("no order is open\n", "没有未了结的订单\n")
	}
	var b strings.Builder
	for i, o := range open {
		if i > 0 {
			b.WriteByte('\n')
		}
		var t table
		t.row(a.t("order", "订单"), plain(o.ID))
		t.row(a.t("since", "时间"), o.IntentAt.Local().Format("2006-01-02 15:04:05"))
		t.row(a.t("what", "操作"), fmt.Sprintf("%s  %s  %s", a.op(o.Op), a.amount(o.Unit, o.Quantity), o.Amount.String()+a.t(" yuan", " 元")))
		t.row(a.t("card", "卡号"), plain(o.Card.String()))
		t.row(a.t("account", "户号"), plain(o.Account))
		t.row(a.t("state", "状态"), a.orderState(o.State))
		if o.Why != "" {
			t.row(a.t("because", "原因"), a.why(o.Why))
		}
		t.row(a.t("to do", "处理"), a.todo(o))
		b.WriteString(t.String())
	}
	return b.String()
}

// why is a code in words where there are words, else the code.
func (a *app) why(code string) string {
	if s, ok := sentences[code]; ok {
		return a.t(s.en, s.zh)
	}
	if phrase.Known(code) {
		text, _ := phrase.Text(phrase.Lang(a.lang), code, nil)
		return strings.TrimRight(text, ".。")
	}
	return plain(code)
}

func (a *app) todo(o control.CardOrder) string {
	switch {
	case o.State == counter.Quarantined:
		return a.t("a team leader decides at the page", "由班长在页面上处理")
	case o.Verdict == purse.NotDone:
		return a.t("the order is not on the card: the clerk writes it again or takes it back", "订单不在卡上：由营业员重写或撤销")
	case o.Verdict == purse.Done:
		return a.t("the order is on the card: it is settled when the card is read", "订单已在卡上：读卡后即了结")
	case o.Verdict == purse.Unclear:
		return a.t("the card proves nothing: a team leader decides", "卡片无法证明：由班长处理")
	}
	return a.t("put this card into a reader", "请将该卡插入读卡器")
}
