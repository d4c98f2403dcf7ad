package cli_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
)

// The fake node's journal: a sale that is done, and in the ill node one without an end beside one for the leader.

func (n fakeNode) CardOrders(_ context.Context, c purse.CardID, most int) ([]control.CardOrder, error) {
	if c.No != "00001234" {
		return nil, nil
	}
	end := at.Add(2 * time.Second)
	before := at.AddDate(0, -1, 0)
	orders := []control.CardOrder{
		{ID: "o-7", Op: purse.OpBuy, State: counter.Done, Card: c, Account: "10001", IntentAt: at, EndAt: &end, Unit: purse.UnitCentiM3, Seq: 7, Tag: purse.Tag{1, 2, 3},
			Quantity: 1250, Volume: 12500, Amount: 3313, Receipt: 42, Image: fakeImage(1250)},
		{ID: "o-6", Op: purse.OpBuy, State: counter.Void, Card: c, Account: "10001", IntentAt: before, EndAt: &before, Unit: purse.UnitCentiM3, Seq: 7,
			Quantity: 1000, Volume: 10000, Amount: 2650, Doubted: true},
	}
	return orders[:min(most, len(orders))], nil
}

func (n fakeNode) OpenOrders(context.Context) ([]control.CardOrder, error) {
	if n != "ill" {
		return nil, nil
	}
	o := control.CardOrder{ID: "o-8", Op: purse.OpBuy, State: counter.InDoubt, Card: purse.CardID{Region: 0x0571, No: "00001234"}, Account: "10001", IntentAt: at,
		Unit: purse.UnitCentiM3, Quantity: 1000, Volume: 10000, Amount: 2650, Why: "card_removed", Verdict: purse.NotDone}
	away, quarantined := o, o
	away.ID, away.Verdict, away.Why = "o-9", "", "readback_mismatch"
	quarantined.ID, quarantined.State, quarantined.Verdict = "o-10", counter.Quarantined, purse.Unclear
	return []control.CardOrder{o, away, quarantined}, nil
}

func (n fakeNode) LookAgain(_ context.Context, reader string) error {
	if reader != "ACS ACR39U ICC Reader 00 00" {
		return errors.New("asked for another reader")
	}
	if n == "ill" {
		return &control.Error{Code: control.CodeDeskBusy, Message: "busy"}
	}
	return nil
}

func (n fakeNode) WatchCards(ctx context.Context, emit func(control.CardEvent) error) error {
	events := []control.CardEvent{
		{At: at, Kind: control.ReaderAdded, Reader: "ACS ACR39U ICC Reader 00 00"},
		{At: at.Add(time.Second), Kind: control.CardInserted, Reader: "ACS ACR39U ICC Reader 00 00", ATR: "3b04a2131091"},
		{At: at.Add(2 * time.Second), Kind: control.CardRead, Reader: "ACS ACR39U ICC Reader 00 00", Card: "0571-00001234", Meter: "00045678"},
		{At: at.Add(3 * time.Second), Kind: control.CardRemoved, Reader: "ACS ACR39U ICC Reader 00 00"},
		{At: at.Add(4 * time.Second), Kind: control.CardInserted, Reader: "\x1b[31mbad"},
		{At: at.Add(5 * time.Second), Kind: control.CardFailed, Reader: "\x1b[31mbad", Problem: "card_mute"},
		{At: at.Add(6 * time.Second), Kind: control.CardRead, Reader: "OMNIKEY 3x21 00 00", Card: "0571-00009999", Problem: "not_swiped"},
		{At: at.Add(7 * time.Second), Kind: control.ReaderRemoved, Reader: "OMNIKEY 3x21 00 00"},
	}
	for _, e := range events {
		if err := emit(e); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// fakeImage is the fake card with an order.
func fakeImage(qty purse.Amount) purse.Image {
	p, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		panic(err)
	}
	image, err := purse.Blank(p, purse.Header{Region: 0x0571, CardNo: "00001234", MeterNo: "00045678", Unit: purse.UnitCentiM3, IssueCount: 1})
	if err != nil {
		panic(err)
	}
	st, err := purse.Decode(p, image)
	if err != nil {
		panic(err)
	}
	plan, err := purse.Make(p, st, purse.Order{Op: purse.OpBuy, Qty: qty, Price: 26500, Tier: 1, At: at, Tag: purse.Tag{1, 2, 3}})
	if err != nil {
		panic(err)
	}
	return plan.After
}

// fakeReadersOnly are the readers of a machine without a node. They read the fake card by a layout when one is named.
type fakeReadersOnly struct {
	fakeNode
	layout *profile.Profile
}

func (r fakeReadersOnly) Card(ctx context.Context, reader string) (control.Card, error) {
	c, err := r.fakeNode.Card(ctx, reader)
	c.Customer = nil // no node, no accounts
	if r.layout == nil || err != nil {
		return c, err
	}
	image := c.State.Image
	if c.State, err = purse.Decode(r.layout, image); err != nil {
		c.State = purse.State{Profile: r.layout.Name, Image: image}
	}
	return c, err
}

// layoutFile is `layout FILE [OLD NEW]…`: the shipped GEN4442 layout in a file, as an integrator changed it.
func layoutFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args)%2 != 1 {
		ts.Fatalf("usage: layout FILE [OLD NEW]…")
	}
	text, err := os.ReadFile("../../../cardreader/profile/gen4442v1.toml")
	ts.Check(err)
	changed := string(text)
	for i := 1; i < len(args); i += 2 {
		if !strings.Contains(changed, args[i]) {
			ts.Fatalf("the layout has no %q", args[i])
		}
		changed = strings.Replace(changed, args[i], args[i+1], 1)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(changed), 0o600))
}
