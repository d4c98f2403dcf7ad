package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help prints how a command is used, to standard output because it was asked for.
func (a *app) help(c *cobra.Command) {
	var b strings.Builder
	if text := c.Long; text != "" {
		fmt.Fprintf(&b, "%s\n\n", text)
	} else {
		fmt.Fprintf(&b, "%s\n\n", c.Short)
	}
	fmt.Fprintf(&b, "%s\n  %s\n", a.t("Usage:", "用法："), a.useLine(c))
	if c.HasAvailableSubCommands() {
		t := table{indent: "  "}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() && !sub.Hidden {
				t.row(sub.Name(), sub.Short)
			}
		}
		fmt.Fprintf(&b, "\n%s\n%s", a.t("Commands:", "命令："), t.String())
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\n%s\n%s\n", a.t("Examples:", "示例："), c.Example)
	}
	if flags := a.flags(c); flags != "" {
		fmt.Fprintf(&b, "\n%s\n%s", a.t("Flags:", "选项："), flags)
	}
	fmt.Fprintf(&b, "\n%s\n%s", a.t("Exit codes:", "退出码："), a.exitText())
	_, _ = io.WriteString(a.env.Out, b.String()) // nobody is left to tell
}

func (a *app) useLine(c *cobra.Command) string {
	line := c.CommandPath()
	_, rest, own := strings.Cut(c.Use, " ")
	if own {
		line += " " + rest
	}
	if c.HasAvailableSubCommands() && !own { // a command of its own may have others under it
		line += a.t(" COMMAND", " 命令")
	}
	return line + a.t(" [FLAGS]", " [选项]")
}

// flags lists a command's own and inherited flags.
func (a *app) flags(c *cobra.Command) string {
	t := table{indent: "  "}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		usage = strings.TrimPrefix(usage, value+" ") // by convention the value's name comes first
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if f.Value.Type() != "bool" {
			name += " " + value
			if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
				usage += a.f(" (default %s)", "（默认 %s）", f.DefValue)
			}
		}
		t.row(name, usage)
	})
	return t.String()
}

// helpCommand lets people say `tally help card show`.
func (a *app) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: a.t("say how to use a command", "显示命令的用法"),
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return a.usage(root, "there is no command %q", "没有命令 %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			a.help(found)
			return nil
		},
	}
}
