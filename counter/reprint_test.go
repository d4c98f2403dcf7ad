package counter_test

import (
	"encoding/json"
	"testing"

	"tally/cardreader/purse"
	"tally/counter"
)

// What is printed again has the same bytes but for the mark of the copy, whatever has become of the customer, the card and
// the operator since.
func TestReprintHasTheSameBytes(t *testing.T) {
	h := newHall(t, "ADD4442 v1", purse.UnitDeciM3, 1)
	o, c := h.offices[0], h.client(0)
	p := o.issue(c)
	r, err := o.sell(p, 100)
	if err != nil {
		t.Fatal(err)
	}
	o.take()
	c.meter.Swipe(p.chip)
	if _, err := o.sell(p, 50); err != nil {
		t.Fatal(err)
	}
	fresh := h.blank()
	if _, err := o.reissue(c, fresh, counter.CauseFaulty, counter.SwipedNo); err != nil {
		t.Fatal(err)
	}
	o.put(func(tx counter.Tx) error {
		a, err := tx.Account(c.no)
		if err != nil {
			return err
		}
		a.Name, a.Address, a.Meter = "张三", "新地址", "30000001"
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		chen, err := tx.Operator("chen")
		if err != nil {
			return err
		}
		chen.Display = "another name"
		return tx.PutOperator(chen)
	})
	first, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, again := range []bool{false, true, true} {
		got, err := o.svc.Receipt(bg, o.clerk, r.Order, again)
		if err != nil || got.Copy != i {
			t.Fatalf("copy %d: %v", got.Copy, err)
		}
		got.Copy = 0
		raw, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != string(first) {
			t.Errorf("printed\n%s\nthen\n%s", first, raw)
		}
	}
}
