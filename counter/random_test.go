package counter_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/meter/quantity"
)

// day is a day at the counter in random order: customers come and go, cards are pulled and swiped, the disk refuses, the
// power is cut. The law is checked after each act.
type day struct {
	*world
	acts     int
	requests []counter.Sell
	answers  map[string]counter.Receipt
}

func (d *day) request() string {
	d.acts++
	return fmt.Sprintf("random-request-%06d", d.acts)
}

// settledDesks waits until no desk is at work and each shows the card that lies there.
func (d *day) settledDesks() []counter.Desk {
	idle := func(v counter.Desk) bool {
		return v.Insertion == d.readers.Current(v.Reader) && v.Phase != counter.Reading && v.Phase != counter.Writing
	}
	return []counter.Desk{d.desk(reader, idle), d.desk(reader2, idle)}
}

func (d *day) someDesk(t *rapid.T) counter.Desk {
	return rapid.SampledFrom(d.settledDesks()).Draw(t, "desk")
}

func (d *day) someCard(t *rapid.T) *countertest.Card {
	return d.cards[rapid.SampledFrom([]purse.CardID{wang, li}).Draw(t, "card")]
}

// heard checks an answer that the clerk got.
func (d *day) heard(r counter.Receipt, err error) {
	d.t.Helper()
	switch {
	case err == nil && d.order(r.Order).State != counter.Done:
		d.t.Errorf("receipt %d for an order that is %s", r.No, d.order(r.Order).State)
	case err == nil:
		d.answers[r.Order] = r
	case code(err) == counter.CodeInternal && !d.power.Dead():
		d.t.Errorf("answered with %v", err)
	}
}

func (d *day) insert(t *rapid.T) {
	card, at := d.someCard(t), d.someDesk(t)
	for _, v := range d.settledDesks() {
		if v.Card != nil && v.Card.Card == card.ID {
			d.readers.Remove(v.Reader)
		}
	}
	d.readers.Insert(at.Reader, card)
	d.settledDesks()
}

func (d *day) sell(t *rapid.T) {
	at := d.someDesk(t)
	v := quantity.Volume(rapid.IntRange(1, 900).Draw(t, "dm3")) * 100
	r, err := d.ask(at, d.request(), v)
	if err != nil {
		d.heard(counter.Receipt{}, err)
		return
	}
	d.requests = append(d.requests, r)
	d.heard(d.svc.Sell(bg, d.clerk, r))
}

// again sends an earlier request once more.
func (d *day) again(t *rapid.T) {
	if len(d.requests) == 0 {
		return
	}
	r := rapid.SampledFrom(d.requests).Draw(t, "request")
	got, err := d.svc.Sell(bg, d.clerk, r)
	d.heard(got, err)
	if before, ok := d.answers[got.Order]; ok && err == nil && before.No != got.No {
		d.t.Errorf("request %s had receipt %d, now %d", r.Request, before.No, got.No)
	}
}

func (d *day) decide(t *rapid.T) {
	for _, v := range d.settledDesks() {
		if v.InDoubt == nil {
			continue
		}
		if rapid.Bool().Draw(t, "retry") {
			d.heard(d.svc.Retry(bg, d.clerk, v.InDoubt.ID))
		} else if err := d.svc.Void(bg, d.clerk, v.InDoubt.ID); err != nil {
			d.heard(counter.Receipt{}, err)
		}
	}
}

func (d *day) refundLast(t *rapid.T) {
	orders := d.store.Orders()
	if len(orders) == 0 {
		return
	}
	o := orders[len(orders)-1-rapid.IntRange(0, min(2, len(orders)-1)).Draw(t, "order")]
	d.heard(d.refund(d.someDesk(t), o.ID, d.request()))
}

func (d *day) makeUpNothing(t *rapid.T) {
	at := d.someDesk(t)
	_, err := d.svc.MakeUp(bg, d.clerk, counter.MakeUp{Request: d.request(), Reader: at.Reader, Insertion: at.Insertion})
	if err == nil {
		d.t.Error("an order was made up that no card had lost")
	}
	d.heard(counter.Receipt{}, err)
}

func (d *day) meter(t *rapid.T) {
	card := d.someCard(t)
	for _, v := range d.settledDesks() {
		if v.Card != nil && v.Card.Card == card.ID {
			d.readers.Remove(v.Reader)
		}
	}
	card.Swipe()
}

func (d *day) fault(t *rapid.T) {
	f := countertest.Fault{
		Step: rapid.SampledFrom([]string{"open", "read", "invalidate", "body", "commit", "verify"}).Draw(t, "step"), Nth: 1,
		Effect: rapid.Bool().Draw(t, "effect"), Pull: rapid.Bool().Draw(t, "pull"),
	}
	if rapid.Bool().Draw(t, "says not sent") {
		f.Err = notSent()
	}
	d.readers.Fail(f)
}

func (d *day) disk(t *rapid.T) {
	from, n := rapid.IntRange(1, 4).Draw(t, "from"), rapid.IntRange(1, 3).Draw(t, "commits")
	d.store.FailUpdates(func(i int) error {
		if i >= from && i < from+n {
			return errors.New("no space left on device")
		}
		return nil
	})
}

// killed cuts the power some steps from now, does something, and starts again.
func (d *day) killed(t *rapid.T) {
	d.power.CutAt(rapid.IntRange(1, 9).Draw(t, "steps"), rapid.Bool().Draw(t, "after"))
	rapid.SampledFrom([]func(*rapid.T){d.sell, d.decide, d.refundLast, d.insert}).Draw(t, "act")(t)
	d.readers.ClearFaults()
	d.store.FailUpdates(nil)
	d.restart()
}

func TestLawUnderRandomActs(t *testing.T) {
	acts := 0
	rapid.Check(t, func(t *rapid.T) {
		d := &day{world: newWorld(t), answers: map[string]counter.Receipt{}}
		t.Repeat(map[string]func(*rapid.T){
			"insert": d.insert, "insert again": d.insert, "sell": d.sell, "sell more": d.sell, "again": d.again, "decide": d.decide, "refund": d.refundLast,
			"make up": d.makeUpNothing, "meter": d.meter, "fault": d.fault, "disk": d.disk, "killed": d.killed,
			"remove": func(t *rapid.T) { d.readers.Remove(d.someDesk(t).Reader) },
			"": func(*rapid.T) {
				acts++
				d.settledDesks()
				d.law()
			},
		})
		d.readers.ClearFaults()
		d.store.FailUpdates(nil)
		d.readers.Remove(reader2)
		for _, c := range d.cards { // at the end of the day every card comes back once
			settleReal(d.world, d.insertAt(reader, c), true)
		}
		d.closeAll(counter.Desk{}, true)
	})
	t.Logf("%d acts", acts)
}
