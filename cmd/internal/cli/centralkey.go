package cli

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"tally/sync/central"
)

// centralKeyCommand is `tally-central key FILE`.
func (a *app) centralKeyCommand() *cobra.Command {
	var show bool
	c := &cobra.Command{
		Use: "key FILE", Short: a.t("make the key that nodes obey, and print its public half", "生成节点所服从的签名密钥，并输出公钥"), Args: a.args(1, 1),
		Long: a.t("Make a signing key (Ed25519) in a new file that only its owner can read, and print the public half: nodes are given it as a line of\na file that centre_keys in [uplink] names. A key that is there is never replaced. While one key replaces another, nodes know both.",
			"在新文件中生成仅属主可读的签名密钥（Ed25519），并输出公钥：将其写入节点 [uplink] 中 centre_keys 所指文件的一行。\n已有的密钥不会被覆盖。更换密钥期间，节点可同时认可新旧两把。"),
		RunE: func(_ *cobra.Command, args []string) error {
			use := central.CreateKey
			if show {
				use = central.LoadKey
			}
			key, err := use(args[0])
			switch {
			case errors.Is(err, fs.ErrExist):
				return &failure{ExitRefused, a.f("%s is there already", "%s 已存在", args[0]), a.t("--show prints the public half of a key", "--show 可输出已有密钥的公钥")}
			case errors.Is(err, central.ErrKeyOpen):
				return &failure{ExitRefused, a.f("others than its owner can read %s", "%s 可被属主以外的用户读取", args[0]), a.f("run: chmod 600 %s", "请执行：chmod 600 %s", args[0])}
			case err != nil:
				return &failure{ExitRefused, err.Error(), ""}
			}
			return a.print("%s", key.Text())
		},
	}
	c.Flags().BoolVar(&show, "show", false, a.t("print the public half of a key that is there", "输出已有密钥的公钥"))
	return c
}
