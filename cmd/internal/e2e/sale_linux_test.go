package e2e

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the test reads what the centre has stored as an engineer would, by SQL

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cmd/internal/control"
	"tally/counter"
	"tally/counter/web"
	"tally/meter/quantity"
)

// desk waits until the card on the reader has been read.
func (h *house) desk(ok func(counter.Desk) bool) (d counter.Desk) {
	h.t.Helper()
	var desks []counter.Desk
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("desks seen last: %+v", desks)
		}
	})
	h.until("the desk is there", func() bool {
		desks = nil
		h.api(http.MethodGet, "desks", nil, http.StatusOK, &desks)
		for _, d = range desks {
			if ok(d) {
				return true
			}
		}
		return false
	})
	return d
}

func ready(d counter.Desk) bool { return d.Phase == counter.Ready }

func (h *house) ask(d counter.Desk, v quantity.Volume) (counter.Ask, counter.Quote) {
	h.t.Helper()
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: v}
	var q counter.Quote
	h.api(http.MethodPost, "quote", a, http.StatusOK, &q)
	return a, q
}

// delivered waits until the centre has acknowledged everything, and returns the sums of its sales.
func (h *house) delivered() (n int, volume quantity.Volume, amount quantity.Money) {
	h.t.Helper()
	h.until("the centre has everything", func() bool {
		var u web.UplinkView
		h.api(http.MethodGet, "uplink", nil, http.StatusOK, &u)
		return u.Central && u.Waiting == 0
	})
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.dir, "central.db")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	err = db.QueryRow(`SELECT count(*), coalesce(sum(volume_l), 0), coalesce(sum(amount_fen), 0) FROM sale WHERE kind = 'sale'`).Scan(&n, &volume, &amount)
	if err != nil {
		h.t.Fatal(err)
	}
	return n, volume, amount
}

// TestSaleThroughRealParts: the shipped programs, a card in the virtual reader of a real pcscd, a real mosquitto.
func TestSaleThroughRealParts(t *testing.T) {
	h := newHouse(t)
	h.open()
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	d := h.desk(ready)
	if d.Account == nil || d.Account.Name != "王**" || !strings.HasPrefix(d.Reader, h.pcscd.Readers[0].Name) {
		t.Fatalf("desk %+v", d)
	}
	a, q := h.ask(d, 310*quantity.CubicMetre)
	if q.Amount != 300*265+10*318 {
		t.Fatalf("quote %+v", q)
	}
	order := counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount}
	var r, again counter.Receipt
	h.api(http.MethodPost, "sell", order, http.StatusOK, &r)
	h.api(http.MethodPost, "sell", order, http.StatusOK, &again) // the double click
	if r.No != 1 || again.No != 1 || r.Capitals != "捌佰贰拾陆元捌角整" {
		t.Errorf("receipts %+v and %+v", r, again)
	}
	if n, volume, amount := h.delivered(); n != 1 || volume != q.Volume || amount != q.Amount {
		t.Errorf("the centre has %d sales, %s m³, %s yuan", n, volume, amount)
	}
	h.technicianLooks(d.Reader)
	if m := h.swipe(); m.Credited != 31_000 {
		t.Errorf("the meter said %+v", m)
	}
	log := h.node.stop() + h.centre.stop()
	for _, private := range []string{"4A5B6C", "4a5b6c", secret, "王秀兰", "13800010001"} {
		if strings.Contains(log, private) {
			t.Errorf("the log holds %q", private)
		}
	}
}

// swipe carries the card to its meter.
func (h *house) swipe() icmeter.Result {
	h.t.Helper()
	if err := h.hand.Remove(); err != nil {
		h.t.Fatal(err)
	}
	return h.meter.Swipe(h.chip)
}

// technicianLooks runs the technician's commands beside the daemon.
func (h *house) technicianLooks(reader string) {
	h.t.Helper()
	var status control.NodeStatus
	if err := json.Unmarshal([]byte(h.run("", "tally", "node", "status", "--json", "--data-dir", "data")), &status); err != nil {
		h.t.Fatal(err)
	}
	if status.Node != "hall-01" || !status.Ready || !status.Uplink.Central {
		h.t.Errorf("status %+v", status)
	}
	if out := h.run("", "tally", "card", "readers", "--data-dir", "data"); !strings.Contains(out, reader) {
		h.t.Errorf("readers:\n%s", out)
	}
	var card control.Card
	if err := json.Unmarshal([]byte(h.run("", "tally", "card", "show", "--json", "--data-dir", "data")), &card); err != nil {
		h.t.Fatal(err)
	}
	if card.State.Card.No != cardNo || card.State.Order == nil || card.State.Order.Qty != 31_000 || card.Customer.Name != "王**" {
		h.t.Errorf("card %+v", card)
	}
	// Whoever does not say where the node is opens no card beside it, and is told to ask it.
	for _, verb := range []string{"show", "dump"} {
		if out := h.refused(5, "tally", "card", verb, "--lang", "en"); !strings.Contains(out, "a node on this machine serves this reader") {
			h.t.Errorf("card %s beside the daemon:\n%s", verb, out)
		}
	}
}

