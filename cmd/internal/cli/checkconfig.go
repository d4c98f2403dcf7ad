package cli

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/sync/central"
)

// checkedConfig is the JSON of `check-config`.
type checkedConfig struct {
	File     string          `json:"file"`
	Kind     config.Kind     `json:"kind"`
	OK       bool            `json:"ok"`
	Problems []configProblem `json:"problems"`
}

type configProblem struct {
	Line int    `json:"line"` // 0 when the file as a whole is meant
	Col  int    `json:"col"`
	Key  string `json:"key"`
	Code string `json:"code"`
	Text string `json:"text"`
}

// checkConfigCommand is `tallyd check-config FILE`.
func (a *app) checkConfigCommand(deps TallydDeps) *cobra.Command {
	return a.configChecker(a.t("Check a configuration of tallyd or of tally-central, which its keys tell apart, and say everything that is wrong with it.\nThe exit code is 3 when anything is.",
		"检查 tallyd 或 tally-central 的配置（按其中的键自动识别），列出全部问题。有问题时退出码为 3。"),
		func(file string) (config.Any, error) {
			return config.LoadAny(file, config.Options{Known: withSigningKey(deps.Known), Getenv: a.env.Getenv})
		})
}

// centralCheckConfigCommand is `tally-central check-config FILE`.
func (a *app) centralCheckConfigCommand() *cobra.Command {
	return a.configChecker(a.t("Check a configuration of tally-central and say everything that is wrong with it. Nothing is opened but the files that it names.\nThe exit code is 3 when anything is wrong.",
		"检查 tally-central 的配置，列出全部问题。除其中指明的文件外不打开任何东西。有问题时退出码为 3。"),
		func(file string) (config.Any, error) {
			o := config.Options{Known: withSigningKey(config.Known{}), Getenv: a.env.Getenv}
			c, err := config.LoadCentral(file, o)
			if err != nil {
				if found, _ := config.LoadAny(file, o); found.Kind == config.KindNode {
					err = &hinted{err, a.t("this is a node's configuration; check it with tallyd check-config", "这是节点的配置，请用 tallyd check-config 检查")}
				}
			}
			return config.Any{Kind: config.KindCentral, Central: &c}, err
		})
}

// configChecker is `check-config FILE [--json]` of a program that loads in its own way.
func (a *app) configChecker(long string, load func(file string) (config.Any, error)) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "check-config FILE", Short: a.t("check a configuration and say everything that is wrong with it", "检查配置，列出全部问题"), Args: a.args(1, 1),
		Long: long,
		RunE: func(_ *cobra.Command, args []string) error {
			found, err := load(args[0])
			if asJSON {
				return a.configJSON(args[0], found.Kind, err)
			}
			if err != nil {
				return err
			}
			_, err = a.env.Out.Write([]byte(a.summary(found)))
			return a.written(err)
		},
	}
	a.jsonFlag(c, &asJSON)
	return c
}

// configJSON says the same to programs; the exit code is that of the sentences.
func (a *app) configJSON(file string, kind config.Kind, wrong error) error {
	problems, ok := errors.AsType[config.Problems](wrong)
	if wrong != nil && !ok {
		return wrong
	}
	j := checkedConfig{File: file, Kind: kind, OK: !ok, Problems: []configProblem{}}
	for _, p := range problems {
		j.Problems = append(j.Problems, configProblem{p.Line, p.Col, p.Key, p.Code, p.Text(a.lang)})
	}
	if err := a.json(j); err != nil || j.OK {
		return err
	}
	return errBadConfig
}

// withSigningKey adds what a centre's key is to what configs may name.
func withSigningKey(known config.Known) config.Known {
	known.SigningKey = func(file string) error {
		_, err := central.LoadKey(file)
		return err
	}
	return known
}

// summary says in a few lines what a config means.
func (a *app) summary(c config.Any) string {
	if c.Central != nil {
		return a.centralSummary(*c.Central)
	}
	return a.nodeSummary(*c.Node)
}

func (a *app) nodeSummary(n config.Node) string {
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
	return a.noProblems(n.File) + t.String()
}

func (a *app) centralSummary(c config.Central) string {
	var t table
	t.row(a.t("centre", "中心"), c.ID)
	if c.Group != "" {
		t.row(a.t("group", "实例组"), c.Group)
	}
	t.row(a.t("database", "数据库"), c.DatabaseName())
	key := a.t("none: nothing can be commanded", "无：不能下发指令")
	if c.SigningKey != "" {
		key = c.SigningKey
	}
	t.row(a.t("signing key", "签名密钥"), key)
	t.row(a.t("reconciles", "对账时间"), time.Time{}.Add(c.ReconcileAt).Format("15:04")+" UTC+8")
	t.row(a.t("probes", "探测地址"), c.Listen)
	t.row(a.t("broker", "消息服务器"), c.Uplink.Broker)
	return a.noProblems(c.File) + t.String()
}

func (a *app) noProblems(file string) string {
	return a.f("%s: no problems\n", "%s：没有问题\n", file)
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
