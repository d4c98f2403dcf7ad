package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
)

// cardHistory is the JSON of `tally card history`.
type cardHistory struct {
	Card   string              `json:"card"`
	OnCard *purse.OnCard       `json:"on_card"` // the newest order on the card, when it lies in a reader
	Orders []control.CardOrder `json:"orders"`  // newest first
}

// cardHistoryCommand is `tally card history [READER|CARD] [--json]`.
func (a *app) cardHistoryCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	n := 20
	c := &cobra.Command{
		Use: "history [READER|CARD]", Short: a.t("list what the node wrote on a card", "列出节点对该卡的写卡记录"), Args: a.args(0, 1),
		Long: a.t("List the orders of a card, newest first: of the card in a reader, or of the card named like 0571-00001234.\nThe node on this machine keeps the journal.",
			"按时间倒序列出卡片的订单：读卡器中的卡片，或如 0571-00001234 指定的卡片。日志由本机节点保存。"),
		RunE: func(c *cobra.Command, args []string) error {
			if n < 1 || n > control.MaxOrders {
				return a.usage(c, "--count is 1 to %d", "--count 为 1 至 %d", control.MaxOrders)
			}
			client, _ := a.client(d)
			defer client.Close()
			h, err := a.cardHistory(c, client, strings.Join(args, ""), n)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(h)
			}
			_, err = io.WriteString(a.env.Out, a.cardHistoryText(h))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	c.Flags().IntVarP(&n, "count", "n", n, a.t("`N` at most so many", "`数量` 最多条数"))
	return c
}

func (a *app) cardHistory(c *cobra.Command, client *control.Client, what string, n int) (cardHistory, error) {
	var h cardHistory
	card, err := control.ParseCardID(what)
	if err != nil {
		reader, err := a.reader(c.Context(), client, what)
		if err != nil {
			return h, err
		}
		there, err := client.Card(c.Context(), reader)
		if err != nil {
			return h, err
		}
		card, h.OnCard = there.State.Card, there.State.Order
	}
	h.Card = card.String()
	h.Orders, err = client.CardOrders(c.Context(), card, n)
	return h, err
}

func (a *app) cardHistoryText(h cardHistory) string {
	if len(h.Orders) == 0 {
		return a.f("card %s: the ledger knows no order\n", "卡片 %s：账本中没有订单\n", plain(h.Card))
	}
	var t table
	t.row(a.t("WHEN", "时间"), a.t("WHAT", "操作"), a.t("NO.", "序号"), a.t("QUANTITY", "数量"), a.t("YUAN", "金额"), a.t("END", "结果"), a.t("RECEIPT", "票号"), "")
	for _, o := range h.Orders {
		receipt, here := "-", ""
		if o.Receipt > 0 {
			receipt = fmt.Sprint(o.Receipt)
		}
		if h.OnCard != nil && h.OnCard.Seq == o.Seq && h.OnCard.Tag == o.Tag {
			here = a.t("on the card", "在卡上")
		}
		t.row(o.IntentAt.Local().Format("2006-01-02 15:04:05"), a.op(o.Op), fmt.Sprint(o.Seq), a.amount(o.Unit, o.Quantity), o.Amount.String(), a.orderState(o.State), receipt, here)
	}
	return t.String()
}

// orderState is how an order ended, or that it has not.
func (a *app) orderState(s counter.OrderState) string {
	switch s {
	case counter.Intended:
		return a.t("being written", "写卡中")
	case counter.InDoubt:
		return a.t("in doubt", "存疑")
	case counter.Quarantined:
		return a.t("a leader decides", "待班长处理")
	case counter.Done:
		return a.t("done", "完成")
	case counter.Void:
		return a.t("not done", "未写入")
	}
	return plain(string(s))
}
