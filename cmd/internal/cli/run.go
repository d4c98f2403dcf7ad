package cli

import (
	"github.com/spf13/cobra"

	"tally/cmd/internal/logging"
)

// runCommand is `tallyd run --config FILE`.
func (a *app) runCommand(deps TallydDeps) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "run --config FILE", Short: a.t("run the node until it is stopped", "运行节点，直至停止"), Args: a.args(0, 0),
		Long: a.t("Run the node that the configuration describes. The first Ctrl-C or SIGTERM stops it in order, the second one at once.\nThe log goes to standard error.",
			"运行配置所描述的节点。第一次 Ctrl-C 或 SIGTERM 有序停止，第二次立即停止。日志输出到标准错误。"),
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := a.loadNode(c, file, deps.Known)
			if err != nil {
				return err
			}
			return deps.Run(c.Context(), n, logging.New(a.env.Err, n.Log))
		},
	}
	a.configFlag(c, &file)
	return c
}
