package demo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/cardsim/issued"
	"tally/cardreader/keyfile"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
	"tally/counter"
)

// Layouts of the demo's cards; blank ones become the first.
const (
	onCPU = "GENCPU v1"
	on102 = "GEN102 v1"
)

var (
	demoPSC = [3]byte{0xA1, 0xB2, 0xC3}

	// demoKeys are those of the other chips. They open nothing but this process's own simulation.
	demoKeys = map[string]string{
		"vend": "7461c36c79206465a16f2076656e6421", "line": "7461c36c79206465a16f206c696e6521",
		"code": "5e1f", "erase_1": "d1e2f3041526", "erase_2": "9a8b7c6d",
	}
)

// demoCard is a card that lies on the bench at the first start.
type demoCard struct {
	no, meter, label string
	region           uint16
	layout           string       // empty: of the node's default
	bought           purse.Amount // an order that is on the card already, not swiped yet; 0 for none
	blank            bool         // as the factory delivers it, to be issued
	water            bool         // for water, not gas
}

var cards = []demoCard{
	{no: "00001001", meter: "20010001", label: "王秀兰 · 1001", region: region},
	{no: "00001002", meter: "20010002", label: "李建国 · 1002", region: region, bought: 2000},
	{no: "00001003", meter: "20010003", label: "张伟 · 1003", region: region},
	{no: "00001005", meter: "20010005", label: "孙丽 · 1005 · CPU", region: region, layout: onCPU},
	{no: "00001006", meter: "20010006", label: "周强 · 1006 · AT88SC102", region: region, layout: on102},
	{no: "00001007", meter: "20010007", label: "吴桂芳 · 1007 · 水", region: region, water: true},
	{no: "00001999", meter: "20010999", label: "? · 1999", region: region},
	{no: "00004001", meter: "30010001", label: "0755 · 4001", region: 0x0755},
	{no: "blank-1", label: "空白卡 · blank 1", blank: true},
	{no: "blank-2", label: "空白卡 · blank 2", blank: true},
}

// in opens the card in its file, or makes it there.
func (c demoCard) in(file string) (*cardsim.Kept, error) {
	k, err := cardsim.OpenKept(file, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if c.blank {
		_, err = cardsim.OpenFile(file, cardsim.Options{})
	} else {
		err = c.make(file)
	}
	if err != nil {
		return nil, fmt.Errorf("make card %s: %w", c.no, err)
	}
	return cardsim.OpenKept(file, nil)
}

func (c demoCard) make(file string) error {
	image, err := c.image()
	if err != nil {
		return err
	}
	if c.layout == "" {
		_, err = cardsim.OpenFile(file, cardsim.Options{PSC: demoPSC[:], Main: image[0x20:]})
		return err
	}
	p, err := c.profile()
	if err != nil {
		return err
	}
	keys, err := keyfile.Parse(demoKeys)
	if err != nil {
		return err
	}
	card, err := issued.New(p, image, issued.Keys{Others: keys})
	if err == nil {
		_, err = cardsim.Keep(file, card.Device)
	}
	return err
}

func (c demoCard) profile() (*profile.Profile, error) {
	if c.layout == "" {
		return profile.Builtin(devices.DefaultProfile)
	}
	return profile.Builtin(c.layout)
}

// image is the card as it was issued, with the order that it carries.
func (c demoCard) image() (purse.Image, error) {
	p, err := c.profile()
	if err != nil {
		return nil, err
	}
	serial, err := hex.DecodeString("20260000" + c.no) // of a chip that has one
	if err != nil {
		return nil, err
	}
	image, err := purse.Blank(p, purse.Header{
		Region: c.region, CardNo: c.no, MeterNo: c.meter, Unit: purse.UnitCentiM3, Water: c.water, IssueCount: 1, Serial: [8]byte(serial),
	})
	if err != nil || c.bought == 0 {
		return image, err
	}
	st, err := purse.Decode(p, image)
	if err != nil {
		return nil, err
	}
	plan, err := purse.Make(p, st, purse.Order{
		Tag: counter.TagOf("demo-" + c.no), Op: purse.OpBuy, Qty: c.bought, Price: tariffs[0].Tiers[0].Price, Tier: 1,
		At: time.Date(2026, 11, 1, 10, 0, 0, 0, utc8),
	})
	return plan.After, err
}

// icMeter is an IC-card meter on the bench.
type icMeter struct {
	number, layout string
	water          bool
}

var icMeters = []icMeter{
	{number: "20010001", layout: icmeter.GEN4442}, {number: "20010002", layout: icmeter.GEN4442}, {number: "20010004", layout: icmeter.GEN4442},
	{number: "20010005", layout: icmeter.GENCPU}, {number: "20010006", layout: icmeter.GEN102}, {number: "20010007", layout: icmeter.GEN4442, water: true},
}

// meter is the meter as it was left, or a new one.
func (m icMeter) meter(left *icmeter.Meter) (*icmeter.Meter, error) {
	if left != nil {
		return left, nil
	}
	return icmeter.NewOf(m.layout, m.number, region, icmeter.CentiM3)
}

// cards is the layout of its cards.
func (m icMeter) cards() (*profile.Profile, error) { return profile.Builtin(m.layout + " v1") }

// cardsConfig is what the node knows of cards, its keys sealed in the demo's folder as those of an office are.
func cardsConfig(dir string) (config.Cards, error) {
	c := config.Cards{
		Dialect: config.DialectACS, PSC: config.NewSecret(fmt.Sprintf("%X", demoPSC)), Profiles: []string{devices.DefaultProfile, onCPU, on102},
		KeyFile: filepath.Join(dir, "cards.keys"), MachineKey: filepath.Join(dir, "machine.key"),
	}
	keys, err := keyfile.Parse(demoKeys)
	if err != nil {
		return c, err
	}
	opener, err := keyfile.MachineKey(c.MachineKey)
	if err != nil {
		return c, err
	}
	sealed, err := keyfile.Seal(keys, opener)
	if err == nil {
		err = os.WriteFile(c.KeyFile, sealed, 0o600)
	}
	if err != nil {
		return c, fmt.Errorf("seal the demo's keys: %w", err)
	}
	return c, nil
}
