package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// nodeOutboxCommand is `tally node outbox [--json]`.
func (a *app) nodeOutboxCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "outbox", Short: a.t("what waits for the centre", "等待上送中心的记录"), Args: a.args(0, 0),
		Long: a.t("Per stream: the oldest record kept, the next number, how far the centre has committed, what waits and since when.\nA record waits until the centre has committed it; the broker's word is not enough.",
			"按数据流列出：保留的最早记录、下一个序号、中心已入库的序号、等待的条数及其时间。\n记录须等到中心入库才算送达，消息服务器的回执不算。"),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			o, err := client.Outbox(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(o)
			}
			_, err = io.WriteString(a.env.Out, a.outboxText(o))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) outboxText(o control.Outbox) string {
	var b strings.Builder
	way := a.t("none configured", "未配置")
	switch {
	case o.Configured && o.Central:
		way = a.t("takes records", "正常接收")
	case o.Configured && o.Connected:
		way = a.t("takes no records; the broker is connected", "暂不接收；消息服务器已连接")
	case o.Configured:
		way = a.t("cannot be reached", "无法连接")
	}
	var waiting uint64
	var oldest *control.OutboxStream
	for i, s := range o.Streams {
		waiting += s.Waiting
		if s.Oldest != nil && (oldest == nil || s.Oldest.Before(*oldest.Oldest)) {
			oldest = &o.Streams[i]
		}
	}
	var head table
	head.row(a.t("centre", "中心"), way)
	head.row(a.t("waiting", "等待"), a.f("%d records", "%d 条", waiting))
	if oldest != nil {
		head.row(a.t("oldest", "最早"), a.f("%s, %s ago", "%s，%s前", oldest.Oldest.UTC().Format(time.RFC3339), a.duration(time.Duration(oldest.OldestS)*time.Second)))
	}
	if o.Refused > 0 {
		head.row(a.t("refused", "被拒绝"), a.f("%d records are in the centre's quarantine, copies are here", "%d 条被中心隔离，本机留有副本", o.Refused))
	}
	b.WriteString(head.String() + "\n")
	var t table
	t.row(a.t("STREAM", "数据流"), a.t("FIRST", "最早"), a.t("NEXT", "下一个"), a.t("ACKNOWLEDGED", "已确认"), a.t("WAITING", "等待"), a.t("UNDER WAY", "在途"), a.t("LAST ACK", "最近确认"))
	for _, s := range o.Streams {
		ack := "-"
		if s.LastAck != nil {
			ack = s.LastAck.UTC().Format(time.RFC3339)
		}
		t.row(plain(s.Name), fmt.Sprint(s.First), fmt.Sprint(s.Next), fmt.Sprint(s.Acked), fmt.Sprint(s.Waiting), fmt.Sprint(s.InFlight), ack)
	}
	b.WriteString(t.String())
	return b.String()
}
