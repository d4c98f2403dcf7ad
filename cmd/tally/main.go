// Command tally is the technician's tool: what lies on a reader, what a meter says, how the node is.
package main

import (
	"context"
	"os"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/devices"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	code := cli.Tally(ctx, cli.OSEnv(), cli.TallyDeps{
		Cards: devices.Cards, Known: devices.Known(), Bench: devices.Bench{},
	})
	stop()
	os.Exit(code)
}
