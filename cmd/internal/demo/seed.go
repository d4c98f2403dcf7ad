package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tally/cardreader/purse"
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
	waterClass   = "residential-water"
)

var (
	utc8 = time.FixedZone("UTC+8", 8*60*60)

	tariffs = []tariff.Table{{
		Class: priceClass, Version: 1, From: "2026-01-01", PeriodMonths: 12,
		Tiers: []tariff.Tier{{UpTo: 300 * quantity.CubicMetre, Price: 26500}, {Price: 31800}},
	}, {
		Class: waterClass, Version: 1, From: "2026-01-01", PeriodMonths: 12,
		Tiers: []tariff.Tier{{UpTo: 216 * quantity.CubicMetre, Price: 29000}, {UpTo: 300 * quantity.CubicMetre, Price: 38500}, {Price: 67000}},
	}}
)

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
	sun := account("100005", "孙丽", "古墩路 88 号 5 幢 301", "13800010005", cards[3])
	zhou := account("100006", "周强", "古墩路 88 号 5 幢 302", "13800010006", cards[4])
	wu := account("100007", "吴桂芳", "古墩路 88 号 5 幢 303", "13800010007", cards[5])
	wu.Water, wu.PriceClass, wu.Bought = true, waterClass, 210*quantity.CubicMetre // six cubic metres below the second tier
	return []counter.Account{wang, li, zhang, zhao, sun, zhou, wu}
}

func (c demoCard) volume() quantity.Volume {
	return quantity.Volume(c.bought) * purse.UnitCentiM3.Litres()
}

// seed opens the accounts and the logins that a store does not have: all of a new one, those that are newer than the demo
// that made an old one.
func seed(ctx context.Context, store counter.Store) error {
	var missing []counter.Account
	err := store.View(ctx, func(tx counter.Tx) error {
		for _, a := range accounts() {
			switch _, err := tx.Account(a.No); {
			case errors.Is(err, counter.ErrNotFound):
				missing = append(missing, a)
			case err != nil:
				return err
			}
		}
		return nil
	})
	if err != nil || len(missing) == 0 {
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
		for _, a := range missing {
			if err := tx.PutAccount(a); err != nil {
				return err
			}
		}
		for _, o := range operators {
			if _, err := tx.Operator(o.Name); !errors.Is(err, counter.ErrNotFound) {
				if err != nil {
					return err
				}
				continue
			}
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
