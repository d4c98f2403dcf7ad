// Command tallyd is the daemon of a counter PC or a concentrator.
package main

import (
	"context"
	"log/slog"
	"os"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/daemon"
	"tally/cmd/internal/demo"
	"tally/cmd/internal/devices"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	code := cli.Tallyd(ctx, cli.OSEnv(), cli.TallydDeps{
		Run: func(ctx context.Context, c config.Node, log *slog.Logger) error {
			return daemon.Run(ctx, c, cli.VersionString(), log)
		},
		Demo: func(ctx context.Context, o cli.DemoOptions) error {
			return demo.Run(ctx, o, cli.VersionString())
		},
		AddOperator:    daemon.AddOperator,
		ImportAccounts: daemon.ImportAccounts,
		CardDigits:     daemon.CardDigits,
		Check:          daemon.Check,
		Restore:        daemon.Restore,
		Known:          devices.Known(),
	})
	stop()
	os.Exit(code)
}
