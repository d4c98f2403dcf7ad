package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/meter/quantity"
)

// simICMeterCommand is `tally sim icmeter new|show|swipe|use FILE`.
func (a *app) simICMeterCommand() *cobra.Command {
	g := a.group("icmeter", a.t("a simulated prepaid meter that takes cards", "模拟的 IC 卡表，可插卡"),
		a.simMeterNew(), a.simMeterShow(), a.simMeterSwipe(), a.simMeterUse())
	g.Long = a.t("A prepaid meter kept in a file. It takes card files that `tally sim card --file` made and the counter wrote.",
		"保存在文件中的 IC 卡表；可插入由 `tally sim card --file` 建立、柜台写过的卡片文件。")
	g.Example = "  tally sim icmeter new flat.meter --number 00045678 --region 0571\n  tally sim icmeter swipe flat.meter lily.card\n  tally sim icmeter use flat.meter 2.5"
	return g
}

func (a *app) simMeterNew() *cobra.Command {
	var number, region, unit, layout string
	c := &cobra.Command{
		Use: "new FILE", Short: a.t("make a meter as it comes from the factory", "新建一块出厂状态的表"), Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Lstat(args[0]); !errors.Is(err, fs.ErrNotExist) {
				return &failure{ExitRefused, a.f("%s is there already", "%s 已存在", args[0]), ""}
			}
			r, err := strconv.ParseUint(region, 16, 16)
			if err != nil || len(region) != 4 {
				return a.usage(c, "--region is four hexadecimal digits", "--region 为四位十六进制数")
			}
			if p, err := layoutOfMeter(layout); err == nil {
				if unit == "" {
					unit = string(unitOf(p))
				}
				if !c.Flags().Changed("region") && p.Header.Field(profile.Region) == nil {
					r = 0 // such cards do not say whose they are
				}
			}
			m, err := icmeter.NewOf(layout, number, uint16(r), icmeter.Unit(unit))
			if err != nil {
				return a.usage(c, "%v", "%v", err)
			}
			return a.saveMeter(args[0], m)
		},
	}
	c.Flags().StringVar(&number, "number", "", a.t("`NUMBER` printed on it: eight digits, or as many as its cards have", "`表号` 表上印刷的八位数字，或其卡片规定的位数"))
	c.Flags().StringVar(&region, "region", "0571", a.t("`CODE` of the utility", "`区域` 区域号"))
	c.Flags().StringVar(&layout, "layout", icmeter.GEN4442, a.t("`NAME` of its cards: ", "`规格` 所用卡片：")+strings.Join(icmeter.Layouts(), ", "))
	c.Flags().StringVar(&unit, "unit", "", a.t("`UNIT` it counts in: 0.1m3, 0.01m3, fen; that of its cards when not given", "`单位` 计量单位：0.1m3、0.01m3、fen；缺省与其卡片相同"))
	return c
}

func (a *app) simMeterShow() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "show FILE", Short: a.t("say how the meter stands", "显示表的状态"), Args: a.args(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := a.loadMeter(args[0])
			if err != nil {
				return err
			}
			return a.showMeter(m, asJSON)
		},
	}
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) simMeterSwipe() *cobra.Command {
	var asJSON bool
	cut := -1
	c := &cobra.Command{
		Use: "swipe FILE CARD", Short: a.t("put a card file into the meter", "将卡片文件插入表中"), Args: a.args(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.loadMeter(args[0])
			if err != nil {
				return err
			}
			chip, err := a.cardForMeter(args[1], m)
			if err != nil {
				return err
			}
			if cut >= 0 {
				m.CutAfter(cut)
			}
			r := m.Swipe(chip)
			if err := a.saveMeter(args[0], m); err != nil {
				return err
			}
			if asJSON {
				err = a.json(r)
			} else {
				err = a.swiped(r)
			}
			if err == nil && r.Reason != "" {
				return errNotWell
			}
			return err
		},
	}
	a.jsonFlag(c, &asJSON)
	c.Flags().IntVar(&cut, "cut", cut, a.t("`N` pull the card after the meter wrote N bytes", "`字节` 表写入 N 字节后拔卡"))
	return c
}

// layoutOfMeter is the profile of the cards that a meter takes.
func layoutOfMeter(name string) (*profile.Profile, error) {
	return profile.Builtin(cmp.Or(name, icmeter.GEN4442) + " v1")
}

// cardForMeter is the card in a file as the meter's slot holds it: the meter's layout says where its bytes lie. A card of
// another chip shows nothing there.
func (a *app) cardForMeter(file string, m *icmeter.Meter) (icmeter.Memory, error) {
	card, err := cardsim.OpenKept(file, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &failure{ExitUsage, a.f("the card file cannot be read: %v", "无法读取卡片文件：%v", err), ""}
	case err != nil:
		return nil, &failure{ExitUsage, plain(err.Error()), ""}
	}
	p, err := layoutOfMeter(m.State().Layout)
	if err != nil {
		return nil, err
	}
	slot, ok := card.Slot(p.Map)
	if !ok {
		return nil, &failure{ExitRefused, a.f("this card does not fit the meter's slot: the meter takes %s (%s)", "该卡与表的卡槽不符：该表使用 %s（%s）", p.Name, p.Chip.Type), ""}
	}
	return slot, nil
}

