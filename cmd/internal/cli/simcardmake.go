package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// simDevice is the card that is meant, with its faults: the one in the file, or a new one.
func (a *app) simDevice(c *cobra.Command, s simulated) (cardsim.Device, error) {
	var faults []cardsim.Fault
	for _, text := range s.faults {
		f, err := a.simFault(c, text)
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	brands := map[string]func(*cardsim.SLE4442) cardsim.Device{
		config.DialectACS: cardsim.ACS, config.DialectOldACS: cardsim.OldACS, config.DialectOmnikey: cardsim.OMNIKEY,
	}
	brand, ok := brands[s.brand]
	if !ok {
		return nil, a.usage(c, "--reader cannot be %q", "--reader 不能为 %q", s.brand)
	}
	dev, err := a.simChip(c, s, brand)
	if err != nil {
		return nil, err
	}
	return cardsim.Script(dev, faults...), nil
}

// simChip opens the card in the file, or makes one and puts it there.
func (a *app) simChip(c *cobra.Command, s simulated, brand func(*cardsim.SLE4442) cardsim.Device) (cardsim.Device, error) {
	if s.blank || s.serial != "" {
		return a.simBlank(c, s, brand)
	}
	p, image, err := a.simImage(c, &s)
	if err != nil {
		return nil, err
	}
	if dev, err := keptChip(s, brand); dev != nil || err != nil {
		return dev, err
	}
	keys, err := a.simKeys(s)
	if err != nil {
		return nil, err
	}
	switch {
	case s.chip == chipSLE4442:
		return a.newSLE4442(s, keys, image, brand)
	case p != nil:
		card, err := issued.New(p, image, keys)
		if err != nil {
			return nil, &failure{ExitUsage, plain(err.Error()), ""}
		}
		return keptIn(s.file, card.Device)
	case s.chip == chipAT88SC102:
		return keptIn(s.file, cardsim.ACS102(cardsim.NewAT88SC102(cardsim.AT88SC102Options{})))
	case s.chip == chipCPU:
		return keptIn(s.file, cardsim.NewCOS(cardsim.COSOptions{}))
	case s.chip == chipMifare:
		return keptIn(s.file, newMifare(keys))
	}
	return nil, a.usage(c, "--chip cannot be %q", "--chip 不能为 %q", s.chip)
}

// keptIn is a new card in a file, or in memory only when none is named.
func keptIn(file string, d cardsim.Device) (cardsim.Device, error) {
	if file == "" {
		return d, nil
	}
	k, err := cardsim.Keep(file, d)
	return k, refusedFile(err)
}

func refusedFile(err error) error {
	if err == nil {
		return nil
	}
	return &failure{ExitRefused, plain(err.Error()), ""}
}

func newMifare(k issued.Keys) cardsim.Device {
	var o cardsim.MifareOptions
	a, _ := k.Others.Get("block_a")
	b, _ := k.Others.Get("block_b")
	copy(o.A[:], a)
	copy(o.B[:], b)
	return cardsim.NewMifare(o)
}

func (a *app) newSLE4442(s simulated, k issued.Keys, image []byte, brand func(*cardsim.SLE4442) cardsim.Device) (cardsim.Device, error) {
	o := cardsim.Options{PSC: k.PSC}
	if image != nil {
		o.Main = image[0x20:]
	}
	if s.file == "" {
		return brand(cardsim.NewSLE4442(o)), nil
	}
	chip, err := cardsim.OpenFile(s.file, o)
	if err != nil {
		return nil, refusedFile(err)
	}
	return brand(chip), nil
}

// simKeys are the codes and keys of a new card.
func (a *app) simKeys(s simulated) (k issued.Keys, err error) {
	if s.pscFile != "" {
		psc, err := readPSC(s.pscFile)
		if err != nil {
			return k, &failure{ExitUsage, a.f("no secret code in %s: %v", "%s 中没有卡密码：%v", s.pscFile, err), ""}
		}
		k.PSC = psc[:]
	}
	if s.keyFile == "" {
		return k, nil
	}
	data, err := os.ReadFile(s.keyFile)
	if err == nil {
		k.Others, err = keyfile.Plain(data)
	}
	if err != nil {
		return k, &failure{ExitUsage, a.f("no keys in %s: %v", "%s 中没有密钥：%v", s.keyFile, err), ""}
	}
	return k, nil
}

// simImage is what lies on a new card, nil for a blank one. A layout says which chip it is for.
func (a *app) simImage(c *cobra.Command, s *simulated) (*profile.Profile, []byte, error) {
	if s.layout == "" && s.card == "" {
		return nil, nil, nil
	}
	p, err := a.layout(s.layout)
	if err != nil {
		return nil, nil, err
	}
	card, err := control.ParseCardID(s.card)
	if p != nil && !c.Flags().Changed("chip") {
		s.chip = p.Chip.Type
	}
	if p == nil || err != nil || s.chip != p.Chip.Type {
		return nil, nil, a.usage(c, "an issued card wants --profile of its --chip, and --card REGION-NUMBER", "已发行的卡须给出与 --chip 相符的 --profile 和 --card 区域-卡号")
	}
	image, err := purse.Blank(p, purse.Header{
		Region: card.Region, CardNo: card.No, MeterNo: s.meter, Unit: unitOf(p), Water: s.water, IssueCount: 1, Serial: serialOf(card.No),
	})
	if err != nil {
		return nil, nil, &failure{ExitUsage, plain(err.Error()), ""}
	}
	return p, image, nil
}

// unitOf is what cards of a layout count in where nobody says it.
func unitOf(p *profile.Profile) purse.Unit {
	if p.Rules.Unit != profile.UnitFlag {
		return purse.Unit(p.Rules.Unit)
	}
	return purse.UnitCentiM3
}

// serialOf makes up a chip's serial number: no two cards of a utility have the same.
func serialOf(cardNo string) (serial [8]byte) {
	b, _ := hex.DecodeString(fmt.Sprintf("%016s", cardNo[max(0, len(cardNo)-16):])) // digits are hex
	copy(serial[:], b)
	return serial
}

// readPSC reads six hexadecimal digits; an error never shows them.
func readPSC(file string) (psc sle4442.PSC, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return psc, err
	}
	return sle4442.ParsePSC(strings.TrimSpace(string(raw)))
}

// keptChip is the chip in the file, nil when there is none yet.
func keptChip(s simulated, brand func(*cardsim.SLE4442) cardsim.Device) (cardsim.Device, error) {
	if s.file == "" {
		return nil, nil
	}
	dev, err := cardsim.OpenKept(s.file, brand)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refusedFile(err)
	}
	return dev, nil
}
