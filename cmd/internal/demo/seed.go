package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// What the demo starts with. The people are invented; the secret code and the password are printed here because they
// open nothing but this process's own simulation.
const (
	region       = 0x0571
	station      = "演示营业厅 1 号台"
	demoUser     = "clerk"
	demoPassword = "tally-demo"
	priceClass   = "residential"
)

var (
	demoPSC = [3]byte{0xA1, 0xB2, 0xC3}
	utc8    = time.FixedZone("UTC+8", 8*60*60)

	// icMeters are the IC-card meters on the bench, by number.
	icMeters = []string{"20010001", "20010002", "20010004"}

	tariffs = []tariff.Table{{
		Class: priceClass, Version: 1, From: "2026-01-01", PeriodMonths: 12,
		Tiers: []tariff.Tier{{UpTo: 300 * quantity.CubicMetre, Price: 26500}, {Price: 31800}},
	}}
)

// demoCard is a card that lies on the bench at the first start.
type demoCard struct {
	no, meter, label string
	region           uint16
	bought           purse.Amount // an order that is on the card already, not swiped yet; 0 for none
	blank            bool         // as the factory delivers it, to be issued
}

var cards = []demoCard{
	{no: "00001001", meter: "20010001", label: "王秀兰 · 1001", region: region},
	{no: "00001002", meter: "20010002", label: "李建国 · 1002", region: region, bought: 2000},
	{no: "00001003", meter: "20010003", label: "张伟 · 1003", region: region},
	{no: "00001999", meter: "20010999", label: "? · 1999", region: region},
	{no: "00004001", meter: "30010001", label: "0755 · 4001", region: 0x0755},
	{no: "blank-1", label: "空白卡 · blank 1", blank: true},
	{no: "blank-2", label: "空白卡 · blank 2", blank: true},
}

// chip is what a card that never lay on the bench is made of.
func (c demoCard) chip() (cardsim.Options, error) {
	if c.blank {
		return cardsim.Options{}, nil
	}
	image, err := c.image()
	if err != nil {
		return cardsim.Options{}, fmt.Errorf("make card %s: %w", c.no, err)
	}
	return cardsim.Options{PSC: demoPSC[:], Main: image[0x20:]}, nil
}

// image is the card as it was issued, with the order that it carries.
func (c demoCard) image() (purse.Image, error) {
	p, err := profile.Builtin(devices.DefaultProfile)
	if err != nil {
		return nil, err
	}
	image, err := purse.Blank(p, purse.Header{Region: c.region, CardNo: c.no, MeterNo: c.meter, Unit: purse.UnitCentiM3, IssueCount: 1})
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

// accounts are the customers of the demo's utility.
func accounts() []counter.Account {
	account := func(no, name, address, phone string, c demoCard) counter.Account {
		return counter.Account{
			No: no, Name: name, Address: address, Phone: phone, PriceClass: priceClass, PeriodStart: "2026-01-01",
			Card: purse.CardID{Region: c.region, No: c.no}, Meter: c.meter,
			MaxPurchase: 500 * quantity.CubicMetre, Hoard: 600 * quantity.CubicMetre,
		}
	}
	wang := account("100001", "王秀兰", "翠苑一区 12 幢 3 单元 501", "13800010001", cards[0])
	wang.Bought = 295 * quantity.CubicMetre // five cubic metres below the second tier
	li := account("100002", "李建国", "翠苑一区 12 幢 3 单元 502", "13800010002", cards[1])
	li.CardSeq, li.Bought = 1, cards[1].volume()
	zhang := account("100003", "张伟", "文三路 259 号 2 幢 101", "13800010003", cards[2])
	zhang.Locks = []counter.Lock{{
		Reason: "入户安检：软管无管卡，拒绝整改", By: "leader", At: time.Date(2026, 10, 12, 9, 30, 0, 0, utc8),
	}}
	zhao := account("100004", "赵敏", "文三路 259 号 2 幢 102", "13800010004", demoCard{meter: "20010004"}) // no card yet
	zhao.Card = purse.CardID{}
	return []counter.Account{wang, li, zhang, zhao}
}

func (c demoCard) volume() quantity.Volume {
	return quantity.Volume(c.bought) * purse.UnitCentiM3.Litres()
}

// seed opens the accounts and the logins of a store that has none.
func seed(ctx context.Context, store counter.Store) error {
	err := store.View(ctx, func(tx counter.Tx) error {
		_, err := tx.Operator(demoUser)
		return err
	})
	if !errors.Is(err, counter.ErrNotFound) {
		return err
	}
	hash, err := counter.HashPassword(demoPassword)
	if err != nil {
		return err
	}
	operators := []counter.Operator{
		{Name: demoUser, Display: "陈晓", No: 1, Role: counter.Clerk, Password: hash},
		{Name: "leader", Display: "周敏", No: 2, Role: counter.Leader, Password: hash},
	}
	err = store.Update(ctx, func(tx counter.Tx) error {
		for _, a := range accounts() {
			if err := tx.PutAccount(a); err != nil {
				return err
			}
		}
		for _, o := range operators {
			if err := tx.PutOperator(o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	return nil
}
