package cli

import (
	"github.com/spf13/cobra"
)

// ledgerCheckCommand is `tallyd check --config FILE | --dir FOLDER [--json]`.
func (a *app) ledgerCheckCommand(deps TallydDeps) *cobra.Command {
	var file, dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "check (--config FILE | --dir FOLDER)", Short: a.t("verify the files of a stopped node or of a backup", "校验已停止节点或备份的数据文件"), Args: a.args(0, 0),
		Long: a.t("Verify every page, every chain of records, numbers, indices, signed heads and sums, and the sums of a backup's files.\nNothing is changed: what is damaged stays as it is. `tally node check` does the same for a running node.",
			"校验每一页、每条记录链、序号、索引、已签名的链尾和金额合计，以及备份文件的校验和。不作任何修改。运行中的节点请用 `tally node check`。"),
		RunE: func(c *cobra.Command, _ []string) error {
			if (file == "") == (dir == "") {
				return a.usage(c, "name either the configuration with --config FILE or a folder with --dir FOLDER", "请用 --config 文件 指明配置，或用 --dir 目录 指明目录，二者择一")
			}
			if file != "" {
				n, err := a.loadNode(c, file, deps.Known)
				if err != nil {
					return err
				}
				dir = n.DataDir
			}
			found, err := deps.Check(c.Context(), dir)
			if err != nil {
				return err
			}
			return a.checked(found, asJSON)
		},
	}
	a.configFlag(c, &file)
	c.Flags().StringVar(&dir, "dir", "", a.t("`FOLDER` a data folder or a backup", "`目录` 数据目录或备份"))
	a.jsonFlag(c, &asJSON)
	return c
}

// restoreCommand is `tallyd restore BACKUP --config FILE`.
func (a *app) restoreCommand(deps TallydDeps) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "restore BACKUP --config FILE", Short: a.t("make the data folder out of a backup", "由备份恢复数据目录"), Args: a.args(1, 1),
		Long: a.t(`Make the data folder that the configuration names out of a backup. The folder must not exist, or be empty: move the old
one away first, and keep it until a specialist has seen it.

The ledger begins a new epoch: what the centre had not committed is numbered anew, and receipt numbers that may have been
printed after the backup are left out. Sales between the backup and the loss are not in it; the centre has those that
it had committed, and the cards know the rest.`, `由备份恢复配置所指的数据目录。该目录必须不存在或为空：请先移走旧目录，并在专业人员检查之前予以保留。

账本开始新的纪元：中心尚未入库的记录重新编号；备份之后可能已打印的票号不再使用。备份与丢失之间的售气不在其中：
中心已入库的以中心为准，其余以卡片为准。`),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := a.loadNode(c, file, deps.Known)
			if err != nil {
				return err
			}
			if running(c.Context(), n.Socket()) {
				return NodeRunning
			}
			if err := deps.Restore(c.Context(), n, args[0]); err != nil {
				return err
			}
			a.say("restored into %s; a new epoch has begun", "已恢复到 %s；新的纪元已开始", n.DataDir)
			return nil
		},
	}
	a.configFlag(c, &file)
	return c
}
