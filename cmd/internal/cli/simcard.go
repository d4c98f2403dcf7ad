package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
)

// simulated is a card that somebody wants to play with.
type simulated struct {
	vpcd, chip, file, brand string
	layout, card, meter     string
	water                   bool
	pscFile, keyFile        string
	faults                  []string
}

// Chips that can be simulated.
const (
	chipSLE4442   = "sle4442"
	chipAT88SC102 = "at88sc102"
	chipCPU       = "cpu"
)

// simCardCommand is `tally sim card --vpcd HOST:PORT`.
func (a *app) simCardCommand() *cobra.Command {
	s := simulated{vpcd: "127.0.0.1:35963", chip: chipSLE4442, brand: config.DialectACS}
	c := &cobra.Command{
		Use: "card", Short: a.t("plug a simulated card into the virtual reader of this machine", "将模拟卡片插入本机的虚拟读卡器"), Args: a.args(0, 0),
		Long: a.t("Play a card in the virtual PC/SC reader (vsmartcard's vpcd) until Ctrl-C pulls it out. To every program it is a card in a reader.\nWith --file the card keeps its bytes. A new card is blank with the factory's code, or with --profile and --card an issued one\nwhose code is still the factory's. --fault strikes one command, as \"12:pulled after\"; --fault list names them.",
			"在虚拟 PC/SC 读卡器（vsmartcard vpcd）中模拟一张卡片，按 Ctrl-C 拔出。对其他程序而言与真卡无异。用 --file 保存卡片内容。\n新卡为出厂密码的空白卡；给出 --profile 和 --card 时为已发行的卡（密码仍为出厂值）。--fault 使某条命令出错，如 \"12:pulled after\"；--fault list 列出种类。"),
		Example: "  tally sim card\n  tally sim card --file lily.card --profile 'GEN4442 v1' --card 0571-00001234\n  tally sim card --fault '20:pulled before'",
		RunE: func(c *cobra.Command, _ []string) error {
			if slices.Contains(s.faults, "list") {
				return a.print("%s", strings.Join(faultNames(), "\n"))
			}
			dev, err := a.simDevice(c, s)
			if err != nil {
				return err
			}
			a.say("the card is in the virtual reader at %s; Ctrl-C pulls it", "卡片已插入 %s 的虚拟读卡器；按 Ctrl-C 拔出", s.vpcd)
			if err := cardsim.PlugVPCD(c.Context(), s.vpcd, dev); err != nil {
				return &failure{ExitUnreachable, a.f("the virtual reader cannot be used: %v", "虚拟读卡器不可用：%v", err),
					a.t("is pcscd running, with the vpcd driver?", "pcscd 是否已带 vpcd 驱动运行？")}
			}
			if errors.Is(c.Context().Err(), context.Canceled) {
				a.say("the card was pulled", "卡片已拔出")
			} else {
				a.say("a fault pulled the card", "故障使卡片脱出")
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&s.vpcd, "vpcd", s.vpcd, a.t("`HOST:PORT` of the virtual reader's driver", "`主机:端口` 虚拟读卡器驱动的地址"))
	f.StringVar(&s.chip, "chip", s.chip, a.t("`NAME` sle4442, at88sc102 or cpu", "`名称` sle4442、at88sc102 或 cpu"))
	f.StringVar(&s.brand, "reader", s.brand, a.t("`DIALECT` of the reader for an SLE 4442: acs, acs-old, omnikey", "`方言` SLE 4442 所在读卡器：acs、acs-old、omnikey"))
	f.StringVar(&s.file, "file", "", a.t("`FILE` that keeps the card (SLE 4442)", "`文件` 保存卡片的文件（SLE 4442）"))
	f.StringVar(&s.layout, "profile", "", a.t("`NAME|FILE` layout of a new card", "`名称|文件` 新卡的规格"))
	f.StringVar(&s.card, "card", "", a.t("`REGION-NUMBER` of a new card", "`区域-卡号` 新卡的卡号"))
	f.StringVar(&s.meter, "meter", "", a.t("`NUMBER` of the meter that a new card is bound to", "`表号` 新卡绑定的表计"))
	f.BoolVar(&s.water, "water", false, a.t("a new card is for water", "新卡为水卡"))
	f.StringVar(&s.pscFile, "psc-file", "", a.t("`FILE` with the secret code of a new SLE 4442; the factory's when not given", "`文件` 新 SLE 4442 卡的密码文件；缺省为出厂密码"))
	f.StringVar(&s.keyFile, "key-file", "", a.t("`FILE` with the keys of a new at88sc102 or cpu card, not sealed; zeros when not given", "`文件` 新 at88sc102 或 cpu 卡的密钥文件（未加密）；缺省全为零"))
	f.StringArrayVar(&s.faults, "fault", nil, a.t("`N:KIND` what befalls command number N", "`序号:种类` 第 N 条命令的故障"))
	return c
}

func (a *app) simDevice(c *cobra.Command, s simulated) (cardsim.Device, error) {
	main, err := a.simImage(c, s)
	if err != nil {
		return nil, err
	}
	var dev cardsim.Device
	switch s.chip {
	case chipSLE4442:
		dev, err = a.simSLE4442(c, s, main)
	case chipAT88SC102, chipCPU:
		dev, err = a.simOther(c, s, main)
	default:
		return nil, a.usage(c, "--chip cannot be %q", "--chip 不能为 %q", s.chip)
	}
	if err != nil {
		return nil, err
	}
	var faults []cardsim.Fault
	for _, text := range s.faults {
		f, err := a.simFault(c, text)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	return cardsim.Script(dev, faults...), nil
}

// simOther is a chip that is kept in memory only: blank, or issued by a layout with the keys of a plain key file.
func (a *app) simOther(c *cobra.Command, s simulated, image []byte) (cardsim.Device, error) {
	switch {
	case s.file != "":
		return nil, a.usage(c, "--file keeps an SLE 4442 only", "--file 仅支持 SLE 4442")
	case image == nil && s.chip == chipCPU:
		return cardsim.NewCOS(cardsim.COSOptions{}), nil
	case image == nil:
		return cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{})), nil
	}
	var keys issued.Keys
	if s.keyFile != "" {
		data, err := os.ReadFile(s.keyFile)
		if err == nil {
			keys.Others, err = keyfile.Plain(data)
		}
		if err != nil {
			return nil, &failure{ExitUsage, a.f("no keys in %s: %v", "%s 中没有密钥：%v", s.keyFile, err), ""}
		}
	}
	p, err := a.layout(s.layout)
	if err != nil {
		return nil, err
	}
	card, err := issued.New(p, image, keys)
	if err != nil {
		return nil, &failure{ExitUsage, plain(err.Error()), ""}
	}
	return card.Device, nil
}

func (a *app) simSLE4442(c *cobra.Command, s simulated, main []byte) (cardsim.Device, error) {
	var chip *cardsim.SLE4442
	o := cardsim.Options{Main: main}
	if s.pscFile != "" {
		psc, err := readPSC(s.pscFile)
		if err != nil {
			return nil, &failure{ExitUsage, a.f("no secret code in %s: %v", "%s 中没有卡密码：%v", s.pscFile, err), ""}
		}
		o.PSC = psc[:]
	}
	if s.file == "" {
		chip = cardsim.NewSLE4442(o)
	} else {
		var err error
		if chip, err = cardsim.OpenFile(s.file, o); err != nil {
			return nil, &failure{ExitRefused, plain(err.Error()), ""}
		}
	}
	brands := map[string]func(*cardsim.SLE4442) cardsim.Device{
		config.DialectACS: cardsim.ACS, config.DialectOldACS: cardsim.OldACS, config.DialectOmnikey: cardsim.OMNIKEY,
	}
	brand, ok := brands[s.brand]
	if !ok {
		return nil, a.usage(c, "--reader cannot be %q", "--reader 不能为 %q", s.brand)
	}
	return brand(chip), nil
}

// simImage is what lies on a new card behind the protected bytes, nil for a blank one.
func (a *app) simImage(c *cobra.Command, s simulated) ([]byte, error) {
	if s.layout == "" && s.card == "" {
		return nil, nil
	}
	p, err := a.layout(s.layout)
	if err != nil {
		return nil, err
	}
	card, err := control.ParseCardID(s.card)
	if p == nil || err != nil || s.chip != p.Chip.Type {
		return nil, a.usage(c, "an issued card wants --profile of its --chip, and --card REGION-NUMBER", "已发行的卡须给出与 --chip 相符的 --profile 和 --card 区域-卡号")
	}
	unit := purse.UnitCentiM3
	if p.Rules.Unit != profile.UnitFlag {
		unit = purse.Unit(p.Rules.Unit)
	}
	image, err := purse.Blank(p, purse.Header{Region: card.Region, CardNo: card.No, MeterNo: s.meter, Unit: unit, Water: s.water, IssueCount: 1})
	if err != nil {
		return nil, &failure{ExitUsage, plain(err.Error()), ""}
	}
	return image[p.Chip.Protect:], nil
}

func faultNames() []string {
	var names []string
	for _, k := range cardsim.FaultKinds() {
		if k != cardsim.Swapped { // needs a second card
			names = append(names, k.String())
		}
	}
	return names
}

func (a *app) simFault(c *cobra.Command, text string) (cardsim.Fault, error) {
	at, name, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(at)
	for _, k := range cardsim.FaultKinds() {
		if err == nil && n > 0 && k.String() == strings.TrimSpace(name) && k != cardsim.Swapped {
			return cardsim.Fault{At: n, Kind: k}, nil
		}
	}
	return cardsim.Fault{}, a.usage(c, "--fault cannot be %q: want N:KIND, and KIND one of %s", "--fault 不能为 %q：应为 序号:种类，种类为 %s", text, strings.Join(faultNames(), ", "))
}

// readPSC reads six hexadecimal digits; an error never shows them.
func readPSC(file string) (psc sle4442.PSC, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return psc, err
	}
	return sle4442.ParsePSC(strings.TrimSpace(string(raw)))
}
