package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/dump"
	"tally/cmd/internal/control"
	"tally/counter"
	"tally/meter/quantity"
)

// TestTrainingWithSimulatedHardware: what a trainer does with the shipped programs alone. A simulated card is plugged
// into the virtual reader, the counter sells, the card's bytes and its history are looked at, and a simulated meter
// takes the order.
func TestTrainingWithSimulatedHardware(t *testing.T) {
	h := newHouse(t)
	h.open()
	sim := h.start("tally", "sim", "card", "--vpcd", h.pcscd.Readers[0].Addr, "--file", "lily.card", "--psc-file", "psc",
		"--profile", layout, "--card", "0571-"+cardNo, "--meter", meterNo)
	sim.said("Ctrl-C pulls it")
	d := h.desk(ready)
	h.run("", "tally", "card", "dump", "--json", "-o", "before.json", "--data-dir", "data")
	a, q := h.ask(d, 5*quantity.CubicMetre)
	h.api(http.MethodPost, "sell", counter.Sell{Request: "request-0000000001", Ask: a, Volume: q.Volume, Amount: q.Amount}, http.StatusOK, nil)
	h.desk(func(d counter.Desk) bool { return ready(d) && d.Card.Order != nil })
	h.run("", "tally", "card", "dump", "--json", "-o", "after.json", "--data-dir", "data")
	h.run("", "tally", "card", "diff", "ledger", "after.json", "--data-dir", "data") // exits with 1 when they differ
	h.run("", "tally", "card", "resolve", d.Reader, "--data-dir", "data")            // exits with 1 when an order is open

	var before, after dump.Dump
	h.decode("before.json", &before)
	h.decode("after.json", &after)
	if string(before.Image) == string(after.Image) || after.Profile != layout {
		t.Errorf("the dumps are %x and %x of %q", before.Image, after.Image, after.Profile)
	}
	var history struct{ Orders []control.CardOrder }
	if err := json.Unmarshal([]byte(h.run("", "tally", "card", "history", "--json", "--data-dir", "data")), &history); err != nil {
		t.Fatal(err)
	}
	if len(history.Orders) != 1 || history.Orders[0].Volume != q.Volume || history.Orders[0].State != counter.Done {
		t.Errorf("history %+v", history.Orders)
	}

	sim.stop()
	h.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })
	h.run("", "tally", "sim", "icmeter", "new", "flat.meter", "--number", meterNo)
	var r icmeter.Result
	if err := json.Unmarshal([]byte(h.run("", "tally", "sim", "icmeter", "swipe", "flat.meter", "lily.card", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Credited != 500 || !r.WroteBack {
		t.Errorf("the meter said %+v", r)
	}
}

func (h *house) decode(file string, into any) {
	h.t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.dir, file))
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}
