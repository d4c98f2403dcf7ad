package cli

import (
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/logging"
)

// demoCommand is `tallyd demo`.
func (a *app) demoCommand(deps TallydDeps) *cobra.Command {
	o := DemoOptions{Lang: a.lang, Out: a.env.Out}
	var verbose bool
	c := &cobra.Command{
		Use: "demo", Short: a.t("try everything with simulated cards and meters", "用模拟卡片和表计试用全部功能"), Args: a.args(0, 0),
		Long: a.t("Run a whole utility in one process on this machine: a counter with a simulated reader and cards, an IC-card meter, a line\nwith remote meters, a broker, and the central ingest. It prints the address and the login, and goes on with the same data\nwhen it is started again.",
			"在本机单个进程内运行整套系统：带模拟读卡器和卡片的柜台、IC 卡表、远传表线路、消息服务器和中心入库。\n启动后显示地址和登录名；再次启动时沿用原有数据。"),
		RunE: func(c *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(o.Dir)
			if err != nil {
				return err
			}
			o.Dir = dir
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			o.Log = logging.New(a.env.Err, config.Log{Level: level, Format: config.LogAuto})
			return deps.Demo(c.Context(), o)
		},
	}
	c.Flags().StringVar(&o.Dir, "dir", "tally-demo", a.t("`FOLDER` where the data are kept", "`目录` 数据目录"))
	c.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:8420", a.t("`HOST:PORT` address of the page", "`主机:端口` 页面地址"))
	c.Flags().BoolVar(&o.Fresh, "fresh", false, a.t("throw the demo's old data away", "清除演示的旧数据"))
	c.Flags().BoolVar(&verbose, "verbose", false, a.t("log everything", "记录全部日志"))
	return c
}
