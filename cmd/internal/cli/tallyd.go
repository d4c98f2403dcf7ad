package cli

import (
	"context"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
)

// Tallyd runs one command of tallyd and returns its exit code.
func Tallyd(ctx context.Context, env Env, deps TallydDeps) int {
	return execute(ctx, "tallyd", env, func(a *app) *cobra.Command { return a.tallydTree(deps) })
}

func (a *app) tallydTree(deps TallydDeps) *cobra.Command {
	return a.group("tallyd", a.t("tallyd runs on a counter PC or a concentrator: it sells onto IC cards, reads meters and delivers both to the centre",
		"tallyd 运行于柜台电脑或集中器：售卖写卡、抄表，并上送中心"),
		a.runCommand(deps), a.demoCommand(deps), a.checkConfigCommand(deps), a.sampleConfigCommand(),
		a.operatorCommand(deps), a.accountCommand(deps), a.ledgerCheckCommand(deps), a.restoreCommand(deps), a.versionCommand())
}

// loadNode reads the config of a node that the flags name.
func (a *app) loadNode(c *cobra.Command, file string, known config.Known) (config.Node, error) {
	if file == "" {
		return config.Node{}, a.usage(c, "name the configuration with --config FILE", "请用 --config 文件 指明配置")
	}
	return config.LoadNode(file, config.Options{Known: known, Getenv: a.env.Getenv})
}

func (a *app) configFlag(c *cobra.Command, v *string) {
	c.Flags().StringVar(v, "config", "", a.t("`FILE` the configuration", "`文件` 配置文件"))
}
