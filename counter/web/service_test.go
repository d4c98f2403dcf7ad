package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/counter/tariff"
	"tally/counter/web/webtest"
	"tally/meter/quantity"
)

// The page stands on the counter service as it is.
var (
	_ Sales     = (*counter.Service)(nil)
	_ Decisions = (*counter.Service)(nil)
	_ Returns   = (*counter.Service)(nil)
	_ Logins    = (*counter.Service)(nil)
	_ Views     = (*counter.Service)(nil)
)

// serviceHall is the page over the real counter service, with simulated cards and a ledger in memory.
type serviceHall struct {
	*webtest.Page
	readers *countertest.Readers
	card    *countertest.Card
	store   *countertest.Store
}

func newServiceHall(t *testing.T, b *webtest.Browser) *serviceHall {
	power := &countertest.Power{}
	id := purse.CardID{Region: 0x0571, No: "00001234"}
	h := &serviceHall{
		readers: countertest.NewReaders(power, reader), card: countertest.NewCard(id, "10000001"), store: countertest.NewStore(power),
	}
	cost := counter.PasswordCost{Memory: 64, Time: 1, Threads: 1}
	hash, err := cost.Hash(goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Update(t.Context(), func(tx counter.Tx) error {
		return errors.Join(
			tx.PutAccount(counter.Account{No: "100001", Name: "王小明", Address: "文一路 1 号", Phone: "13812345678", PriceClass: "residential", Card: id, Meter: "10000001"}),
			tx.PutOperator(counter.Operator{Name: "chen", Display: "陈静", No: 7, Role: counter.Clerk, Password: hash}),
			tx.PutOperator(counter.Operator{Name: "zhou", Display: "周敏", No: 8, Role: counter.Leader, Password: hash}))
	}); err != nil {
		t.Fatal(err)
	}
	svc, err := counter.New(counter.Options{
		Store: h.store, Open: h.readers.Opener(), Resolve: countertest.Resolve, Station: "C3", StationNo: 3, Region: id.Region, Password: cost,
		Tables: []tariff.Table{{Class: "residential", Version: 1, From: "2026-01-01", PeriodMonths: 12, Tiers: []tariff.Tier{
			{UpTo: 10 * quantity.CubicMetre, Price: 26500}, {Price: 31800}}}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx, h.readers) }()
	f := newFake()
	page, err := New(Options{Sales: svc, Decisions: svc, Returns: svc, Logins: svc, Views: svc, Meters: f, Uplink: f, Station: "C3"})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(page)
	t.Cleanup(func() {
		page.EndStreams()
		srv.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	h.Page = b.Open(t, srv.URL)
	(&window{Page: h.Page}).enter()
	return h
}

func (h *serviceHall) sell(m3 string) {
	h.Wait(`!document.getElementById("amount").readOnly`)
	h.Press(m3 + webtest.Enter)
	h.Wait(`document.querySelector(".quote")`)
	h.Press(webtest.Enter)
}

// What the page shows and what is on the card agree, with the real service between them.
func TestBrowserOnTheService(t *testing.T) {
	b := webtest.Start(t)
	t.Run("sale, meter, next sale", func(t *testing.T) {
		h := newServiceHall(t, b)
		h.readers.Insert(reader, h.card)
		h.WaitText("#desks", "王**")
		h.sell("20.5")
		h.WaitText("#receipt", "伍拾玖元捌角玖分")
		if o := h.card.State().Order; o == nil || o.Qty != 2050 {
			t.Errorf("on the card: %+v", o)
		}
		h.Press(webtest.Escape)
		h.WaitText("#standing", "20.5")
		h.readers.Remove(reader)
		h.WaitText("#desks", "请将用户卡插入读卡器")
		if doc := h.HTML(); strings.Contains(doc, "王**") || strings.Contains(doc, "00001234") {
			t.Error("the customer is still in the document")
		}
		h.card.Swipe()
		h.readers.Insert(reader, h.card)
		h.WaitText("#desks", "已刷表")
		h.sell("1")
		h.WaitText("#receipt", "000002")
	})
	for name, c := range map[string]struct{ key, confirm, where, want string }{
		"doubt: write again": {"w", "", "#receipt", "000001"},
		"doubt: give back":   {"v", webtest.Enter, "#note", "款项退还用户"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newServiceHall(t, b)
			h.readers.Fail(countertest.Fault{Step: "body", Nth: 1, Pull: true})
			h.readers.Insert(reader, h.card)
			h.sell("20")
			h.Wait(`document.querySelector("#note [data-code=write_unknown]")`)
			h.WaitText("#open", "00001234")
			h.readers.Insert(reader, h.card)
			h.WaitText("#standing", "58.30")
			h.Press(c.key)
			if c.confirm != "" {
				h.Wait(`document.getElementById("ask").open`)
				h.Press(c.confirm)
			}
			h.WaitText(c.where, c.want)
			h.WaitText("#open", "没有未结订单")
			if written := h.card.State().Order != nil; written != (c.key == "w") {
				t.Errorf("order on the card: %v", written)
			}
		})
	}
}
