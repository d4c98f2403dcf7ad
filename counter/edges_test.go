package counter_test

import (
	"testing"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/counter"
)

// A ceiling of credit that the card's field cannot hold is left to the counter; it stops no sale.
func TestCeilingThatTheCardCannotHold(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	o.put(func(tx counter.Tx) error {
		a, err := tx.Account(c.no)
		a.Hoard = 1000 * m3 // 100 000 units: two bytes hold 65 535
		if err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
	if _, err := o.sell(p, 100); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	if got := c.meter.Credited(); got != 100 {
		t.Errorf("credited %d", got)
	}
	if _, err := o.sell(p, 100_000); code(err) != counter.CodeOverHoard {
		t.Errorf("over the ceiling: %v", err)
	}
}

// An alarm that one maker's field cannot say as it is set for all cards stops no sale to that maker's cards.
func TestAlarmThatTheCardCannotSay(t *testing.T) {
	for name, unit := range map[string]purse.Unit{"RAW4442 v1": purse.UnitDeciM3, "ADD4442 v1": purse.UnitDeciM3} {
		h := newHall(t, name, unit, 1)
		o, c := h.offices[0], h.client(0)
		o.change = func(opt *counter.Options) { opt.Alarm = 15*m3 + 500 }
		o.restart()
		if _, err := o.sell(o.issue(c), 100); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Where a card has neither sequence nor tag, an older order looks like the newest one. Only the newest is given back.
func TestOlderOrderIsNotRefundedWhereCardsTellNoOrderFromAnother(t *testing.T) {
	h := newHall(t, "RAW4442 v1", purse.UnitDeciM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	first, err := o.sell(p, 100)
	if err != nil {
		t.Fatal(err)
	}
	o.take()
	if got := c.meter.Swipe(p.chip); got != 100 {
		t.Fatalf("credited %d", got)
	}
	second, err := o.sell(p, 250)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.refund(p, first.Order); code(err) != counter.CodeNotLast {
		t.Errorf("an order that the meter took was refunded: %v", err)
	}
	if _, err := o.refund(p, second.Order); err != nil {
		t.Error(err)
	}
	h.law()
}

// A replacement that is told from the old card by its number alone never gets the old number again.
func TestReplacementNeverHasANumberOfADeadCard(t *testing.T) {
	for name, unit := range map[string]purse.Unit{"ADD4442 v1": purse.UnitDeciM3, "INC4442 v1": purse.UnitFen} {
		h := newHall(t, name, unit, 1)
		o, c := h.offices[0], h.client(0)
		old := o.issue(c)
		if _, err := o.sell(old, 100); err != nil {
			t.Fatal(name, err)
		}
		oldNo := o.account(c.no).Card.No
		replace := func(no string) error {
			p := h.blank()
			d := o.insert(p)
			_, err := o.svc.Reissue(bg, o.clerk, o.leader, counter.Reissue{
				Request: o.request(), Reader: d.Reader, Insertion: d.Insertion, Account: c.no, CardNo: no, Cause: counter.CauseFaulty, Reason: "补卡", Swiped: counter.SwipedNo,
			})
			if err == nil {
				c.spent, c.card = append(c.spent, c.card), p
			}
			return err
		}
		if err := replace(oldNo); code(err) != counter.CodeCardTaken {
			t.Errorf("%s: the old number again: %v", name, err)
		}
		if err := replace(""); err != nil {
			t.Fatal(name, err)
		}
		if err := replace(oldNo); code(err) != counter.CodeCardTaken {
			t.Errorf("%s: the number of a dead card: %v", name, err)
		}
		if d := o.insert(old); d.Problem == nil {
			t.Errorf("%s: the old card is taken", name)
		}
	}
}

// Sequences begin again at 0; the order that has it is an order like any other.
func TestReplacementAfterTheSequenceBeganAgain(t *testing.T) {
	h := newHall(t, "ADD4442 v1", purse.UnitDeciM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 100); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	o.atSequence(c, p, 255)
	if _, err := o.sell(p, 70); err != nil {
		t.Fatal(err)
	}
	if a := o.account(c.no); a.CardSeq != 0 || a.Last == nil || a.Last.Qty != 70 {
		t.Fatalf("account %+v, last %+v", a, a.Last)
	}
	fresh := h.blank()
	r, err := o.reissue(c, fresh, counter.CauseFaulty, counter.SwipedNo)
	if err != nil || r.OnCard != 70 {
		t.Fatalf("the order that was paid is not on the new card: %+v %v", r, err)
	}
	c.spent, c.card = append(c.spent, p), fresh
	h.law()
}

// atSequence makes the newest order of a card one of another sequence, on card, meter and in the ledger.
func (o *office) atSequence(c *client, p *plastic, seq uint16) {
	o.h.Helper()
	prof, image := o.h.prof, p.chip.ReadMem()
	for i := range prof.Order.Slots {
		if err := prof.Order.Field(profile.Seq).PutInt(prof.Order.Of(image, i), int64(seq)); err != nil {
			o.h.Fatal(err)
		}
		prof.Seal(prof.Order, image, i)
	}
	if err := p.chip.WriteMem(0x20, image[0x20:]); err != nil {
		o.h.Fatal(err)
	}
	if m, ok := c.meter.(*makersMeter); ok {
		m.seq = int64(seq)
	}
	o.put(func(tx counter.Tx) error {
		a, err := tx.Account(c.no)
		if err != nil {
			return err
		}
		last := *a.Last
		last.Seq = seq
		a.CardSeq, a.Last = seq, &last
		return tx.PutAccount(a)
	})
}

// A meter that was overdrawn takes its debt along to the next one: it comes off what lay on the card.
func TestMeterChangeTakesTheOverdraftOff(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	o.change = func(opt *counter.Options) { opt.Overdraft = 2 * m3 }
	o.restart()
	p := o.issue(c)
	if _, err := o.sell(p, 500); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	c.meter.Use(650)
	c.meter.Swipe(p.chip)
	st, err := purse.Decode(h.prof, p.chip.ReadMem())
	if err != nil || st.WriteBack.Remaining != -150 {
		t.Fatalf("%+v %v", st.WriteBack, err)
	}
	if _, err := o.sell(p, 400); err != nil {
		t.Fatal(err)
	}
	if r, err := o.changeMeter(p, "20000001", 0); err != nil || r.OnCard != 250 {
		t.Fatalf("%+v %v", r, err)
	}
	c.old, c.meter = append(c.old, c.meter), h.meter(20000001)
	h.law()
}

// A limit for one purchase holds for a card that carries money too: what it buys in the first tier.
func TestLimitOfAPurchaseOnAMoneyCard(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitFen, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	o.put(func(tx counter.Tx) error {
		a, err := tx.Account(c.no)
		a.MaxPurchase = 10 * m3 // 26.50 yuan
		if err != nil {
			return err
		}
		return tx.PutAccount(a)
	})
	if _, err := o.sell(p, 2651); code(err) != counter.CodeOverLimit {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := o.sell(p, 2650); err != nil {
		t.Errorf("at the limit: %v", err)
	}
}

// A card that was reported lost gets nothing written on it, not even an order that was paid before.
func TestOrderInDoubtIsNotWrittenOnALostCard(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	d := o.insert(p)
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: 3000}
	q, err := o.svc.Quote(bg, o.clerk, a)
	if err != nil {
		t.Fatal(err)
	}
	p.tap.arm(9, pulled)
	_, err = o.svc.Sell(bg, o.clerk, counter.Sell{Request: o.request(), Ask: a, Volume: q.Volume, Amount: q.Amount})
	order := o.lastOrder()
	if order.State != counter.InDoubt {
		t.Fatalf("order %s: %v", order.State, err)
	}
	if err := o.svc.ReportLost(bg, o.clerk, c.no, true, "丢了"); err != nil {
		t.Fatal(err)
	}
	before := p.chip.ReadMem()
	if d = o.insert(p); d.InDoubt == nil {
		t.Fatalf("desk %+v", d)
	}
	if _, err := o.svc.Retry(bg, o.clerk, order.ID); code(err) != counter.CodeCardLost {
		t.Errorf("written on a lost card: %v", err)
	}
	if got := p.chip.ReadMem(); string(got) != string(before) {
		t.Error("the card changed")
	}
	if err := o.svc.ReportLost(bg, o.clerk, c.no, false, "找到了"); err != nil {
		t.Fatal(err)
	}
	o.insert(p)
	if _, err := o.svc.Retry(bg, o.clerk, order.ID); err != nil {
		t.Error(err)
	}
	h.law()
}

// The ledger saw that the meter had taken the order: an older image of the card proves nothing any more.
func TestNoMakeUpOfAnOrderThatWasSeenTaken(t *testing.T) {
	h := newHall(t, "GEN4442 v1", purse.UnitCentiM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 100); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	before := p.chip.ReadMem()
	if _, err := o.sell(p, 200); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	o.insert(p)
	o.take()
	if err := p.chip.WriteMem(0x20, before[0x20:]); err != nil {
		t.Fatal(err)
	}
	d := o.insert(p)
	if _, err := o.svc.MakeUp(bg, o.clerk, counter.MakeUp{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion}); code(err) != counter.CodeSwiped {
		t.Errorf("made up: %v", err)
	}
}

// Without a sequence and without a total a meter that took the order would take it once more.
func TestNoMakeUpWhereAMeterWouldTakeItTwice(t *testing.T) {
	h := newHall(t, "RAW4442 v1", purse.UnitDeciM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	if _, err := o.sell(p, 100); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	before := p.chip.ReadMem()
	if _, err := o.sell(p, 200); err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	if err := p.chip.WriteMem(0x20, before[0x20:]); err != nil {
		t.Fatal(err)
	}
	d := o.insert(p)
	if _, err := o.svc.MakeUp(bg, o.clerk, counter.MakeUp{Request: o.request(), Reader: d.Reader, Insertion: d.Insertion}); code(err) != counter.CodeNoProof {
		t.Errorf("made up: %v", err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	h.law()
}
