package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/cardsim"
	"tally/cmd/internal/config"
)

// simulated is a card that somebody wants to play with.
type simulated struct {
	vpcd, chip, file, brand string
	layout, card, meter     string
	serial                  string
	water, blank            bool
	pscFile, keyFile        string
	faults                  []string
}

// Chips that can be simulated.
const (
	chipSLE4442   = "sle4442"
	chipAT88SC102 = "at88sc102"
	chipCPU       = "cpu"
	chipMifare    = "mifare"
)

// simCardCommand is `tally sim card --vpcd HOST:PORT`.
func (a *app) simCardCommand() *cobra.Command {
	s := simulated{vpcd: "127.0.0.1:35963", chip: chipSLE4442, brand: config.DialectACS}
	c := &cobra.Command{
		Use: "card", Short: a.t("plug a simulated card into the virtual reader of this machine", "将模拟卡片插入本机的虚拟读卡器"), Args: a.args(0, 0),
		Long: a.t("Play a card in the virtual PC/SC reader (vsmartcard's vpcd) until Ctrl-C pulls it out. To every program it is a card in a reader.\nWith --file the card keeps its bytes; a file that is there says itself which chip it is. A new card is blank with the factory's\ncode, or with --profile and --card an issued one with the code of --psc-file or the keys of --key-file. With --profile and --blank it\nis as its maker delivers it to the counter that issues it: an AT88SC102 with its fuse intact and the transport_code, a CPU card\nwith empty files, its serial number and the transport key; both are named in --key-file. --fault strikes one command,\nas \"12:pulled after\"; --fault list names them.",
			"在虚拟 PC/SC 读卡器（vsmartcard vpcd）中模拟一张卡片，按 Ctrl-C 拔出。对其他程序而言与真卡无异。用 --file 保存卡片内容；\n已有的文件自带芯片类型。新卡为出厂密码的空白卡；给出 --profile 和 --card 时为已发行的卡，其密码取自 --psc-file，密钥取自\n--key-file。给出 --profile 和 --blank 时为厂家交付、待柜台发行的卡：AT88SC102 熔丝未断，密码为 transport_code；CPU 卡文件为空，\n带芯片序列号和传输密钥 transport；二者均取自 --key-file。--fault 使某条命令出错，如 \"12:pulled after\"；--fault list 列出种类。"),
		Example: "  tally sim card\n  tally sim card --file lily.card --profile 'GEN4442 v1' --card 0571-00001234\n  tally sim card --file rose.card --profile 'GENCPU v1' --card 0571-00001235 --key-file keys.toml\n  tally sim card --file new.card --profile 'GEN102 v1' --blank --key-file keys.toml\n  tally sim card --fault '20:pulled before'",
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
	f.StringVar(&s.chip, "chip", s.chip, a.t("`NAME` sle4442, at88sc102, cpu or mifare; of a layout its own", "`名称` sle4442、at88sc102、cpu 或 mifare；有规格时取其芯片"))
	f.StringVar(&s.brand, "reader", s.brand, a.t("`DIALECT` of the reader for an SLE 4442: acs, acs-old, omnikey", "`方言` SLE 4442 所在读卡器：acs、acs-old、omnikey"))
	f.StringVar(&s.file, "file", "", a.t("`FILE` that keeps the card", "`文件` 保存卡片的文件"))
	f.StringVar(&s.layout, "profile", "", a.t("`NAME|FILE` layout of a new card", "`名称|文件` 新卡的规格"))
	f.StringVar(&s.card, "card", "", a.t("`REGION-NUMBER` of a new card", "`区域-卡号` 新卡的卡号"))
	f.StringVar(&s.meter, "meter", "", a.t("`NUMBER` of the meter that a new card is bound to", "`表号` 新卡绑定的表计"))
	f.BoolVar(&s.blank, "blank", false, a.t("a new card is as its maker delivers it, for a counter to issue", "新卡为厂家交付的空白卡，供柜台发行"))
	f.StringVar(&s.serial, "serial", "", a.t("`HEX` serial number of a blank CPU card, 16 digits; any when not given", "`十六进制` 空白 CPU 卡的芯片序列号，16 位；缺省随机"))
	f.BoolVar(&s.water, "water", false, a.t("a new card is for water", "新卡为水卡"))
	f.StringVar(&s.pscFile, "psc-file", "", a.t("`FILE` with the secret code of a new SLE 4442; the factory's when not given", "`文件` 新 SLE 4442 卡的密码文件；缺省为出厂密码"))
	f.StringVar(&s.keyFile, "key-file", "", a.t("`FILE` with the keys of a new card of another chip, not sealed; zeros when not given", "`文件` 其他芯片新卡的密钥文件（未加密）；缺省全为零"))
	f.StringArrayVar(&s.faults, "fault", nil, a.t("`N:KIND` what befalls command number N", "`序号:种类` 第 N 条命令的故障"))
	return c
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
