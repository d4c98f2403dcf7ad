package web

import (
	"context"
	"fmt"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
)

// deed notes what was asked, and returns the refusal set up for the method.
func (f *fake) deed(method, format string, args ...any) error {
	if err := f.did(method); err != nil {
		return err
	}
	f.change(func() { f.deeds = append(f.deeds, method+" "+fmt.Sprintf(format, args...)) })
	return nil
}

func (f *fake) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.deeds...)
}

func reasoned(reason string) error {
	if reason == "" {
		return &counter.Refusal{Code: counter.CodeReasonNeeded}
	}
	return nil
}

func (f *fake) Decide(_ context.Context, s counter.Session, order string, d counter.Decision, reason string) error {
	if err := reasoned(reason); err != nil {
		return err
	}
	if err := f.deed("Decide", "%s %s %s %s", s.Operator, order, d, reason); err != nil {
		return err
	}
	f.change(func() { f.open = nil })
	return nil
}

func (f *fake) Lock(_ context.Context, s counter.Session, account, reason string) error {
	if err := reasoned(reason); err != nil {
		return err
	}
	return f.deed("Lock", "%s %s %s", s.Operator, account, reason)
}

func (f *fake) Unlock(_ context.Context, s counter.Session, account string, at time.Time, reason string) error {
	if err := reasoned(reason); err != nil {
		return err
	}
	return f.deed("Unlock", "%s %s %s %s", s.Operator, account, at.Format(time.RFC3339Nano), reason)
}

// Refund wants, like the real one, two live sessions of different people.
func (f *fake) Refund(ctx context.Context, s, approver counter.Session, r counter.Refund) (counter.Receipt, error) {
	f.mu.Lock()
	_, live := f.sessions[approver.Token]
	known, again := f.sold[r.Request]
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return counter.Receipt{}, ctx.Err()
		}
	}
	switch {
	case !live:
		return counter.Receipt{}, &counter.Refusal{Code: counter.CodeNoSession}
	case s.Operator == approver.Operator:
		return counter.Receipt{}, &counter.Refusal{Code: counter.CodeOwnRequest}
	case again:
		return known, nil
	}
	if err := reasoned(r.Reason); err != nil {
		return counter.Receipt{}, err
	}
	err := f.deed("Refund", "%s %s %s %d %s %s", s.Operator, approver.Operator, r.Reader, r.Insertion, r.Order, r.Reason)
	if err != nil {
		return counter.Receipt{}, err
	}
	q, _ := quote(counter.Ask{Volume: 20000})
	back := receiptOf(q, 31)
	back.Account.Water = f.water
	back.Op, back.Volume, back.Amount, back.Capitals = purse.OpRefund, -q.Volume, -q.Amount, "负伍拾捌元叁角整"
	for i := range back.Lines {
		back.Lines[i].Volume, back.Lines[i].Amount = -back.Lines[i].Volume, -back.Lines[i].Amount
	}
	f.change(func() { f.sold[r.Request], f.receipts[back.Order] = back, back })
	return back, nil
}

func (f *fake) MakeUp(_ context.Context, s counter.Session, m counter.MakeUp) (counter.Receipt, error) {
	if err := f.deed("MakeUp", "%s %s %d", s.Operator, m.Reader, m.Insertion); err != nil {
		return counter.Receipt{}, err
	}
	r := receiptOf(counter.Quote{Volume: 20000}, 32)
	r.Op, r.Capitals, r.Account.Water = purse.OpMakeUp, "零元整", f.water
	return r, nil
}

// quarantined is an order whose card lies on the desk and fits neither before nor after.
func quarantined(seller string) (counter.Desk, counter.Order) {
	d, o := doubted()
	o.State, o.Operator, o.Op, o.Unit = counter.Quarantined, seller, purse.OpBuy, purse.UnitDeciM3
	o.Plan.Seq, o.Plan.Cumulative = 8, 1323
	d.InDoubt, d.Problem = nil, &counter.Refusal{Code: counter.CodeQuarantine, Args: map[string]string{"order": o.ID}}
	return d, o
}

// unswiped is a desk whose card carries an order that the meter has not taken.
func unswiped(n int) (counter.Desk, counter.Order) {
	d := inserted(insertion(n), false)
	o := counter.Order{
		ID: "01J9ZX3K5QREFUND000000001", Op: purse.OpBuy, State: counter.Done, Account: "0100001234", Card: d.Card.Card, Operator: "chen",
		EndAt: start.Add(-time.Hour), Volume: 20000, Amount: 5830, Receipt: 30, Plan: purse.Plan{Seq: 7, Before: purse.Image{1}, After: purse.Image{2}},
	}
	d.Last = &o
	return d, o
}

// lostOrder is a desk whose card has lost its last order.
func lostOrder(n int) counter.Desk {
	d, o := unswiped(n)
	o.Plan.Seq = 8
	d.Card.Swiped = true
	d.Last, d.Problem = &o, &counter.Refusal{Code: counter.CodeCardBehind, Args: map[string]string{"card": "7", "ledger": "8"}}
	return d
}

func (f *fake) Take(_ context.Context, s counter.Session, order string) error {
	return f.deed("Take", "%s %s", s.Operator, order)
}
