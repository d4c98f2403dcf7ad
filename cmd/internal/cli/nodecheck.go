package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// nodeCheckCommand is `tally node check [--json]`.
func (a *app) nodeCheckCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "check", Short: a.t("verify the files of the running node", "校验运行中节点的数据文件"), Args: a.args(0, 0),
		Long: a.t("Verify every page, every chain of records, numbers, indices and sums while the node runs. Sales wait while the ledger is\nread, about a second. `tallyd check` does the same for a stopped node.",
			"在节点运行时校验每一页、每条记录链、序号、索引和金额合计。读取账本时售气会等待约一秒。节点停止时请用 `tallyd check`。"),
		RunE: func(c *cobra.Command, _ []string) error {
			client, _ := a.client(d)
			defer client.Close()
			found, err := client.Check(c.Context())
			if err != nil {
				return err
			}
			return a.checked(found, asJSON)
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

// checked prints what a check found; findings are exit code 1.
func (a *app) checked(c control.Checked, asJSON bool) error {
	if asJSON {
		if err := a.json(c); err != nil {
			return err
		}
	} else if _, err := io.WriteString(a.env.Out, a.checkedText(c)); err != nil {
		return a.written(err)
	}
	if len(c.Findings) > 0 {
		return errNotWell
	}
	return nil
}

func (a *app) checkedText(c control.Checked) string {
	var b strings.Builder
	if len(c.Findings) == 0 {
		b.WriteString(a.t("all is well\n", "一切正常\n"))
	}
	for _, f := range c.Findings {
		fmt.Fprintf(&b, "%s%s%s\n", plain(f.File), a.t(": ", "："), plain(f.Text))
	}
	fmt.Fprint(&b, a.f("%d files; records: tx %d, ev %d, rd %d\n", "%d 个文件；记录：tx %d，ev %d，rd %d\n",
		c.Files, c.Records["tx"], c.Records["ev"], c.Records["rd"]))
	if len(c.Findings) > 0 {
		fmt.Fprint(&b, a.f("findings: %d\n", "发现问题：%d\n", len(c.Findings)))
	}
	return b.String()
}
