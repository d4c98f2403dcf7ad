package cli

import (
	"bufio"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/keyfile"
)

// maxKeys bounds the list of keys that is read.
const maxKeys = 64 << 10

// cardSealCommand is `tally card seal-keys OUT --keys FILE`.
func (a *app) cardSealCommand() *cobra.Command {
	var keys, pass, machine string
	c := &cobra.Command{
		Use: "seal-keys OUT", Short: a.t("seal the cards' keys into a file that a node can use", "将卡片密钥封装为节点可用的文件"), Args: a.args(1, 1),
		Long: a.t("Read the keys of the utility's cards and seal them. Without --passphrase-file the machine's own key seals: the file then opens on\nthis machine only. The list has a line NAME HEX for each key; destroy it afterwards. No key is printed. Names: ",
			"读取本公司卡片的密钥并封装。不给 --passphrase-file 时用本机密钥封装，文件只能在本机打开。清单每行为 名称 十六进制；用后请销毁。\n不显示任何密钥。名称：") + strings.Join(keyfile.Names(), ", "),
		Example: "  tally card seal-keys cards.keys --keys - --machine-key /var/lib/tally/machine.key\n  tally card seal-keys cards.keys --keys list.txt --passphrase-file pass.txt",
		RunE: func(c *cobra.Command, args []string) error {
			if (pass == "") == (machine == "") {
				return a.usage(c, "name --passphrase-file or --machine-key", "请指定 --passphrase-file 或 --machine-key 之一")
			}
			k, err := a.keyList(c, keys)
			if err != nil {
				return err
			}
			o, err := a.opener(pass, machine)
			if err != nil {
				return err
			}
			sealed, err := keyfile.Seal(k, o)
			if err != nil {
				return &failure{ExitRefused, a.f("the keys cannot be sealed: %v", "无法封装密钥：%v", err), ""}
			}
			err = a.output(args[0], func(w io.Writer) error {
				_, err := w.Write(sealed)
				return err
			})
			if err == nil {
				a.say("sealed: %s", "已封装：%s", strings.Join(k.Has(), ", "))
			}
			return err
		},
	}
	c.Flags().StringVar(&keys, "keys", "-", a.t("`FILE` with a line NAME HEX for each key; - for standard input", "`文件` 每行为 名称 十六进制；- 为标准输入"))
	c.Flags().StringVar(&pass, "passphrase-file", "", a.t("`FILE` with the passphrase that opens it", "`文件` 打开所用的口令文件"))
	c.Flags().StringVar(&machine, "machine-key", "", a.t("`FILE` of the machine's own key, made when it is not there", "`文件` 本机密钥文件，不存在时新建"))
	return c
}

// keyList reads the list; what is wrong is named by its line, never by what stands there.
func (a *app) keyList(c *cobra.Command, file string) (keyfile.Keys, error) {
	in := a.env.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return keyfile.Keys{}, &failure{ExitUsage, a.f("the keys cannot be read: %v", "无法读取密钥：%v", err), ""}
		}
		defer f.Close()
		in = f
	}
	named := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(in, maxKeys))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) != 2:
			return keyfile.Keys{}, a.usage(c, "line %d of the keys: want NAME HEX", "密钥清单第 %d 行：应为 名称 十六进制", n)
		case named[words[0]] != "":
			return keyfile.Keys{}, a.usage(c, "line %d of the keys: the name was there before", "密钥清单第 %d 行：名称重复", n)
		}
		named[words[0]] = words[1]
	}
	if err := lines.Err(); err != nil {
		return keyfile.Keys{}, &failure{ExitUsage, a.f("the keys cannot be read: %v", "无法读取密钥：%v", err), ""}
	}
	if len(named) == 0 {
		return keyfile.Keys{}, a.usage(c, "there is no key in the list", "清单中没有密钥")
	}
	k, err := keyfile.Parse(named)
	if err != nil {
		return k, a.usage(c, "%v", "%v", err)
	}
	return k, nil
}

func (a *app) opener(pass, machine string) (keyfile.Opener, error) {
	if machine != "" {
		o, err := keyfile.MachineKey(machine)
		if err != nil {
			return o, &failure{ExitRefused, a.f("the machine key cannot be used: %v", "本机密钥不可用：%v", err), ""}
		}
		return o, nil
	}
	text, err := fileLine(pass)
	if err != nil {
		return keyfile.Opener{}, &failure{ExitUsage, a.f("the passphrase cannot be read: %v", "无法读取口令：%v", err), ""}
	}
	return keyfile.Passphrase([]byte(text)), nil
}
