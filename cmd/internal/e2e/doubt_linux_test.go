package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/web"
	"tally/meter/quantity"
	"tally/sync/central"
)

const (
	twenty      = 20 * quantity.CubicMetre
	twentyPrice = 20 * 265
)

// leaving is a card that is pulled before it answers the first command after which it is as wanted.
type leaving struct {
	cardsim.Device
	now func() bool
}

func (l leaving) Exchange(command []byte) ([]byte, error) {
	answer, err := l.Device.Exchange(command)
	if err == nil && l.now() {
		err = cardsim.ErrPulled
	}
	return answer, err
}

// ordered reports whether an order lies on the card, which had none.
func (h *house) ordered() bool {
	p, err := profile.Builtin(layout)
	if err != nil {
		h.t.Error(err)
		return false
	}
	st, err := purse.Decode(p, h.chip.ReadMem())
	return err == nil && st.Order != nil
}

// torn sells 20 m³ to a card that leaves in the middle of it, and returns the order that has no proof then.
func (h *house) torn(now func() bool) counter.Order {
	h.t.Helper()
	h.insert(leaving{cardsim.ACS(h.chip), now})
	a, q := h.ask(h.desk(ready), twenty)
	order := counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount}
	h.refuses("sell", order, counter.CodeWriteUnknown)
	open := h.openOrders()
	if len(open) != 1 || open[0].State != counter.InDoubt || open[0].Volume != twenty {
		h.t.Fatalf("open orders %+v", open)
	}
	return open[0].Order
}

// refuses posts what must be refused with a code.
func (h *house) refuses(path string, body any, code string) {
	h.t.Helper()
	var refusal struct{ Code string }
	h.api(http.MethodPost, path, body, http.StatusConflict, &refusal)
	if refusal.Code != code {
		h.t.Fatalf("%s is refused with %q, want %q", path, refusal.Code, code)
	}
}

func (h *house) openOrders() (open []web.OpenView) {
	h.t.Helper()
	h.api(http.MethodGet, "open-orders", nil, http.StatusOK, &open)
	return open
}

// closes waits until nothing is open in the hall, and wants the order to have got its receipt.
func (h *house) closes(order string) {
	h.t.Helper()
	h.until("the order has an end", func() bool { return len(h.openOrders()) == 0 })
	var r counter.Receipt
	h.api(http.MethodGet, "receipts/"+order, nil, http.StatusOK, &r)
	if r.No != 1 || r.Op != purse.OpBuy || r.Volume != twenty || r.Amount != twentyPrice {
		h.t.Errorf("receipt %+v", r)
	}
}

// at brings the card to a hall and waits until its desk is as wanted.
func (h *house) at(ok func(counter.Desk) bool) counter.Desk {
	h.t.Helper()
	h.insert(cardsim.ACS(h.chip))
	return h.desk(func(d counter.Desk) bool { return ready(d) && ok(d) })
}

func problem(code string) func(counter.Desk) bool {
	return func(d counter.Desk) bool { return d.Problem != nil && d.Problem.Code == code }
}

// knows wants the hall to sell to the card, and to count v in the tiers of its customer.
func (h *house) knows(v quantity.Volume) {
	h.t.Helper()
	h.at(func(d counter.Desk) bool { return d.Problem == nil && d.Account.Bought == v })
	h.takesCard()
}

// takesCard takes the card out and waits until the hall has seen it: a card that is back at once was never out for PC/SC.
func (h *house) takesCard() {
	h.t.Helper()
	if err := h.hand.Remove(); err != nil {
		h.t.Fatal(err)
	}
	h.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })
}

