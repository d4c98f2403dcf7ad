package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// nodeEventsCommand is `tally node events [-n N] [--type T]… [--json]`.
func (a *app) nodeEventsCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	q := control.EventQuery{N: 20}
	c := &cobra.Command{
		Use: "events", Short: a.t("what has happened on the node, newest first", "节点近期事件，最新在前"), Args: a.args(0, 0),
		Long: a.t("List alarms, audit entries and results that the node has on record for the centre, newest first.\nNames, addresses and phone numbers are masked.",
			"按时间倒序列出节点为中心记录的告警、审计和结果。姓名、地址和电话均已遮盖。"),
		RunE: func(c *cobra.Command, _ []string) error {
			if q.N < 1 || q.N > control.MaxEvents {
				return a.usage(c, "--count is 1 to %d", "--count 为 1 至 %d", control.MaxEvents)
			}
			client, _ := a.client(d)
			defer client.Close()
			events, err := client.Events(c.Context(), q)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(events)
			}
			_, err = io.WriteString(a.env.Out, a.eventsText(events))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	c.Flags().IntVarP(&q.N, "count", "n", q.N, a.t("`N` at most so many", "`数量` 最多条数"))
	c.Flags().StringArrayVar(&q.Types, "type", nil, a.t("`TYPE` only of this type, such as command_result; may be repeated", "`类型` 仅此类型，如 command_result；可重复"))
	return c
}

func (a *app) eventsText(events []control.Event) string {
	if len(events) == 0 {
		return a.t("nothing is on record\n", "没有记录\n")
	}
	var t table
	t.row(a.t("NO.", "序号"), a.t("WHEN", "时间"), a.t("TYPE", "类型"), a.t("ABOUT", "对象"), "")
	for _, e := range events {
		when := e.At.UTC().Format("2006-01-02T15:04:05Z")
		if e.Clock != "ok" {
			when += "?"
		}
		t.row(fmt.Sprint(e.Seq), when, plain(e.Type), plain(e.ID), plain(shortened(string(e.Body))))
	}
	return t.String()
}

// shortened keeps a body on one line of a wide terminal; --json has all of it.
func shortened(s string) string {
	const most = 120
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
