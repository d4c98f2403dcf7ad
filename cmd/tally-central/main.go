// Command tally-central is the reference ingest of the central system.
package main

import (
	"context"
	"os"
	"time"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/cli"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	code := cli.Central(ctx, cli.OSEnv(), cli.CentralDeps{Run: centre.Run, Open: centre.OpenDesk(time.Now)})
	stop()
	os.Exit(code)
}
