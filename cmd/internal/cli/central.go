package cli

import (
	"context"
	"errors"
	"os/user"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/logging"
)

// Central runs one command of tally-central and returns its exit code.
func Central(ctx context.Context, env Env, deps CentralDeps) int {
	return execute(ctx, "tally-central", env, func(a *app) *cobra.Command { return a.centralTree(deps) })
}

func (a *app) centralTree(deps CentralDeps) *cobra.Command {
	return a.group("tally-central", a.t("tally-central stores what the nodes deliver and acknowledges it after its commit, and tells them what to do",
		"tally-central 接收节点上送的数据，入库提交后确认，并向节点下发指令"),
		a.centralRunCommand(deps), a.centralCheckConfigCommand(), a.centralKeyCommand(), a.centralNodesCommand(deps), a.centralCommandCommand(deps),
		a.centralPricesCommand(deps), a.centralLockCommand(deps), a.centralUnlockCommand(deps), a.centralSetCommand(deps),
		a.centralReconcileCommand(deps), a.centralDoubtsCommand(deps), a.versionCommand())
}

// centralRunCommand is `tally-central run --config FILE`.
func (a *app) centralRunCommand(deps CentralDeps) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "run --config FILE", Short: a.t("run the centre until it is stopped", "运行中心程序，直至停止"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := a.loadCentral(c, file)
			if err != nil {
				return err
			}
			return deps.Run(c.Context(), conf, logging.New(a.env.Err, conf.Log))
		},
	}
	a.configFlag(c, &file)
	return c
}

func (a *app) loadCentral(c *cobra.Command, file string) (config.Central, error) {
	if file == "" {
		return config.Central{}, a.usage(c, "name the configuration with --config FILE", "请用 --config 文件 指明配置")
	}
	return config.LoadCentral(file, config.Options{Known: withSigningKey(config.Known{}), Getenv: a.env.Getenv})
}

// atDesk opens the database, lets use work with it and closes it.
func (a *app) atDesk(c *cobra.Command, deps CentralDeps, file string, use func(CentralDesk) error) error {
	conf, err := a.loadCentral(c, file)
	if err != nil {
		return err
	}
	desk, err := deps.Open(c.Context(), conf)
	if err != nil {
		return err
	}
	return errors.Join(use(desk), desk.Close())
}

// byFlag says who wants it, for those who look at it later.
func (a *app) byFlag(c *cobra.Command, v *string) {
	name := ""
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	c.Flags().StringVar(v, "by", "", a.t("`NAME` who wants it; the user of this machine when not given", "`姓名` 操作人；缺省为本机用户"))
	c.PreRunE = func(*cobra.Command, []string) error {
		if *v == "" {
			*v = name
		}
		return nil
	}
}

// centralRefusal is what a refusal of the central database means; nil when it is none of its.
func (a *app) centralRefusal(r Refusal) *failure {
	switch r {
	case NoSigningKey:
		return &failure{ExitRefused, a.t("this centre has no signing key, so nodes would not obey it", "本中心未配置签名密钥，节点不会执行其指令"),
			a.t("make one with tally-central key FILE, name it with signing_key_file, and give its public half to the nodes", "请用 tally-central key 文件 生成，用 signing_key_file 指明，并将公钥交给各节点")}
	case UnknownNode:
		return &failure{ExitRefused, a.t("no node of this name has ever been here", "从未有该名称的节点连接过"), a.t("tally-central nodes lists them", "tally-central nodes 可列出全部节点")}
	case NoCommand:
		return &failure{ExitRefused, a.t("there is no command with this id", "没有该编号的指令"), a.t("tally-central command list shows them", "tally-central command list 可列出全部指令")}
	case AccountLocked:
		return &failure{ExitRefused, a.t("sales to this account are stopped already", "该户已停售"), ""}
	case AccountNotLocked:
		return &failure{ExitRefused, a.t("the centre knows of no lock on this account", "中心没有该户的停售记录"), ""}
	}
	return a.unruled(r)
}
