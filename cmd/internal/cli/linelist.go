package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/meter/portlist"
)

// jsonPort is one port in `line list --json`.
type jsonPort struct {
	portlist.Port
	Line string `json:"line,omitempty"` // of the node that owns it
	Open bool   `json:"open"`           // the node has it open
}

// lineGroup is `tally line …`.
func (a *app) lineGroup(deps TallyDeps) *cobra.Command {
	return a.group("line", a.t("serial lines and gateways to meters", "表计的串口线路与网关"),
		a.lineListCommand(deps), a.lineScanCommand(deps), a.lineSniffCommand(deps), a.lineQualityCommand(deps))
}

// lineListCommand is `tally line list [--json]`.
func (a *app) lineListCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: a.t("list ports and lines, and who owns them", "列出端口和线路及其占用者"), Args: a.args(0, 0),
		Long: a.t("List the serial ports of this machine and the lines of the node that runs here, and who owns each. No port is opened\nfor that. Processes of other users are seen by root only.",
			"列出本机串口及本机节点的线路，以及各自的占用者。此命令不打开任何端口。其他用户的进程仅 root 可见。"),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			lines, err := client.Lines(c.Context())
			if e, ok := errors.AsType[*control.Error](err); err != nil && !errors.Is(err, control.ErrNoNode) && !(ok && e.Code == control.CodeNotFound) {
				return err
			}
			ports, err := deps.Bench.Ports()
			if err != nil {
				return err
			}
			all := owned(ports, lines)
			if asJSON {
				return a.json(all)
			}
			if len(all) == 0 {
				a.say("this machine has no serial port", "本机没有串口")
				return errNotWell
			}
			_, err = a.env.Out.Write([]byte(a.ports(all)))
			return a.written(err)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

// owned joins ports and the node's lines. Lines whose port is not there, and gateways, come last.
func owned(ports []portlist.Port, lines []control.Line) []jsonPort {
	all := []jsonPort{}
	taken := map[string]bool{}
	for _, p := range ports {
		one := jsonPort{Port: p}
		for _, l := range lines {
			if l.Kind == config.KindSerial && (l.Where == p.Path || l.Where == p.ByID && p.ByID != "" || samePort(l.Where, p.Path)) {
				one.Line, one.Open, taken[l.Name] = l.Name, l.Open, true
			}
		}
		all = append(all, one)
	}
	for _, l := range lines {
		if taken[l.Name] {
			continue
		}
		where := l.Where
		if l.Kind == config.KindTCP {
			where = "tcp://" + where
		}
		all = append(all, jsonPort{Port: portlist.Port{Path: where, Holders: []portlist.Process{}}, Line: l.Name, Open: l.Open})
	}
	return all
}

func (a *app) ports(all []jsonPort) string {
	var t table
	t.row(a.t("PORT", "端口"), a.t("OWNER", "占用者"), a.t("ADAPTER", "适配器"), a.t("LASTING NAME", "固定名称"))
	for _, p := range all {
		adapter := p.Product
		if adapter == "" {
			adapter = p.Driver
		}
		t.row(plain(p.Path), a.owner(p), plain(adapter), plain(p.ByID))
	}
	return t.String()
}

func (a *app) owner(p jsonPort) string {
	var names []string
	switch {
	case p.Line != "" && p.Open:
		names = append(names, a.f("node, line %s", "节点，线路 %s", plain(p.Line)))
	case p.Line != "":
		names = append(names, a.f("node, line %s, not open", "节点，线路 %s，未打开", plain(p.Line)))
	}
	for _, h := range p.Holders {
		if p.Line == "" {
			names = append(names, strings.TrimSpace(fmt.Sprintf(a.t("process %d %s", "进程 %d %s"), h.PID, plain(h.Name))))
		}
	}
	if len(names) == 0 {
		return a.t("nobody", "无")
	}
	return strings.Join(names, ", ")
}
