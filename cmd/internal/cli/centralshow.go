package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tally/sync/central"
	"tally/sync/contract"
)

// centralListCommand is `tally-central command list [NODE]`.
func (a *app) centralListCommand(deps CentralDeps) *cobra.Command {
	var file string
	var asJSON bool
	most := 50
	c := &cobra.Command{
		Use: "list [NODE]", Short: a.t("list commands, newest first", "列出指令，最新在前"), Args: a.args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				node := ""
				if len(args) > 0 {
					node = args[0]
				}
				list, err := desk.Commands(c.Context(), node, max(most, 1))
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(append([]central.CommandState{}, list...))
				}
				var t table
				t.row(a.t("ID", "编号"), a.t("NODE", "节点"), a.t("TYPE", "类型"), a.t("ISSUED", "下达"), a.t("SENT", "已发"), a.t("OUTCOME", "结果"))
				for _, s := range list {
					t.row(s.ID, plain(s.Node), plain(s.Type), localTime(s.Issued), fmt.Sprint(s.Sent), a.outcome(s, deps.now()))
				}
				_, err = a.env.Out.Write([]byte(t.String()))
				return a.written(err)
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	c.Flags().IntVarP(&most, "count", "n", most, a.t("`N` at most so many", "`数量` 最多条数"))
	return c
}

// centralShowCommand is `tally-central command show ID`.
func (a *app) centralShowCommand(deps CentralDeps) *cobra.Command {
	var file string
	var asJSON, wait bool
	c := &cobra.Command{
		Use: "show ID", Short: a.t("what became of a command", "查看指令结果"), Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				s, err := desk.Command(c.Context(), args[0])
				if err != nil {
					return err
				}
				return a.track(c.Context(), deps, desk, s, wait, asJSON)
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&wait, "wait", false, a.t("wait for the result", "等待结果"))
	return c
}

func (a *app) showCommand(s central.CommandState, now time.Time, asJSON bool) error {
	if asJSON {
		return a.json(s)
	}
	var t table
	t.row(a.t("command", "指令"), s.ID)
	t.row(a.t("node", "节点"), plain(s.Node))
	t.row(a.t("type", "类型"), plain(s.Type)+" "+plain(string(s.Args)))
	t.row(a.t("issued", "下达"), localTime(s.Issued)+a.f(" by %s", "，%s", plain(s.Issuer)))
	t.row(a.t("expires", "过期"), localTime(s.Expires))
	if s.SentAt != nil {
		t.row(a.t("sent", "已发"), a.f("%d times, last %s", "%d 次，最近 %s", s.Sent, localTime(*s.SentAt)))
	}
	t.row(a.t("outcome", "结果"), a.outcome(s, now))
	if s.Text != "" {
		t.row(a.t("says", "说明"), plain(s.Text))
	}
	if len(s.Result) > 0 && string(s.Result) != "null" {
		t.row(a.t("result", "内容"), plain(string(s.Result)))
	}
	_, err := a.env.Out.Write([]byte(t.String()))
	return a.written(err)
}

// outcome is how a command ended, in words.
func (a *app) outcome(s central.CommandState, now time.Time) string {
	switch {
	case s.Finished == nil && s.Lapsed(now):
		return a.t("expired without a result", "已过期，无结果")
	case s.Finished == nil && s.Sent == 0:
		return a.t("waits for a running centre", "等待中心发送")
	case s.Finished == nil:
		return a.t("waits for the node", "等待节点")
	}
	if text, known := outcomes[s.Outcome]; known {
		return a.t(text.en, text.zh)
	}
	return plain(s.Outcome)
}

var outcomes = map[string]struct{ en, zh string }{
	contract.Done:        {"done", "已完成"},
	contract.Failed:      {"failed; nothing has changed", "失败，未作任何改变"},
	contract.Unknown:     {"unknown: it was begun, and somebody has to look", "结果不明：已开始执行，须派人查看"},
	contract.NotInTime:   {"not begun: it came too late, or the node's clock is not to be trusted", "未执行：到达过晚，或节点时钟不可信"},
	contract.Unsupported: {"not begun: this node cannot do it", "未执行：该节点不支持"},
}

// localTime is a time as people at the utility read it.
func localTime(t contract.Time) string {
	return t.In(time.FixedZone("", 8*60*60)).Format("2006-01-02 15:04:05")
}
