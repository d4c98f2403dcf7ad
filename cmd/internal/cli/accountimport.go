package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
)

// utc8 is the time of the counter's business day.
var utc8 = time.FixedZone("UTC+8", 8*60*60)

// shownProblems bounds what a hopeless file prints; the rest is counted.
const shownProblems = 200

// accountCommand is `tallyd account …`.
func (a *app) accountCommand(deps TallydDeps) *cobra.Command {
	return a.group("account", a.t("the customers of a counter", "管理客户档案"), a.accountImportCommand(deps))
}

// accountImportCommand is `tallyd account import FILE.csv --config FILE`.
func (a *app) accountImportCommand(deps TallydDeps) *cobra.Command {
	var file string
	var dryRun bool
	c := &cobra.Command{
		Use: "import FILE.csv --config FILE", Short: a.t("bring customers into the ledger", "导入客户档案"), Args: a.args(1, 1),
		Long: a.accountImportText(),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := a.loadNode(c, file, deps.Known)
			if err != nil {
				return err
			}
			return a.importAccounts(c, deps, n, args[0], dryRun)
		},
	}
	a.configFlag(c, &file)
	c.Flags().BoolVar(&dryRun, "dry-run", false, a.t("check everything, store nothing", "只检查，不保存"))
	return c
}

func (a *app) accountImportText() string {
	var t table
	t.indent = "  "
	names, abouts := accountcsv.About(a.lang)
	for i, name := range names {
		t.row(name, abouts[i])
	}
	return a.t(`Bring the customers of a CSV file into the ledger of a stopped node. The file is UTF-8, its first row names the columns,
in any order; no, name and price_class are needed. All accounts are stored or, when anything is wrong, none.

An account that exists already gets name, address, phone, price class, meter and limits from the columns that the file
has; an empty cell empties the field. Its card, card sequence, bought volume, tier period and locks are never changed,
and a row with another card than the ledger's is refused.

Columns:
`, `将 CSV 文件中的客户导入已停止节点的账本。文件为 UTF-8 编码，首行为列名，顺序不限；no、name、price_class 必填。
全部客户一并保存；只要有一处错误，便一户也不保存。

已有客户只按文件所含的列更新姓名、地址、电话、价格类别、表号和限额，空单元格会清空该项。卡片、卡序号、已购量、
阶梯周期和停售均不改变；卡号与账本不符的行会被拒绝。

列：
`) + t.String()[:len(t.String())-1]
}

func (a *app) importAccounts(c *cobra.Command, deps TallydDeps, n config.Node, file string, dryRun bool) error {
	if !n.Counter.Enabled {
		return &failure{ExitRefused, a.t("this node has no counter in its configuration", "该节点的配置中没有柜台"), ""}
	}
	sheet, err := a.sheet(deps, n, file)
	if err != nil {
		return a.sheetRefused(file, err)
	}
	if running(c.Context(), n.Socket()) {
		return NodeRunning
	}
	done, err := deps.ImportAccounts(c.Context(), n, sheet, dryRun)
	if err != nil {
		return a.sheetRefused(file, err)
	}
	a.say("accounts in %s: %d; new %d, changed %d, as they were %d", "%s 共 %d 户：新增 %d，更改 %d，未变 %d",
		file, done.Added+done.Changed+done.Same, done.Added, done.Changed, done.Same)
	if dryRun {
		a.say("dry run: nothing was stored", "试运行：未保存")
	}
	return nil
}

// sheet reads the file by the rules of the config.
func (a *app) sheet(deps TallydDeps, n config.Node, file string) (accountcsv.Sheet, error) {
	digits, err := deps.CardDigits(n.Cards)
	if err != nil {
		return accountcsv.Sheet{}, err
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	return accountcsv.ReadFile(file, accountcsv.Rules{
		Region: n.Counter.Region, CardDigits: digits, Tariffs: n.Counter.Tariffs, Today: now().In(utc8).Format(time.DateOnly),
	})
}

// sheetRefused prints what is wrong with a file, if that is what err says.
func (a *app) sheetRefused(file string, err error) error {
	problems, ok := errors.AsType[accountcsv.Problems](err)
	if !ok {
		return err
	}
	fmt.Fprintln(a.env.Err, problems[:min(len(problems), shownProblems)].Text(a.lang))
	if more := len(problems) - shownProblems; more > 0 {
		a.say("problems not shown: %d", "另有 %d 个问题未列出", more)
	}
	return &failure{ExitRefused, a.f("problems in %s: %d; nothing was stored", "%s 中的问题：%d 个；未保存任何内容", file, len(problems)), ""}
}
