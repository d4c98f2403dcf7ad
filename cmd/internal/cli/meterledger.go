package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/meter/quantity"
)

// meterLedgerCommand is `tally meter ledger [ID] [--all] [--json]`.
func (a *app) meterLedgerCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON, all bool
	c := &cobra.Command{
		Use: "ledger [ID]", Short: a.t("daily use of large customers, and what is unusual", "大客户日用量台账及异常"), Args: a.args(0, 1),
		Long: a.t("The last whole day of each large customer beside the days before, and what is going on; with ID every day that the node remembers of that meter.",
			"列出每个大客户最近一个整日的用量、与此前各日的比较及正在发生的异常；指定表号时列出该表全部已记日。"),
		RunE: func(c *cobra.Command, args []string) error {
			client, _ := a.client(d)
			defer client.Close()
			ledgers, err := client.Ledgers(c.Context())
			if err != nil {
				return err
			}
			ledgers = chosen(ledgers, args, all)
			if len(args) > 0 && len(ledgers) == 0 {
				return &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no meter %q on this node", args[0])}
			}
			if asJSON {
				return a.json(ledgers)
			}
			text := a.ledgers(ledgers)
			if len(args) > 0 {
				text = a.ledger(ledgers[0])
			}
			_, err = a.env.Out.Write([]byte(text))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	c.Flags().BoolVar(&all, "all", false, a.t("every meter, not large customers only", "列出全部表计，不限于大客户"))
	a.jsonFlag(c, &asJSON)
	return c
}

// chosen are the ledgers that were asked for.
func chosen(ledgers []control.MeterLedger, args []string, all bool) []control.MeterLedger {
	out := []control.MeterLedger{}
	for _, l := range ledgers {
		if len(args) > 0 && string(l.Meter) == args[0] || len(args) == 0 && (all || l.Large) {
			out = append(out, l)
		}
	}
	return out
}

func (a *app) ledgers(ledgers []control.MeterLedger) string {
	if len(ledgers) == 0 {
		return a.t("no large customers on this node; --all lists every meter\n", "本节点没有大客户；用 --all 列出全部表计\n")
	}
	var t table
	t.row(a.t("METER", "表计"), a.t("CLASS", "类别"), a.t("DAY", "日期"), a.t("USED", "日用量"), a.t("MEAN", "均值"), a.t("DEVIATION", "标准差"), a.t("TODAY", "今日"),
		a.t("UNUSUAL", "异常"))
	for _, l := range ledgers {
		last := control.LedgerDay{Day: "-", Used: "-"}
		if n := len(l.Days); n > 0 {
			last = l.Days[n-1]
		}
		t.row(plain(string(l.Meter)), plain(l.Class), plain(last.Day), amountOf(last.Used, l.Unit), amountOf(l.Mean, l.Unit), amountOf(l.Deviation, l.Unit),
			amountOf(l.Today, l.Unit), a.unusual(last.Flag, l.Going))
	}
	return t.String()
}

// ledger is every day of one meter.
func (a *app) ledger(l control.MeterLedger) string {
	var head, t table
	head.row(a.t("meter", "表计"), plain(string(l.Meter)))
	head.row(a.t("class", "类别"), plain(l.Class))
	head.row(a.t("mean day", "日均用量"), amountOf(l.Mean, l.Unit))
	head.row(a.t("deviation", "标准差"), amountOf(l.Deviation, l.Unit))
	head.row(a.t("today", "今日"), amountOf(l.Today, l.Unit))
	if going := a.unusual("", l.Going); going != "" {
		head.row(a.t("unusual", "异常"), going)
	}
	t.row(a.t("DAY", "日期"), a.t("USED", "日用量"), a.t("UNUSUAL", "异常"))
	for _, d := range l.Days {
		t.row(plain(d.Day), amountOf(d.Used, l.Unit), a.unusual(d.Flag, nil))
	}
	return head.String() + "\n" + t.String()
}

func amountOf(s, unit string) string {
	if s == "" || s == "-" {
		return "-"
	}
	return strings.TrimSpace(plain(s) + " " + sign(quantity.Unit(unit)))
}

// unusual says in words what is unusual about a day and what is going on.
func (a *app) unusual(flag string, going []control.GoingOn) string {
	var words []string
	if s, ok := dayFlags[flag]; ok {
		words = append(words, a.t(s.en, s.zh))
	}
	for _, g := range going {
		s := eventKinds[g.Kind]
		words = append(words, a.t(cmp.Or(s.en, plain(g.Kind)), cmp.Or(s.zh, plain(g.Kind)))+" ("+a.f("since %s", "自 %s", moment(g.Since))+")")
	}
	return strings.Join(words, a.t("; ", "；"))
}

var dayFlags = map[string]struct{ en, zh string }{
	"high": {"far more than usual", "明显偏高"},
	"low":  {"far less than usual", "明显偏低"},
	"none": {"nothing used", "无用量"},
}

var eventKinds = map[string]struct{ en, zh string }{
	"no_use": {"no use", "长期不用"}, "sudden_use": {"sudden use", "用量突增"}, "leak": {"flows without a pause", "持续流量（疑漏）"},
	"closed_flow": {"flows through a closed valve", "关阀走气"}, "reverse": {"counter ran backwards", "读数倒走"}, "burst": {"flow near the maximum", "大流量"},
	"battery_low": {"battery low", "电池欠压"}, "tamper": {"opened or near a magnet", "拆动或磁干扰"}, "silence": {"silent", "失联"},
	"replaced": {"another meter?", "疑为换表"}, "clock_drift": {"clock is off", "时钟偏差"},
}
