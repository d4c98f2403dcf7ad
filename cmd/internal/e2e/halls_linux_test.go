package e2e

import (
	"net/http"
	"testing"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/counter"
	"tally/meter/quantity"
)

// second opens another hall of the same utility: its own node, reader and clerk, the same broker, centre and customer.
func (h *house) second() *house {
	h.t.Helper()
	other := *h
	other.name, other.data, other.config = "hall-02", "data-2", "node-2.toml"
	other.hand = cardtest.NewHand(h.t, h.pcscd.Readers[1].Addr)
	other.furnish(1)
	other.openNode()
	return &other
}

// buy sells to the card and carries it to its meter.
func (h *house) buy(request string, v quantity.Volume) (r counter.Receipt) {
	h.t.Helper()
	h.insert(cardsim.ACS(h.chip))
	// Until the centre has told this hall of the other, the card is ahead of the ledger and refused.
	d := h.desk(func(d counter.Desk) bool { return ready(d) && d.Problem == nil })
	a, q := h.ask(d, v)
	h.api(http.MethodPost, "sell", counter.Sell{Request: request, Ask: a, Volume: q.Volume, Amount: q.Amount}, http.StatusOK, &r)
	if m := h.swipe(); !m.Accepted {
		h.t.Fatalf("the meter said %+v", m)
	}
	h.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty }) // or the card of the next time is this one, never taken out
	return r
}

func (h *house) insert(card cardsim.Device) {
	h.t.Helper()
	if err := h.hand.Insert(card); err != nil {
		h.t.Fatal(err)
	}
}

// TestTwoHallsOneCustomer: a card that was sold to in one hall is known in the other as soon as the centre has said so,
// and the tiers go on counting there.
func TestTwoHallsOneCustomer(t *testing.T) {
	h := newHouse(t)
	h.open()
	other := h.second()
	h.buy("request-0000000001", 290*quantity.CubicMetre)
	r := other.buy("request-0000000002", 20*quantity.CubicMetre)
	if len(r.Lines) != 2 || r.Lines[0].Volume != 10*quantity.CubicMetre {
		t.Errorf("the second hall counts on from %+v", r.Lines)
	}
	h.buy("request-0000000003", quantity.CubicMetre)
	if n, volume, _ := h.delivered(); n != 3 || volume != 311*quantity.CubicMetre {
		t.Errorf("the centre has %d sales of %s m³", n, volume)
	}
}
