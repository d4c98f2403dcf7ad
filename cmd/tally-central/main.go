// Command tally-central is the reference ingest of the central system.
package main

import (
	"context"
	"os"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/cli"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	code := cli.Central(ctx, cli.OSEnv(), cli.CentralDeps{Run: centre.Run})
	stop()
	os.Exit(code)
}
