package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// nodeStatusCommand is `tally node status [--json]`.
func (a *app) nodeStatusCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: a.t("how the node is: readers, lines, delivery, problems", "节点状态：读卡器、线路、上送、问题"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			s, err := client.Status(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = a.json(s)
			} else {
				_, err = a.env.Out.Write([]byte(a.status(s)))
				err = a.written(err)
			}
			if err == nil && (!s.Ready || len(s.Problems) > 0) {
				return errNotWell
			}
			return err
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) status(s control.NodeStatus) string {
	var b strings.Builder
	ready := a.t("ready", "就绪")
	if !s.Ready {
		ready = a.t("not ready", "未就绪")
	}
	var head table
	head.row(a.t("node", "节点"), fmt.Sprintf("%s  %s", plain(s.Node), ready))
	head.row(a.t("version", "版本"), plain(s.Version))
	head.row(a.t("running", "已运行"), a.duration(time.Duration(s.UptimeS)*time.Second))
	head.row(a.t("epoch", "纪元"), plain(s.Epoch))
	head.row(a.t("disk", "磁盘"), a.disk(s.Disk))
	if n := s.Open.InDoubt + s.Open.Quarantine; n > 0 {
		head.row(a.t("open orders", "未结订单"), a.f("%d in doubt, %d in quarantine", "%d 笔存疑，%d 笔隔离", s.Open.InDoubt, s.Open.Quarantine))
	}
	head.row(a.t("centre", "中心"), a.uplink(s.Uplink))
	b.WriteString(head.String())
	a.problems(&b, s.Problems)
	if len(s.Readers) > 0 {
		b.WriteString("\n" + a.readers(s.Readers))
	}
	if len(s.Lines) > 0 {
		b.WriteString("\n" + a.lines(s.Lines))
	}
	if len(s.Uplink.Streams) > 0 {
		b.WriteString("\n" + a.streams(s.Uplink.Streams))
	}
	return b.String()
}

func (a *app) problems(b *strings.Builder, problems []control.Problem) {
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", a.t("PROBLEMS", "问题"))
	for _, p := range problems {
		subject := ""
		if p.Subject != "" {
			subject = plain(p.Subject) + a.t(": ", "：")
		}
		fmt.Fprintf(b, "  %s%s\n", subject, a.problem(p))
	}
}

// problem is the sentence of a code; one that this command does not know is shown as the node puts it.
func (a *app) problem(p control.Problem) string {
	s, ok := problemSentences[p.Code]
	switch {
	case !ok && p.Message == "":
		return plain(p.Code)
	case !ok:
		return plain(p.Message)
	case (p.Code == control.ProblemNotReady || p.Code == control.ProblemCardService) && p.Message != "":
		return a.t(s.en, s.zh) + " (" + plain(p.Message) + ")"
	}
	return a.t(s.en, s.zh)
}

var problemSentences = map[string]struct{ en, zh string }{
	control.ProblemNotReady:    {"the node cannot do its work", "节点无法工作"},
	control.ProblemLedger:      {"the ledger is damaged; sales are stopped until a backup is restored with tallyd restore", "账本损坏；在用 tallyd restore 恢复备份之前已停止售气"},
	control.ProblemReadings:    {"damaged readings were set aside; keep the files for a specialist", "有损坏的抄表数据已被隔离；请保留文件供专业人员检查"},
	control.ProblemCertificate: {"the node's certificate for the broker ends soon or has ended; renew it", "节点连接消息服务器的证书即将或已经到期；请更换"},
	control.ProblemSettings:    {"settings from the centre are on trial; they are taken back when it is not reached", "中心下发的设置正在试用；若无法连上中心将自动撤回"},
	control.ProblemOrdersOpen:  {"card orders are without an end: put these cards back on the reader, or ask a leader", "有未结的写卡订单：请将相应卡片放回读卡器，或由班长处理"},
	control.ProblemCardService: {"card readers cannot be used; they are taken up again by themselves", "读卡器无法使用；恢复后自动继续"},
	control.ProblemLineLost:    {"the line cannot be used", "线路不可用"},
	control.ProblemLineDown:    {"nobody on the line answers: is its cable cut, its power gone?", "线路上无任何表计应答：请检查电缆与供电"},
	control.ProblemMetersDead:  {"meters do not answer", "有表计无应答"},
	control.ProblemBrokerAway:  {"the broker cannot be reached; records wait here", "无法连接消息服务器；记录在本机等待"},
	control.ProblemCentreAway:  {"the centre takes no records; they wait here", "中心暂不接收记录；记录在本机等待"},
}

func (a *app) disk(d control.Disk) string {
	text := a.f("%s free, %s used", "剩余 %s，已用 %s", size(d.FreeBytes), size(d.UsedBytes))
	if !d.SalesRoom {
		text += a.t(", no room for sales", "，空间不足以售气")
	}
	return text
}

// size rounds down to three digits: what is shown as free is free.
func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i, rest := 0, uint64(0)
	for n >= 1024 && i < len(units)-1 {
		rest = n % 1024
		n /= 1024
		i++
	}
	if i > 0 && n < 100 {
		return fmt.Sprintf("%d.%d %s", n, rest*10/1024, units[i])
	}
	return fmt.Sprintf("%d %s", n, units[i])
}

func (a *app) uplink(u control.Uplink) string {
	switch {
	case !u.Configured:
		return a.t("none configured", "未配置")
	case !u.Connected:
		return a.f("%s not connected, %d records wait", "%s 未连接，%d 条记录等待", plain(u.Broker), u.Waiting())
	case !u.Central:
		return a.f("%s connected, ingest not there, %d records wait", "%s 已连接，入库程序不在线，%d 条记录等待", plain(u.Broker), u.Waiting())
	}
	return a.f("%s connected, %d records wait", "%s 已连接，%d 条记录等待", plain(u.Broker), u.Waiting())
}

func (a *app) lines(lines []control.LineStat) string {
	var t table
	t.row(a.t("LINE", "线路"), a.t("WHERE", "位置"), a.t("STATE", "状态"), a.t("METERS", "表计"), a.t("ALIVE", "正常"), a.t("DEAD", "失联"),
		a.t("ASKED", "询问"), a.t("ANSWERED", "应答"))
	for _, l := range lines {
		state := a.t("open", "打开")
		if !l.Open {
			state = a.t("closed", "关闭")
		}
		if l.Down {
			state = a.f("silent since %s, next try %s", "自 %s 无应答，下次尝试 %s", moment(l.Since), moment(l.Next))
		}
		t.row(plain(l.Name), plain(l.Where), state, fmt.Sprint(l.Meters), fmt.Sprint(l.Alive), fmt.Sprint(l.Dead), fmt.Sprint(l.Asked), fmt.Sprint(l.Answered))
	}
	return t.String()
}

func (a *app) streams(streams []control.Stream) string {
	var t table
	t.row(a.t("STREAM", "数据流"), a.t("ACKNOWLEDGED", "已确认"), a.t("WAITING", "等待"))
	for _, s := range streams {
		t.row(plain(s.Name), fmt.Sprint(s.Acked), fmt.Sprint(s.Waiting))
	}
	return t.String()
}

// duration names the two largest units.
func (a *app) duration(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		return a.f("%d d %d h", "%d 天 %d 小时", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return a.f("%d h %d min", "%d 小时 %d 分", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return a.f("%d min %d s", "%d 分 %d 秒", d/time.Minute, d%time.Minute/time.Second)
	}
	return a.f("%d s", "%d 秒", d/time.Second)
}
