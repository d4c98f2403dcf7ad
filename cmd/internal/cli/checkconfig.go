package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
)

// checkConfigCommand is `tallyd check-config FILE`.
func (a *app) checkConfigCommand(deps TallydDeps) *cobra.Command {
	return &cobra.Command{
		Use: "check-config FILE", Short: a.t("check a configuration and say everything that is wrong with it", "检查配置，列出全部问题"), Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := a.loadNode(c, args[0], deps.Known)
			if err != nil {
				return err
			}
			_, err = a.env.Out.Write([]byte(a.summary(n)))
			return a.written(err)
		},
	}
}

// summary says in a few lines what a config means.
func (a *app) summary(n config.Node) string {
	var t table
	t.row(a.t("node", "节点"), n.Name)
	t.row(a.t("data", "数据目录"), n.DataDir)
	t.row(a.t("page", "页面"), n.HTTP.Listen)
	if n.Counter.Enabled {
		t.row(a.t("counter", "柜台"), a.f("%s, region %04X, %d price tables", "%s，区域 %04X，%d 张价格表", n.Counter.Station, n.Counter.Region, len(n.Counter.Tariffs)))
	}
	t.row(a.t("cards", "卡片"), a.cardSummary(n.Cards))
	for _, l := range n.Lines {
		t.row(a.t("line", "线路"), a.f("%s: %s, %s, %d meters", "%s：%s，%s，%d 块表", l.Name, l.Port+l.Address, l.Protocol, len(l.Meters)))
	}
	if n.Uplink == nil {
		t.row(a.t("centre", "中心"), a.t("none", "无"))
	} else {
		t.row(a.t("centre", "中心"), n.Uplink.Broker)
	}
	return a.f("%s: no problems\n", "%s：没有问题\n", n.File) + t.String()
}

func (a *app) cardSummary(c config.Cards) string {
	if c.Source == config.CardsNone {
		return a.t("none", "无")
	}
	code := a.t("read only: no secret code", "只读：未配置卡密码")
	if c.PSC.IsSet() {
		code = a.t("with secret code", "已配置卡密码")
	}
	parts := []string{c.Source, a.t("dialect ", "方言 ") + c.Dialect, code}
	if len(c.Profiles) > 0 {
		parts = append(parts, strings.Join(c.Profiles, ", "))
	}
	return strings.Join(parts, a.t(", ", "，"))
}
