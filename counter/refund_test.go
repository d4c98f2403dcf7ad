package counter_test

import (
	"fmt"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
)

// unswiped sells 10 m³ to Wang; the card stays on the reader, and the meter has not seen it.
func (w *world) unswiped() (counter.Desk, counter.Receipt) {
	w.t.Helper()
	d := w.insert(wang)
	r, err := w.sell(d, request1, 10*m3)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.desk(reader, settled), r
}

func (w *world) refund(d counter.Desk, order, request string) (counter.Receipt, error) {
	return w.svc.Refund(bg, w.clerk, w.leader, counter.Refund{
		Request: request, Reader: d.Reader, Insertion: d.Insertion, Order: order, Reason: "用户搬家",
	})
}

const refund1 = "refund-0000000001"

func TestRefund(t *testing.T) {
	w := newWorld(t)
	d, sold := w.unswiped()
	if d.Last == nil || d.Last.ID != sold.Order {
		t.Errorf("the desk shows %+v as the last order", d.Last)
	}
	back, err := w.refund(d, sold.Order, refund1)
	if err != nil {
		t.Fatal(err)
	}
	if back.Op != purse.OpRefund || back.Volume != -10*m3 || back.Amount != -sold.Amount || back.Capitals != "负贰拾陆元伍角整" || back.No != 2 {
		t.Errorf("receipt %+v", back)
	}
	o := w.order(back.Order)
	if o.Of != sold.Order || o.ApprovedBy != "zhou" || o.Operator != "chen" || o.Reason != "用户搬家" || w.order(sold.Order).RefundedBy != o.ID {
		t.Errorf("order %+v", o)
	}
	w.law()
	if again, err := w.refund(d, sold.Order, refund1); err != nil || again.Order != back.Order {
		t.Errorf("the same request again: %+v %v", again, err)
	}
	if a := w.account("100001"); a.Bought != 0 {
		t.Errorf("%s m³ are counted in the tiers", a.Bought)
	}
	// Nothing waits on the card now, so that the customer may buy without going to the meter first.
	d = w.insert(wang)
	if d.Problem != nil || d.Last == nil || d.Last.ID != back.Order {
		t.Fatalf("desk %+v, last %+v", d.Problem, d.Last)
	}
	if _, err := w.sell(d, request2, 4*m3); err != nil {
		t.Fatal(err)
	}
	w.closeAll(w.insert(wang), true)
	if st := w.cards[wang].State(); st.WriteBack.Accepted != 400 {
		t.Errorf("the meter has taken %d", st.WriteBack.Accepted)
	}
}

