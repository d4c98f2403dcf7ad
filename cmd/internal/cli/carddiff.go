package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"tally/cardreader/dump"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
)

// ledgerSide is what stands for the node's ledger in `tally card diff`.
const ledgerSide = "ledger"

// comparison is the JSON of `tally card diff`.
type comparison struct {
	Profile string        `json:"profile"`
	Card    string        `json:"card"`
	Same    bool          `json:"same"` // but for what the meter writes
	Changes []dump.Change `json:"changes"`
}

// cardDiffCommand is `tally card diff A B [--json]`.
func (a *app) cardDiffCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	var layout string
	c := &cobra.Command{
		Use: "diff OLD NEW", Short: a.t("say what differs between two dumps, or between a dump and the ledger", "比较两份卡片转储，或转储与账本"), Args: a.args(2, 2),
		Long: a.t("OLD and NEW are dump files (from `tally card dump --json`, `tally card show --json` or plain hex). One of them may be the word\n\"ledger\": the bytes that the node wrote last on this card. What the meter writes back is shown, but is no difference.\nThe exit code is 1 when something differs.",
			"OLD 和 NEW 为转储文件（`tally card dump --json`、`tally card show --json` 的输出或纯十六进制）。其中之一可写 ledger：\n节点最后写入该卡的字节。表计回写的内容会列出，但不算差异。有差异时退出码为 1。"),
		Example: "  tally card diff before.json after.json\n  tally card diff ledger card.json",
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.compare(c, d, layout, args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				err = a.json(r)
			} else {
				_, err = io.WriteString(a.env.Out, a.comparison(r))
				err = a.written(err)
			}
			if err == nil && !r.Same {
				return errNotWell
			}
			return err
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	a.layoutFlag(c, &layout)
	return c
}

func (a *app) layoutFlag(c *cobra.Command, v *string) {
	c.Flags().StringVar(v, "profile", "", a.t("`NAME|FILE` card profile, when the dump does not say", "`名称|文件` 卡片规格；转储中没有时指定"))
}

func (a *app) compare(c *cobra.Command, d door, layout, was, is string) (comparison, error) {
	if was == ledgerSide && is == ledgerSide {
		return comparison{}, a.usage(c, "one side must be a dump", "至少一方须为转储文件")
	}
	var sides [2]dump.Dump
	for i, name := range []string{was, is} {
		if name == ledgerSide {
			continue
		}
		var err error
		if sides[i], err = a.readDump(name); err != nil {
			return comparison{}, err
		}
		if layout == "" {
			layout = sides[i].Profile
		}
	}
	p, err := a.layout(layout)
	if err != nil {
		return comparison{}, err
	}
	r := comparison{}
	for i, name := range []string{was, is} {
		if name == ledgerSide {
			if p == nil {
				return r, a.usage(c, "name the card's profile with --profile", "请用 --profile 指定卡片规格")
			}
			if sides[i].Image, err = a.expected(c, d, p, sides[1-i].Image); err != nil {
				return r, err
			}
		}
	}
	if p != nil {
		r.Profile = p.Name
		if st, err := purse.Decode(p, sides[1].Image); err == nil {
			r.Card = st.Card.String()
		}
	}
	r.Changes = dump.Diff(p, sides[0].Image, sides[1].Image)
	r.Same = onlyMeter(p, r.Changes)
	return r, nil
}

// expected asks the node for the bytes that it wrote last on the card of an image.
func (a *app) expected(c *cobra.Command, d door, p *profile.Profile, image []byte) (purse.Image, error) {
	st, err := purse.Decode(p, image)
	if err != nil {
		return nil, err
	}
	client, _ := a.client(d)
	defer client.Close()
	orders, err := client.CardOrders(c.Context(), st.Card, control.MaxOrders)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		if o.State == counter.Done {
			return o.Image, nil
		}
	}
	return nil, &failure{ExitRefused, a.f("the ledger knows no order of card %s", "账本中没有卡片 %s 的订单", st.Card), ""}
}

// onlyMeter reports whether nothing differs but what the meter writes: its write-back slots.
func onlyMeter(p *profile.Profile, changes []dump.Change) bool {
	for _, c := range changes {
		if c.Block != "write_back" && !inWriteBack(p, c) {
			return false
		}
	}
	return true
}

// inWriteBack reports whether bytes that no field covers lie within a write-back slot: its checksum and commit byte.
func inWriteBack(p *profile.Profile, c dump.Change) bool {
	if p == nil || p.WriteBack == nil || c.Block != "" {
		return false
	}
	for _, s := range p.WriteBack.Slots {
		if c.Addr >= s.At && c.Addr+c.Len <= s.At+p.WriteBack.Len {
			return true
		}
	}
	return false
}

func (a *app) readDump(name string) (dump.Dump, error) {
	f, err := os.Open(name)
	if err != nil {
		return dump.Dump{}, &failure{ExitUsage, a.f("the dump cannot be read: %v", "无法读取转储：%v", err), ""}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, dump.MaxFile+1))
	if err != nil {
		return dump.Dump{}, &failure{ExitUsage, a.f("the dump cannot be read: %v", "无法读取转储：%v", err), ""}
	}
	d, err := dump.Parse(raw)
	if err != nil {
		return d, &failure{ExitUsage, fmt.Sprintf("%s: %v", name, err), ""}
	}
	return d, nil
}

func (a *app) comparison(r comparison) string {
	if len(r.Changes) == 0 {
		return a.t("no difference\n", "没有差异\n")
	}
	var t table
	t.row(a.t("AT", "地址"), a.t("BLOCK", "区块"), a.t("FIELD", "字段"), a.t("OLD", "原值"), a.t("NEW", "新值"))
	for _, c := range r.Changes {
		name := plain(c.Name)
		if name == "" {
			name = a.f("%d bytes", "%d 字节", c.Len)
		}
		block := a.block(c.Block)
		if c.Slot != "" {
			block += " " + plain(c.Slot)
		}
		t.row(fmt.Sprintf("%02X", c.Addr), block, name, a.orNothing(c.Old), a.orNothing(c.New))
	}
	out := t.String()
	if r.Same {
		out += a.t("only the meter wrote\n", "只有表计回写\n")
	}
	return out
}

func (a *app) orNothing(s string) string {
	const most = 64
	switch {
	case s == "":
		return "-"
	case len(s) > most:
		return plain(s[:most]) + "…"
	}
	return plain(s)
}