func (a *app) simMeterUse() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "use FILE M3", Short: a.t("let gas or water through", "用气或用水"), Args: a.args(2, 2),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.loadMeter(args[0])
			if err != nil {
				return err
			}
			want, err := quantity.ParseVolume(args[1])
			if err != nil || want < 0 {
				return a.usage(c, "%q is no volume in m³", "%q 不是以 m³ 计的体积", args[1])
			}
			got := m.Use(want)
			if err := a.saveMeter(args[0], m); err != nil {
				return err
			}
			if asJSON {
				return a.json(map[string]any{"wanted_l": want, "used_l": got, "state": m.State()})
			}
			if err := a.print("%s", a.f("%s m³ went through", "通过 %s m³", got)); err != nil {
				return err
			}
			return a.showMeter(m, false)
		},
	}
	a.jsonFlag(c, &asJSON)
	return c
}

// maxMeterFile bounds a meter's file.
const maxMeterFile = 64 << 10

func (a *app) loadMeter(file string) (*icmeter.Meter, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &failure{ExitUsage, a.f("the meter file cannot be read: %v", "无法读取表文件：%v", err), a.t("`tally sim icmeter new` makes one", "用 `tally sim icmeter new` 新建")}
	}
	defer f.Close()
	m := new(icmeter.Meter)
	raw, err := io.ReadAll(io.LimitReader(f, maxMeterFile))
	if err == nil {
		err = json.Unmarshal(raw, m)
	}
	if err != nil {
		return nil, &failure{ExitUsage, a.f("%s is no meter file: %v", "%s 不是表文件：%v", file, err), ""}
	}
	return m, nil
}

func (a *app) saveMeter(file string, m *icmeter.Meter) error {
	return a.output(filepath.Clean(file), func(w io.Writer) error { return encodeJSON(w, m) })
}

func (a *app) swiped(r icmeter.Result) error {
	unit := purse.Unit(r.State.Unit)
	var text string
	switch {
	case r.Accepted:
		text = a.f("credited %s", "充入 %s", a.amount(unit, purse.Amount(r.Credited)))
	case r.Reason != "":
		text = a.f("nothing credited: %s", "未充入：%s", a.swipeReason(r.Reason))
	default:
		text = a.t("nothing to credit", "没有可充入的订单")
	}
	if !r.WroteBack {
		text += a.t("; the card was not written back", "；未回写卡片")
	}
	if err := a.print("%s", text); err != nil {
		return err
	}
	_, err := io.WriteString(a.env.Out, a.meterTable(r.State))
	return a.written(err)
}

func (a *app) swipeReason(r icmeter.Reason) string {
	words := map[icmeter.Reason][2]string{
		icmeter.ReasonNoCard: {"no card", "没有卡片"}, icmeter.ReasonLayout: {"not a card of this layout", "不是该规格的卡片"},
		icmeter.ReasonHeader: {"the card's header is damaged", "卡头损坏"}, icmeter.ReasonKind: {"not a user card", "不是用户卡"},
		icmeter.ReasonUnit: {"a card of another unit", "计量单位不符"}, icmeter.ReasonRegion: {"a card of another utility", "其他区域的卡片"},
		icmeter.ReasonCard: {"the meter belongs to another card", "该表属于另一张卡"}, icmeter.ReasonMeter: {"the card belongs to another meter", "该卡属于另一块表"},
		icmeter.ReasonOldIssue: {"a card that was replaced", "已补换的旧卡"}, icmeter.ReasonNoOrder: {"no order on the card", "卡上没有订单"},
		icmeter.ReasonConflict: {"two orders and neither is newer", "两个订单无法分辨新旧"}, icmeter.ReasonTaken: {"the order was taken before", "该订单已充入过"},
		icmeter.ReasonOld: {"an order older than the last one taken", "早于上次充入的订单"}, icmeter.ReasonHoard: {"over the meter's ceiling", "超过表的囤积上限"},
		icmeter.ReasonWriteBack: {"the card was pulled while the meter wrote", "表回写时卡片被拔出"},
	}
	if w, ok := words[r]; ok {
		return a.t(w[0], w[1])
	}
	return plain(string(r))
}

func (a *app) showMeter(m *icmeter.Meter, asJSON bool) error {
	if asJSON {
		return a.json(m.State())
	}
	_, err := io.WriteString(a.env.Out, a.meterTable(m.State()))
	return a.written(err)
}

func (a *app) meterTable(s icmeter.State) string {
	unit := purse.Unit(s.Unit)
	var t table
	t.row(a.t("meter", "表号"), plain(s.Number))
	if s.Layout != "" {
		t.row(a.t("cards", "卡片规格"), plain(s.Layout))
	}
	if s.Card == "" {
		t.row(a.t("card", "卡号"), a.t("none yet", "尚无"))
	} else {
		t.row(a.t("card", "卡号"), plain(s.Card))
	}
	t.row(a.t("last order", "上次订单"), a.f("no. %d", "第 %d 号", s.Seq))
	t.row(a.t("accepted", "累计充入"), a.amount(unit, purse.Amount(s.Accepted)))
	t.row(a.t("remaining", "剩余"), a.amount(unit, purse.Amount(s.Remaining)))
	t.row(a.t("used", "已用"), a.amount(unit, purse.Amount(s.Used)))
	valve := a.t("closed", "关")
	if s.ValveOpen {
		valve = a.t("open", "开")
	}
	t.row(a.t("valve", "阀门"), valve)
	return t.String()
}
