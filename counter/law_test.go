package counter_test

import (
	"context"
	"encoding/json"
	"fmt"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// law checks that nothing is lost and nothing doubled: what was paid is on the card (or credited from it), or given
// back, or listed as in doubt; and ledger, tier counter, receipts and outbox say the same.
func (w *world) law() {
	w.t.Helper()
	var receipts []uint64
	for id, card := range w.cards {
		var done, open, paid, kept, back, doubt quantity.Volume
		var no string
		for _, o := range w.store.Orders() {
			if o.Card != id {
				continue
			}
			no = o.Account
			paid += o.Volume
			switch {
			case o.State == counter.Done:
				done += o.Volume
				kept += o.Volume
				receipts = append(receipts, o.Receipt)
			case o.State == counter.Void:
				back += o.Volume
			case o.State.Open():
				open += o.Volume
				doubt += o.Volume
			}
			w.lines(o)
		}
		if paid != kept+back+doubt {
			w.t.Errorf("card %s: paid %s, kept %s, given back %s, in doubt %s", id, paid, kept, back, doubt)
		}
		if no == "" {
			continue
		}
		var onCard quantity.Volume
		if st := card.State(); st.Order != nil {
			onCard = quantity.Volume(st.Order.Cumulative) * st.Unit.Litres()
		}
		if onCard < done || onCard > done+open {
			w.t.Errorf("card %s carries %s m³; sold %s, in doubt %s", id, onCard, done, open)
		}
		if a := w.account(no); a.Bought != done+open {
			w.t.Errorf("account %s has bought %s in its tiers; sold %s, in doubt %s", no, a.Bought, done, open)
		}
	}
	seen := map[uint64]bool{}
	for _, r := range receipts {
		if r < 1 || r > uint64(len(receipts)) || seen[r] {
			w.t.Errorf("receipt numbers %v have a gap or a double", receipts)
		}
		seen[r] = true
	}
	w.told()
}

// lines checks that the lines of an order add up.
func (w *world) lines(o counter.Order) {
	w.t.Helper()
	var v quantity.Volume
	var m quantity.Money
	for _, l := range o.Lines {
		v, m = v+l.Volume, m+l.Amount
	}
	if v != o.Volume || m != o.Amount {
		w.t.Errorf("order %s: lines add up to %s m³ and %s yuan, the order says %s and %s", o.ID, v, m, o.Volume, o.Amount)
	}
}

// told checks what the centre hears: each sale that is done exactly once, each one given up after it was in doubt
// exactly once, and nothing else of money.
func (w *world) told() {
	w.t.Helper()
	heard := map[string]int{}
	for _, r := range w.store.Records() {
		heard[r.Type+" "+r.ID]++
		if r.Stream != contract.Tx {
			continue
		}
		var body contract.Sale
		if err := json.Unmarshal(r.Body, &body); err != nil {
			w.t.Fatal(err)
		}
		o := w.order(r.ID)
		if body.AmountFen != int64(o.Amount) || body.VolumeL != int64(o.Volume) || body.Receipt != o.Receipt ||
			body.CardSeq != o.Plan.Seq || body.WasInDoubt != o.Doubted || body.CardUnit == "" {
			w.t.Errorf("the centre hears %+v of order %+v", body, o)
		}
	}
	for _, o := range w.store.Orders() {
		sale, void, doubt := heard[contract.TypeSale+" "+o.ID], heard[contract.TypeSaleVoid+" "+o.ID], heard[contract.TypeCardInDoubt+" "+o.ID]
		want := [2]int{}
		switch {
		case o.State == counter.Done:
			want[0] = 1
		case o.State == counter.Void && o.Doubted:
			want[1] = 1
		}
		if got := [2]int{sale, void}; got != want {
			w.t.Errorf("order %s is %s; the centre hears of %d sales and %d voids", o.ID, o.State, sale, void)
		}
		if o.State == counter.InDoubt && doubt == 0 {
			w.t.Errorf("order %s is in doubt and the centre does not know", o.ID)
		}
		delete(heard, contract.TypeSale+" "+o.ID)
		delete(heard, contract.TypeSaleVoid+" "+o.ID)
	}
	for what := range heard {
		if what[:4] == "sale" {
			w.t.Errorf("the centre hears %q, which no order says", what)
		}
	}
}

func (w *world) order(id string) counter.Order {
	w.t.Helper()
	for _, o := range w.store.Orders() {
		if o.ID == id {
			return o
		}
	}
	w.t.Fatalf("no order %s", id)
	return counter.Order{}
}

// closeAll settles what is in doubt with the card on the desk: by writing it again or by giving it up. Afterwards
// nothing is open, and what the meter takes from the card is what was sold.
func (w *world) closeAll(d counter.Desk, retry bool) {
	w.t.Helper()
	if d.InDoubt != nil {
		var err error
		if retry {
			_, err = w.svc.Retry(context.Background(), w.clerk, d.InDoubt.ID)
		} else {
			err = w.svc.Void(context.Background(), w.clerk, d.InDoubt.ID)
		}
		if err != nil {
			w.t.Fatalf("close the order in doubt (retry %v): %v", retry, err)
		}
	}
	w.law()
	var sold quantity.Volume
	for _, o := range w.store.Orders() {
		if o.State.Open() {
			w.t.Errorf("order %s is still %s", o.ID, o.State)
		}
		if o.State == counter.Done {
			sold += o.Volume
		}
	}
	var credited purse.Amount
	for _, c := range w.cards {
		c.Swipe()
		c.Swipe()
		if st := c.State(); st.WriteBack != nil {
			credited += st.WriteBack.Accepted
		}
	}
	if got := quantity.Volume(credited) * 10; got != sold {
		w.t.Errorf("the meters credited %s m³, sold were %s", got, sold)
	}
}

func (w *world) String() string {
	return fmt.Sprintf("orders %+v\nrecords %+v\nlog\n%s", w.store.Orders(), w.store.Records(), w.logs)
}
