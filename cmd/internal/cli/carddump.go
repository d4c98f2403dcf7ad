package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tally/cardreader/dump"
	"tally/cmd/internal/control"
)

// cardDumpCommand is `tally card dump [READER] [--profile NAME|FILE] [--json|--hex] [-o FILE]`.
func (a *app) cardDumpCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON, asHex bool
	var file, layout string
	c := &cobra.Command{
		Use: "dump [READER]", Short: a.t("print every byte of a card, and what each means", "输出卡片的全部字节及其含义"), Args: a.args(0, 1),
		Long: a.t("Read all user bytes of the card in a reader and explain them field by field. Nothing is written and no code is presented;\na dump holds no secret. --json writes a file that `tally card diff` takes.\nWith --profile the bytes are explained by that layout, a file too, even where it does not fit; the exit code is then 1.",
			"读取卡片的全部用户字节并逐字段解释。不写卡，也不校验卡密码；输出中没有密钥。--json 的输出可供 `tally card diff` 使用。\n给出 --profile 时按该规格（可为文件）解释，即使不相符也输出全部字节，此时退出码为 1。"),
		Example: "  tally card dump\n  tally card dump --json -o before.json\n  tally card dump --profile acme-v2.toml",
		RunE: func(c *cobra.Command, args []string) error {
			if asJSON && asHex {
				return a.usage(c, "--json or --hex, not both", "--json 与 --hex 不能同时指定")
			}
			p, err := a.try(layout)
			if err != nil {
				return err
			}
			return a.withCards(c.Context(), d, deps, p, func(cards control.Cards) error {
				card, err := a.cardBy(c.Context(), cards, strings.Join(args, ""), p)
				if err != nil && (p == nil || len(card.State.Image) == 0) {
					return err
				}
				made := dump.Dump{Format: dump.Format, At: deps.now().UTC().Truncate(time.Second), Reader: card.Reader, ATR: card.ATR,
					Profile: card.State.Profile, Image: card.State.Image}
				if err != nil {
					made.Problem = misfit(err)
				}
				if werr := a.output(file, func(w io.Writer) error { return a.writeDump(w, made, asJSON, asHex) }); werr != nil || err == nil {
					return werr
				}
				a.say("the layout does not fit: %s", "规格不相符：%s", a.explain(err).text)
				return errNotWell
			})
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	a.triedFlag(c, &layout)
	c.Flags().BoolVar(&asHex, "hex", false, a.t("print the bytes only", "只输出字节"))
	c.Flags().StringVarP(&file, "output", "o", "", a.t("`FILE` to write, whole or not at all", "`文件` 输出文件，要么完整要么没有"))
	return c
}

func (a *app) writeDump(w io.Writer, d dump.Dump, asJSON, asHex bool) error {
	switch {
	case asJSON:
		return encodeJSON(w, d)
	case asHex:
		_, err := io.WriteString(w, hexLines(d.Image))
		return err
	}
	_, err := io.WriteString(w, a.explained(d))
	return err
}

// hexLines writes sixteen bytes a line with their address behind a #, so that the text is still a dump.
func hexLines(image []byte) string {
	var b strings.Builder
	for at := 0; at < len(image); at += 16 {
		line := image[at:min(at+16, len(image))]
		fmt.Fprintf(&b, "%-47s  # %04X\n", spaced(hex.EncodeToString(line)), at)
	}
	return b.String()
}

// explained is a dump for people.
func (a *app) explained(d dump.Dump) string {
	p := a.layoutOf(d.Profile)
	if p == nil {
		return hexLines(d.Image)
	}
	states := map[string]string{}
	for _, s := range dump.Slots(p, d.Image) {
		states[s.Block+"/"+s.Slot] = s.State
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", plain(d.Profile), a.f("%d bytes", "%d 字节", len(d.Image)))
	var t table
	t.indent = "  "
	last := ""
	flush := func() {
		b.WriteString(t.String())
		t.rows = nil
	}
	for _, f := range dump.Explain(p, d.Image) {
		if key := f.Block + "/" + f.Slot; key != last {
			flush()
			fmt.Fprintf(&b, "\n%s: %s\n", strings.TrimRight(a.block(f.Block)+" "+plain(f.Slot), " "), a.slotState(states[key]))
			last = key
		}
		if states[last] == "empty" {
			continue // nothing but FF: no value in it means anything
		}
		t.row(fmt.Sprintf("%02X", f.Addr), plain(f.Name), spaced(f.Hex), a.fieldText(f))
	}
	flush()
	return b.String()
}

func (a *app) fieldText(f dump.Field) string {
	if f.Wrong != "" {
		return a.f("unreadable: %s", "无法解读：%s", plain(f.Wrong))
	}
	return plain(f.Text)
}

// block is the name of a part of a card.
func (a *app) block(name string) string {
	words := map[string][2]string{
		"header": {"header", "卡头"}, "order": {"order", "订单"}, "write_back": {"write-back", "表回写"}, "tariff": {"tariff", "价格表"},
		"stamp": {"write stamp", "写卡记录"}, "month_use": {"month use", "月用量"},
	}
	if w, ok := words[name]; ok {
		return a.t(w[0], w[1])
	}
	return plain(name)
}

func (a *app) slotState(s string) string {
	switch s {
	case "empty":
		return a.t("empty", "空")
	case "valid":
		return a.t("valid", "有效")
	case "uncommitted":
		return a.t("a write was begun and not finished", "写入未完成")
	case "bad_commit":
		return a.t("commit byte damaged", "提交字节损坏")
	}
	return a.t("checksum wrong", "校验和错误")
}

// output writes to a file, which is there whole afterwards or not at all, or to standard output.
func (a *app) output(file string, write func(io.Writer) error) error {
	if file == "" {
		return a.written(write(a.env.Out))
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return &failure{ExitRefused, a.f("the file cannot be written: %v", "无法写入文件：%v", err), ""}
	}
	err = write(tmp)
	if closing := tmp.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the error that is returned says more
		return a.written(err)
	}
	return nil
}
