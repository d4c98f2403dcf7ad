package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/sync/central"
)

// centralNodesCommand is `tally-central nodes`.
func (a *app) centralNodesCommand(deps CentralDeps) *cobra.Command {
	var file string
	var asJSON bool
	c := &cobra.Command{
		Use: "nodes", Short: a.t("list the nodes that have ever been here", "列出全部节点"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				nodes, err := desk.Nodes(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(append([]central.NodeState{}, nodes...))
				}
				var t table
				t.row(a.t("NODE", "节点"), a.t("STATE", "状态"), a.t("VERSION", "版本"), a.t("EPOCH", "纪元"), a.t("HEARD", "最近消息"), a.t("DESIRED STATE", "期望状态"))
				for _, n := range nodes {
					state := a.t("away", "离线")
					if n.Online {
						state = a.t("there", "在线")
					}
					t.row(plain(n.Node), state, plain(n.Version), plain(n.Epoch), localTime(n.Received), a.applied(n))
				}
				_, err = a.env.Out.Write([]byte(t.String()))
				return a.written(err)
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) applied(n central.NodeState) string {
	switch {
	case n.Desired == 0:
		return a.t("none", "无")
	case n.Cfg >= n.Desired:
		return a.t("applied", "已启用")
	}
	return a.t("not applied yet", "尚未启用")
}

// centralReconcileCommand is `tally-central reconcile [NODE] [--day DAY]`.
func (a *app) centralReconcileCommand(deps CentralDeps) *cobra.Command {
	var file, day string
	var asJSON bool
	c := &cobra.Command{
		Use: "reconcile [NODE]", Short: a.t("compare what nodes have stated and signed with what is stored", "对账：将节点的声明和签名与入库数据核对"), Args: a.args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			q := central.Query{Day: day}
			if len(args) > 0 {
				q.Node = args[0]
			}
			if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
				return a.usage(c, "%q is no day; write 2026-11-21", "%q 不是日期；请写 2026-11-21", day)
			}
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				r, err := desk.Reconcile(c.Context(), q)
				if err != nil {
					return err
				}
				if asJSON {
					err = a.json(r)
				} else {
					_, err = a.env.Out.Write([]byte(a.report(r)))
					err = a.written(err)
				}
				if err == nil && len(r.Findings) > 0 {
					return errNotWell
				}
				return err
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	c.Flags().StringVar(&day, "day", "", a.t("`DAY` business day, 2026-11-21 (UTC+8); everything when not given", "`日期` 营业日，如 2026-11-21（UTC+8）；缺省为全部"))
	return c
}

func (a *app) report(r central.Report) string {
	var b strings.Builder
	var t table
	t.row(a.t("NODE", "节点"), a.t("STATEMENTS", "声明"), a.t("SIGNED HEADS", "签名链头"), a.t("SALES", "售气笔数"), a.t("LITRES", "升"), a.t("FEN", "分"),
		a.t("REFUNDS", "退气笔数"), a.t("FEN", "分"), a.t("READINGS", "抄表记录"))
	for _, n := range r.Accounts {
		t.row(plain(n.Node), fmt.Sprint(n.Statements), fmt.Sprint(n.Heads), fmt.Sprint(n.Sales), fmt.Sprint(n.VolumeL), fmt.Sprint(n.AmountFen),
			fmt.Sprint(n.Refunds), fmt.Sprint(n.RefundFen), fmt.Sprint(n.Readings))
	}
	b.WriteString(t.String())
	if len(r.Findings) == 0 {
		b.WriteString("\n" + a.t("node and centre agree", "节点与中心一致") + "\n")
		return b.String()
	}
	var d table
	d.row(a.t("DIFFERENCE", "差异"), a.t("NODE", "节点"), a.t("EPOCH", "纪元"), a.t("WHAT", "内容"))
	for _, f := range r.Findings {
		d.row(a.finding(f.Code), plain(f.Node), plain(f.Epoch), plain(f.Text))
	}
	return b.String() + "\n" + d.String()
}

func (a *app) finding(code string) string {
	if s, known := findings[code]; known {
		return a.t(s.en, s.zh)
	}
	return code
}

var findings = map[string]struct{ en, zh string }{
	central.FindingSums:       {"sums differ", "金额或笔数不符"},
	central.FindingHead:       {"another record", "记录不同"},
	central.FindingAbsent:     {"record missing", "记录缺失"},
	central.FindingSignature:  {"signature wrong", "签名有误"},
	central.FindingKey:        {"key changed", "密钥变更"},
	central.FindingBreak:      {"chain broken", "链条断裂"},
	central.FindingShort:      {"fewer than acknowledged", "少于已确认数"},
	central.FindingQuarantine: {"in quarantine", "隔离待处理"},
	central.FindingSilent:     {"no statement", "无声明"},

	central.FindingVoidWritten: {"given up, yet on its card", "已作废却在卡上"},
	central.FindingOverruled:   {"otherwise than decided here", "与中心决定相抵触"},
}
