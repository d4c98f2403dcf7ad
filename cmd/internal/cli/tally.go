package cli

import (
	"context"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
)

// Tally runs one command of the technician's tally and returns its exit code.
func Tally(ctx context.Context, env Env, deps TallyDeps) int {
	return execute(ctx, "tally", env, func(a *app) *cobra.Command { return a.tallyTree(deps) })
}

func (a *app) tallyTree(deps TallyDeps) *cobra.Command {
	return a.group("tally", a.t("tally finds, reads and diagnoses readers, cards, meters and nodes", "tally 用于查找、读取和诊断读卡器、卡片、表计和节点"),
		a.group("node", a.t("the node on this machine", "本机节点"), a.nodeStatusCommand(deps), a.nodeOutboxCommand(deps), a.nodeEventsCommand(deps),
			a.nodeBackupCommand(deps), a.nodeCheckCommand(deps), a.nodeExportCommand(deps)),
		a.cardGroup(deps),
		a.simGroup(),
		a.lineGroup(deps),
		a.meterGroup(deps),
		a.decodeCommand(),
		a.versionCommand())
}

// door is where the node's socket is looked for.
type door struct{ socket, dataDir, usual string }

func (a *app) doorFlags(c *cobra.Command, d *door, usual string) {
	d.usual = usual
	c.Flags().StringVar(&d.socket, "socket", "", a.t("`FILE` the node's control socket (or TALLY_SOCKET)", "`文件` 节点的控制套接字（或 TALLY_SOCKET）"))
	c.Flags().StringVar(&d.dataDir, "data-dir", "", a.t("`FOLDER` the node's data folder", "`目录` 节点的数据目录"))
}

// path is where the socket lies; named is false when nobody said so and the platform's usual place is meant.
func (d door) path(getenv func(string) string) (path string, named bool) {
	switch env := getenv("TALLY_SOCKET"); {
	case d.socket != "":
		return d.socket, true
	case d.dataDir != "":
		return filepath.Join(d.dataDir, config.SocketName), true
	case env != "":
		return env, true
	case d.usual != "":
		return d.usual, false
	case runtime.GOOS == "windows":
		return filepath.Join(getenv("ProgramData"), "tally", config.SocketName), false
	}
	return filepath.Join("/var/lib/tally", config.SocketName), false
}

// client speaks to the node at the door; the caller closes it.
func (a *app) client(d door) (c *control.Client, named bool) {
	path, named := d.path(a.env.Getenv)
	return control.NewClient(path), named
}

func (a *app) cardGroup(deps TallyDeps) *cobra.Command {
	return a.group("card", a.t("IC cards and their readers", "IC 卡与读卡器"),
		a.cardReadersCommand(deps), a.cardWatchCommand(deps), a.cardShowCommand(deps), a.cardDumpCommand(deps), a.cardDiffCommand(deps),
		a.cardHistoryCommand(deps), a.cardResolveCommand(deps), a.cardVerifyCommand(), a.cardSealCommand())
}

func (a *app) meterGroup(deps TallyDeps) *cobra.Command {
	return a.group("meter", a.t("remote-reading meters", "远传表计"),
		a.meterListCommand(deps), a.meterLedgerCommand(deps), a.meterReadCommand(deps), a.meterWatchCommand(deps), a.meterRegistersCommand(deps), a.meterHistoryCommand(deps),
		a.meterClockCommand(deps), a.meterAddressCommand(deps), a.meterValveCommand(deps), a.meterBatchCommand(deps), a.meterVerifyCommand())
}