// books wants the centre to have what each hall has sold, and nothing left in doubt.
func (h *house) books(want ...central.Account) {
	h.t.Helper()
	var report central.Report
	if err := json.Unmarshal([]byte(h.run("", "tally-central", "reconcile", "--json", "--config", "central.toml")), &report); err != nil {
		h.t.Fatal(err)
	}
	if len(report.Accounts) != len(want) || len(report.Findings) != 0 {
		h.t.Fatalf("the centre finds %+v", report)
	}
	for i, w := range want {
		if got := report.Accounts[i]; got.Node != w.Node || got.Sales != w.Sales || got.VolumeL != w.VolumeL || got.AmountFen != w.AmountFen {
			h.t.Errorf("the centre has %+v, want %+v", got, w)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "central.db")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	var doubts, open, voids int
	err = db.QueryRow(`SELECT (SELECT count(*) FROM doubt), (SELECT count(*) FROM doubt WHERE ended = 0), (SELECT count(*) FROM sale WHERE kind <> 'sale')`).
		Scan(&doubts, &open, &voids)
	if err != nil || doubts != 1 || open != 0 || voids != 0 {
		h.t.Errorf("the centre has %d orders in doubt, %d of them open, and %d voids: %v", doubts, open, voids, err)
	}
}

// TestOrderInDoubtIsSeenInAnotherHall: the card was pulled when the order was on it already. The customer goes to another
// hall, which sees the order and sells on; the first hall closes it by the centre's word, without the card.
func TestOrderInDoubtIsSeenInAnotherHall(t *testing.T) {
	h := newHouse(t)
	h.open()
	other := h.second()
	order := h.torn(h.ordered)
	other.at(func(d counter.Desk) bool {
		if d.Problem == nil {
			t.Fatalf("sells on top of what it does not know: %+v", d)
		}
		return d.Problem.Code == counter.CodeNotSwiped // a card like any other, once the word has come
	})
	other.node.said("order of another counter is on the card")
	if m := other.swipe(); m.Credited != 2000 {
		t.Fatalf("the meter said %+v", m)
	}
	other.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })
	other.buy("request-0000000002", 10*quantity.CubicMetre)
	h.node.said("another counter has seen the order on its card")
	h.closes(order.ID)
	h.knows(30 * quantity.CubicMetre)
	other.knows(30 * quantity.CubicMetre)
	h.delivered()
	other.delivered()
	h.books(central.Account{Node: "hall-01", Sales: 1, VolumeL: 20_000, AmountFen: twentyPrice},
		central.Account{Node: "hall-02", Sales: 1, VolumeL: 10_000, AmountFen: 10 * 265})
}

// TestOrderInDoubtIsWrittenInAnotherHall: the card was pulled before the order was on it. Another hall sells nothing on
// top and asks for the order; the first one hands it over by itself and keeps the money, and closes the order when it was
// written there.
func TestOrderInDoubtIsWrittenInAnotherHall(t *testing.T) {
	h := newHouse(t)
	h.open()
	other := h.second()
	before := h.chip.ReadMem()
	order := h.torn(func() bool { return !bytes.Equal(h.chip.ReadMem(), before) && !h.ordered() })
	d := other.at(problem(counter.CodeOpenElsewhere))
	if e := d.Elsewhere; e == nil || e.Order != order.ID || e.Station != "hall-01 desk 1" || !e.Takeable || e.Asked || d.Problem.Args["station"] != e.Station {
		t.Fatalf("the other hall knows %+v of it and says %+v", e, d.Problem)
	}
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: quantity.CubicMetre}
	other.refuses("quote", a, counter.CodeOpenElsewhere)
	other.api(http.MethodPost, "orders/"+order.ID+"/take", nil, http.StatusNoContent, nil)
	h.until("the order is handed over", func() bool {
		open := h.openOrders()
		return len(open) == 1 && open[0].GivenAt == "hall-02 desk 1"
	})
	other.takesCard()

	h.at(func(d counter.Desk) bool { return d.InDoubt != nil })
	h.refuses("orders/"+order.ID+"/void", nil, counter.CodeHandedOver)
	h.takesCard()

	d = other.at(func(d counter.Desk) bool { return d.InDoubt != nil })
	if d.InDoubt.Of != order.ID {
		t.Fatalf("desk %+v", d)
	}
	var r counter.Receipt
	other.api(http.MethodPost, "orders/"+d.InDoubt.ID+"/retry", nil, http.StatusOK, &r)
	if r.Op != counter.OpFinish || r.Amount != 0 || r.Volume != twenty {
		t.Errorf("receipt %+v", r)
	}
	h.closes(order.ID)
	if m := other.swipe(); m.Credited != 2000 {
		t.Errorf("the meter said %+v", m)
	}
	other.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })
	h.knows(twenty)
	other.knows(twenty)
	h.delivered()
	other.delivered()
	h.books(central.Account{Node: "hall-01", Sales: 1, VolumeL: 20_000, AmountFen: twentyPrice}, central.Account{Node: "hall-02"})
}
