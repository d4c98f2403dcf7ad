package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
)

// sampleConfigCommand is `tallyd sample-config counter|concentrator`.
func (a *app) sampleConfigCommand() *cobra.Command {
	kinds := config.SampleKinds
	return &cobra.Command{
		Use:   "sample-config " + strings.Join(kinds, "|"),
		Short: a.t("print a commented configuration to start from", "输出带注释的配置样例"), Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(kinds, args[0]) {
				return a.usage(c, "there is no sample %q; one of %s", "没有样例 %q；可选：%s", args[0], strings.Join(kinds, ", "))
			}
			text, err := config.Sample(args[0])
			if err != nil {
				return err
			}
			_, err = a.env.Out.Write(text)
			return a.written(err)
		},
	}
}