// Promise 11: nobody refunds without a second person, who is a leader and somebody else.
func TestPromise11RefundNeedsASecondPerson(t *testing.T) {
	w := newWorld(t)
	d, sold := w.unswiped()
	r := counter.Refund{Request: refund1, Reader: d.Reader, Insertion: d.Insertion, Order: sold.Order, Reason: "x"}
	for name, c := range map[string]struct {
		first, second counter.Session
		want          string
	}{
		"nobody asks":        {counter.Session{}, w.leader, counter.CodeNoSession},
		"nobody approves":    {w.clerk, counter.Session{}, counter.CodeNoSession},
		"a clerk approves":   {w.leader, w.clerk, counter.CodeForbidden},
		"finance asks":       {w.login("qian"), w.leader, counter.CodeForbidden},
		"the same person":    {w.leader, w.leader, counter.CodeOwnRequest},
		"the same, twice in": {w.leader, w.login("zhou"), counter.CodeOwnRequest},
	} {
		_, err := w.svc.Refund(bg, c.first, c.second, r)
		if code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Reason = ""
	_, err := w.svc.Refund(bg, w.clerk, w.leader, r)
	w.wantCode(err, counter.CodeReasonNeeded)
	r.Reason, r.Request = "x", "short"
	_, err = w.svc.Refund(bg, w.clerk, w.leader, r)
	w.wantCode(err, counter.CodeBadRequest)
	w.put(func(tx counter.Tx) error { // the leader loses the role between login and refund
		o, err := tx.Operator("zhou")
		o.Role = counter.Clerk
		if err != nil {
			return err
		}
		return tx.PutOperator(o)
	})
	_, err = w.refund(d, sold.Order, refund1)
	w.wantCode(err, counter.CodeForbidden)
	if n := len(w.store.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

func TestRefundIsRefusedWithoutProof(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *world, sold counter.Receipt)
		want  string
	}{
		"of another card":   {func(w *world, _ counter.Receipt) { w.insert(li) }, counter.CodeNotLast},
		"older image":       {func(w *world, _ counter.Receipt) { w.cards[wang].Restore(make([]byte, 96)) }, counter.CodeDamaged},
		"foreign write":     {func(w *world, _ counter.Receipt) { w.cards[wang].Force(5, 5000, purse.Tag{5}) }, counter.CodeCardAhead},
		"broken write-back": {func(w *world, _ counter.Receipt) { w.cards[wang].TearWriteBack() }, counter.CodeDamaged},
		"other meter":       {func(w *world, _ counter.Receipt) { w.cards[wang].Meter = "99999999" }, counter.CodeOtherMeter},
	} {
		w := newWorld(t)
		_, sold := w.unswiped()
		c.spoil(w, sold)
		d := w.desk(reader, settled)
		_, err := w.refund(d, sold.Order, refund1)
		if code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if n := len(w.store.Orders()); n != 1 || w.order(sold.Order).RefundedBy != "" {
			t.Errorf("%s: something was stored", name)
		}
	}
}

// With an older good write-back beside the torn one, the card still does not prove that the order was not taken.
func TestRefundWithATornWriteBackIsNotProven(t *testing.T) {
	w := withFirstSale(t)
	d := w.insert(wang)
	r, err := w.sell(d, request2, 5*m3)
	if err != nil {
		t.Fatal(err)
	}
	w.cards[wang].Hurt("write_back_b_crc")
	_, err = w.refund(w.insert(wang), r.Order, refund1)
	w.wantCode(err, counter.CodeNoProof)
}

func TestARefundThatCameToNothingMayBeTriedAgain(t *testing.T) {
	w := newWorld(t)
	d, sold := w.unswiped()
	w.readers.Fail(countertest.Fault{Step: "body", Nth: 1, Pull: true})
	_, err := w.refund(d, sold.Order, refund1)
	w.wantCode(err, counter.CodeWriteUnknown)
	w.readers.ClearFaults()
	w.law()
	d = w.insert(wang)
	_, err = w.refund(d, sold.Order, "refund-0000000002")
	w.wantCode(err, counter.CodeInDoubt)
	if err := w.svc.Void(bg, w.clerk, d.InDoubt.ID); err != nil {
		t.Fatal(err)
	}
	w.law()
	if _, err = w.refund(w.insert(wang), sold.Order, "refund-0000000003"); err != nil {
		t.Error(err)
	}
	w.closeAll(w.insert(wang), true)
}

// killing cuts the power at every step of an act on the card that lies on the reader, and checks the law when the card
// comes back.
func killing(t *testing.T, prepare func(t *testing.T) *world, act func(w *world, d counter.Desk) (counter.Receipt, error)) {
	t.Helper()
	run := func(w *world) (counter.Receipt, error) { return act(w, w.insert(wang)) }
	w := prepare(t)
	w.power.CutAt(0, false)
	if _, err := run(w); err != nil {
		t.Fatal(err)
	}
	w.stop()
	total := len(w.power.Steps())
	for at := 1; at <= total; at++ {
		for _, after := range []bool{false, true} {
			for _, retry := range []bool{false, true} {
				t.Run(fmt.Sprintf("step %d after %v retry %v", at, after, retry), func(t *testing.T) {
					w := prepare(t)
					w.power.CutAt(at, after)
					receipt, err := run(w)
					w.restart()
					d := w.desk(reader, settled)
					w.law()
					if err == nil && w.order(receipt.Order).State != counter.Done {
						t.Errorf("acknowledged, and it is %s", w.order(receipt.Order).State)
					}
					w.choose(d, retry)
					if _, again := act(w, w.desk(reader, settled)); again != nil && code(again) != counter.CodeRefunded && code(again) != counter.CodeAlreadyDone && code(again) != counter.CodeNotWritten && code(again) != counter.CodeRequestReused {
						t.Errorf("the same act again: %v", again)
					}
					w.closeAll(w.insert(wang), retry)
					if t.Failed() {
						t.Log(w)
					}
				})
			}
		}
	}
	t.Logf("%d steps", total)
}

func (w *world) choose(d counter.Desk, retry bool) {
	w.t.Helper()
	settleReal(w, d, retry)
	w.desk(reader, settled)
}

func TestPromise12KillAtEveryStepOfARefund(t *testing.T) {
	var sold counter.Receipt
	killing(t, func(t *testing.T) *world {
		w := newWorld(t)
		_, sold = w.unswiped()
		return w
	}, func(w *world, d counter.Desk) (counter.Receipt, error) {
		return w.refund(d, sold.Order, refund1)
	})
}
