package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/counter"
)

// roles by name, in the order of the help.
var roles = []string{string(counter.Clerk), string(counter.Leader), string(counter.Finance), string(counter.Technician), string(counter.Admin)}

// operatorCommand is `tallyd operator …`.
func (a *app) operatorCommand(deps TallydDeps) *cobra.Command {
	return a.group("operator", a.t("who may log in", "管理操作员"), a.operatorAddCommand(deps))
}

// operatorAddCommand is `tallyd operator add NAME --role R --config FILE`.
func (a *app) operatorAddCommand(deps TallydDeps) *cobra.Command {
	var file, role, passwordFile string
	var op NewOperator
	var no uint16
	c := &cobra.Command{
		Use: "add NAME --role ROLE --config FILE", Short: a.t("let somebody log in", "添加操作员"), Args: a.args(1, 1),
		Long: a.t("Add an operator to the ledger of a stopped node. The password is asked on the terminal, or read from a file; there is no\ndefault one.",
			"向已停止节点的账本添加操作员。口令在终端输入，或从文件读取；没有默认口令。"),
		RunE: func(c *cobra.Command, args []string) error {
			op.Name, op.Role, op.No = args[0], counter.Role(role), no
			if !isOperatorName(op.Name) {
				return a.usage(c, "%q is no name to log in with; use 1 to 32 of a-z, 0-9, _ . and -", "%q 不能作为登录名；请用 1 至 32 个字符：a-z、0-9、_、.、-", op.Name)
			}
			if !slices.Contains(roles, role) {
				return a.usage(c, "--role is one of %s", "--role 可选：%s", strings.Join(roles, ", "))
			}
			if op.Display == "" {
				op.Display = op.Name
			}
			n, err := a.loadNode(c, file, deps.Known)
			if err != nil {
				return err
			}
			if n.Counter.Enabled && no == 0 {
				return a.usage(c, "name the operator's number with --no N: cards carry it, so no two operators may share one",
					"请用 --no 编号 指明操作员编号：编号会写入卡片，不得与他人相同")
			}
			if running(c.Context(), n.Socket()) {
				return NodeRunning
			}
			if op.Password, err = a.password(c, op.Name, passwordFile); err != nil {
				return err
			}
			if err := deps.AddOperator(c.Context(), n, op); err != nil {
				return err
			}
			a.say("%s can log in now (%s)", "%s 现在可以登录（%s）", op.Name, role)
			return nil
		},
	}
	a.configFlag(c, &file)
	c.Flags().StringVar(&role, "role", "", a.t("`ROLE` what the operator may do: ", "`角色` 可选：")+strings.Join(roles, ", "))
	c.Flags().StringVar(&op.Display, "display", "", a.t("`NAME` on receipts; the login name when not given", "`姓名` 收据上的姓名；缺省为登录名"))
	c.Flags().Uint16Var(&no, "no", 0, a.t("`N` number in the card's write stamp, 1-65535, of nobody else; needed on a counter", "`编号` 写卡记录中的编号，1-65535，不得重复；柜台必填"))
	c.Flags().StringVar(&passwordFile, "password-file", "", a.t("`FILE` whose first line is the password; - is standard input", "`文件` 首行为口令；- 表示标准输入"))
	return c
}

func isOperatorName(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == ""
}

// running reports whether a daemon answers at the socket; the ledger's own lock has the last word.
func running(ctx context.Context, socket string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	client := control.NewClient(socket)
	defer client.Close()
	_, err := client.Status(ctx)
	return err == nil || errors.Is(err, context.DeadlineExceeded)
}
