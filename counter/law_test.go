package counter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// law checks that nothing is lost and nothing doubled: what was paid is on the card (or credited from it), or given
// back, or listed as in doubt; and ledger, tier counter, receipts and outbox say the same.
func (w *world) law() {
	w.t.Helper()
	live := w.store
	w.store = live.Copy() // what could not be stored may be stored at any moment
	defer func() { w.store = live }()
	var receipts []uint64
	for id, card := range w.cards {
		var b books
		for _, o := range w.store.Orders() {
			if o.Card != id {
				continue
			}
			b.add(o)
			w.lines(o)
			if o.State == counter.Done {
				receipts = append(receipts, o.Receipt)
			}
		}
		if b.account == "" {
			continue
		}
		var onCard quantity.Volume
		if st := card.State(); st.Order != nil {
			onCard = quantity.Volume(st.Order.Cumulative) * st.Unit.Litres()
		}
		least, most := b.sold-b.refunded-b.refunding, b.sold-b.refunded+b.doubt
		if !b.madeUp {
			least -= w.lost
		}
		if onCard < least || onCard > most {
			w.t.Errorf("card %s carries %s m³; %+v", id, onCard, b)
		}
		if a := w.account(b.account); a.Bought != b.sold-b.refunded+b.doubt {
			w.t.Errorf("account %s has bought %s in its tiers; %+v", b.account, a.Bought, b)
		}
		if b.money != b.kept+b.back+b.open {
			w.t.Errorf("account %s paid %s yuan; %+v", b.account, b.money, b)
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

// books are what the journal says of one card.
type books struct {
	account                          string
	sold, refunded, doubt, refunding quantity.Volume // refunding: a refund in doubt
	money, kept, back, open          quantity.Money  // paid by the customer; for gas; given back; in doubt
	madeUp                           bool
}

func (b *books) add(o counter.Order) {
	b.account = o.Account
	switch o.Op {
	case purse.OpBuy:
		b.money += o.Amount
		switch {
		case o.State == counter.Done:
			b.sold += o.Volume
			b.kept += o.Amount
		case o.State == counter.Void:
			b.back += o.Amount
		default:
			b.doubt += o.Volume
			b.open += o.Amount
		}
	case purse.OpRefund:
		switch {
		case o.State == counter.Done:
			b.refunded -= o.Volume
			b.kept += o.Amount
			b.back -= o.Amount
		case o.State.Open():
			b.refunding -= o.Volume
		}
	case purse.OpMakeUp:
		b.madeUp = b.madeUp || o.State == counter.Done
	}
}

// lines checks that the lines of an order add up.
func (w *world) lines(o counter.Order) {
	w.t.Helper()
	var v quantity.Volume
	var m quantity.Money
	for _, l := range o.Lines {
		v, m = v+l.Volume, m+l.Amount
	}
	if o.Op == purse.OpMakeUp {
		v += o.Volume // costs nothing
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
		if r.Stream != contract.Tx || strings.HasPrefix(r.Type, "order_") {
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
	types := map[purse.Op][2]string{
		purse.OpBuy:    {contract.TypeSale, contract.TypeSaleVoid},
		purse.OpRefund: {counter.TypeRefund, counter.TypeRefundVoid},
		purse.OpMakeUp: {counter.TypeMakeUp, counter.TypeMakeUpVoid},
	}
	for _, o := range w.store.Orders() {
		done, void := types[o.Op][0]+" "+o.ID, types[o.Op][1]+" "+o.ID
		want := [2]int{}
		switch {
		case o.State == counter.Done:
			want[0] = 1
		case o.State == counter.Void && o.Doubted:
			want[1] = 1
		}
		if got := [2]int{heard[done], heard[void]}; got != want {
			w.t.Errorf("order %s (%s) is %s; the centre hears %d times that it is done, %d times that it is void", o.ID, o.Op, o.State, got[0], got[1])
		}
		if o.State == counter.InDoubt && (heard[contract.TypeCardInDoubt+" "+o.ID] == 0 || heard[contract.TypeOrderInDoubt+" "+o.ID] == 0) {
			w.t.Errorf("order %s is in doubt and the centre does not know", o.ID)
		}
		delete(heard, done)
		delete(heard, void)
	}
	events := map[string]bool{
		contract.TypeOrderInDoubt: true, contract.TypeOrderGiven: true, contract.TypeCardInDoubt: true, contract.TypeQuarantine: true, counter.TypeCardMismatch: true,
		counter.TypeSaleLock: true, counter.TypeSaleUnlock: true, counter.TypeCardLost: true, counter.TypeCardFound: true,
	}
	for what := range heard {
		typ, _, _ := strings.Cut(what, " ")
		if !events[typ] {
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
		}
		if !retry || code(err) == counter.CodeSwiped { // a refund of what the meter took meanwhile
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
		if o.State == counter.Done && o.Op != purse.OpMakeUp {
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
