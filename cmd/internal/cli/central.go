package cli

import (
	"context"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/logging"
)

// Central runs one command of tally-central and returns its exit code.
func Central(ctx context.Context, env Env, deps CentralDeps) int {
	return execute(ctx, "tally-central", env, func(a *app) *cobra.Command {
		return a.group("tally-central", a.t("tally-central stores what the nodes deliver and acknowledges it after its commit",
			"tally-central 接收节点上送的数据，入库提交后确认"), a.centralRunCommand(deps), a.versionCommand())
	})
}

// centralRunCommand is `tally-central run --config FILE`.
func (a *app) centralRunCommand(deps CentralDeps) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "run --config FILE", Short: a.t("run the ingest until it is stopped", "运行入库程序，直至停止"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if file == "" {
				return a.usage(c, "name the configuration with --config FILE", "请用 --config 文件 指明配置")
			}
			conf, err := config.LoadCentral(file, config.Options{Getenv: a.env.Getenv})
			if err != nil {
				return err
			}
			return deps.Run(c.Context(), conf, logging.New(a.env.Err, conf.Log))
		},
	}
	a.configFlag(c, &file)
	return c
}