// TestTechnicianReadsACardWithoutADaemon goes to PC/SC directly.
func TestTechnicianReadsACardWithoutADaemon(t *testing.T) {
	h := newHouse(t)
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	var card control.Card
	// pcscd looks into its slots a few times a second; the command is asked until it does.
	for late := time.Now().Add(patience); !strings.Contains(h.run("", "tally", "card", "readers", "--json"), `"present"`); {
		if time.Now().After(late) {
			t.Fatal("the service does not see the card")
		}
	}
	if err := json.Unmarshal([]byte(h.run("", "tally", "card", "show", "--json")), &card); err != nil {
		t.Fatal(err)
	}
	if card.State.Card.No != cardNo || card.State.Meter != meterNo || card.Customer != nil {
		t.Errorf("card %+v", card)
	}
}

// TestCardPulledWhileItIsWritten: the order is in doubt, the daemon is killed on top of it, and when the card comes back
// the clerk chooses; the money has one end.
func TestCardPulledWhileItIsWritten(t *testing.T) {
	h := newHouse(t)
	h.open()
	look := cardsim.Script(cardsim.ACS(h.chip)) // counts how many APDUs a look at the card takes
	if err := h.hand.Insert(look); err != nil {
		t.Fatal(err)
	}
	first := h.desk(ready)
	if err := h.hand.Remove(); err != nil {
		t.Fatal(err)
	}
	// The sale reads the card once more, counts the tries, unlocks, and is then writing.
	pull := cardsim.Fault{At: 2*look.Count() + 5, Kind: cardsim.PulledAfter}
	if err := h.hand.Insert(cardsim.Script(cardsim.ACS(h.chip), pull)); err != nil {
		t.Fatal(err)
	}
	d := h.desk(func(d counter.Desk) bool { return ready(d) && d.Insertion != first.Insertion })
	a, q := h.ask(d, 20*quantity.CubicMetre)
	var refusal struct{ Code, Message, Hint string }
	h.api(http.MethodPost, "sell", counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount},
		http.StatusConflict, &refusal)
	if refusal.Code != counter.CodeWriteUnknown || refusal.Message == "" || refusal.Hint == "" {
		t.Fatalf("refusal %+v", refusal)
	}
	if err := h.node.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.node.cmd.Wait()
	h.pcscd.AwaitRemovals(2)
	h.openNode()
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	d = h.desk(ready)
	if d.InDoubt == nil {
		t.Fatalf("no choice on the desk: %+v", d)
	}
	var r counter.Receipt
	h.api(http.MethodPost, "orders/"+d.InDoubt.ID+"/retry", nil, http.StatusOK, &r)
	if n, volume, amount := h.delivered(); n != 1 || volume != q.Volume || amount != q.Amount {
		t.Errorf("the centre has %d sales, %s m³, %s yuan", n, volume, amount)
	}
	if m := h.swipe(); m.Credited != 2000 {
		t.Errorf("the meter said %+v", m)
	}
}

// TestBrokerAway: sales go on while there is no broker, and travel when it is back.
func TestBrokerAway(t *testing.T) {
	h := newHouse(t)
	h.open()
	h.delivered()
	h.broker.Kill()
	h.until("the page says so", func() bool {
		var u web.UplinkView
		h.api(http.MethodGet, "uplink", nil, http.StatusOK, &u)
		return !u.Connected
	})
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	a, q := h.ask(h.desk(ready), quantity.CubicMetre)
	h.api(http.MethodPost, "sell", counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount}, http.StatusOK, nil)
	h.broker.Start()
	if n, volume, _ := h.delivered(); n != 1 || volume != quantity.CubicMetre {
		t.Errorf("the centre has %d sales, %s m³", n, volume)
	}
}

// TestServiceRestarted: pcscd goes and comes back, and the daemon carries on by itself.
func TestServiceRestarted(t *testing.T) {
	h := newHouse(t)
	h.open()
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	first := h.desk(ready)
	h.pcscd.Kill()
	h.desk(func(d counter.Desk) bool { return d.Phase == counter.NoReader })
	_ = h.hand.Remove()
	h.pcscd.Start()
	if err := h.hand.Insert(cardsim.ACS(h.chip)); err != nil {
		t.Fatal(err)
	}
	d := h.desk(func(d counter.Desk) bool { return ready(d) && d.Insertion != first.Insertion })
	a, q := h.ask(d, quantity.CubicMetre)
	h.api(http.MethodPost, "sell", counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount}, http.StatusOK, nil)
}
