package cli

import (
	"time"

	"github.com/spf13/cobra"
)

// nodeBackupCommand is `tally node backup [--json]`.
func (a *app) nodeBackupCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "backup", Short: a.t("make a backup now, while sales go on", "立即备份，不影响售气"), Args: a.args(0, 0),
		Long: a.t("Copy ledger and readings, as they are at one moment, into the folder of backups that the node's configuration names.\nOld backups beyond those that are kept are deleted. `tallyd restore` makes a node of one.",
			"将账本和抄表数据在同一时刻的内容复制到配置所指的备份目录，并删除超出保留份数的旧备份。用 `tallyd restore` 可恢复。"),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			made, err := client.Backup(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(made)
			}
			a.say("backup of %s: %d files, %s", "备份时刻 %s：%d 个文件，%s", made.At.UTC().Format(time.RFC3339), made.Files, size(uint64(made.Bytes)))
			return a.print("%s", plain(made.Dir))
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}
