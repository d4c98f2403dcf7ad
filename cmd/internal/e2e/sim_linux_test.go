package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/dump"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/counter"
	"tally/meter/quantity"
)

// TestTrainingWithSimulatedHardware: what a trainer does with the shipped programs alone, on each family of chips. A
// simulated card is plugged into the virtual reader, the counter sells, the card's bytes and its history are looked at, and
// a simulated meter takes the order.
func TestTrainingWithSimulatedHardware(t *testing.T) {
	for _, name := range []string{icmeter.GEN4442, icmeter.GEN102, icmeter.GENCPU} {
		t.Run(name, func(t *testing.T) { train(t, name) })
	}
}

// The keys of the trainer's cards, as the security officer types them and as the card factory has them.
const (
	keyList = "vend 00112233445566778899aabbccddeeff\nline ffeeddccbbaa99887766554433221100\ncode 7a7b\nerase_1 c1c2c3c4c5c6\nerase_2 e1e2e3e4\n" +
		"meter 0123456789abcdef0123456789abcdef\ncontrol fedcba9876543210fedcba9876543210\ntransport 404142434445464748494a4b4c4d4e4f\ntransport_code f0f1\n"
	keyPlain = `{"vend":"00112233445566778899aabbccddeeff","line":"ffeeddccbbaa99887766554433221100","code":"7a7b","erase_1":"c1c2c3c4c5c6","erase_2":"e1e2e3e4",
"meter":"0123456789abcdef0123456789abcdef","control":"fedcba9876543210fedcba9876543210","transport":"404142434445464748494a4b4c4d4e4f","transport_code":"f0f1"}`
)

func train(t *testing.T, name string) {
	layout := name + " v1"
	h := newHouse(t)
	h.knowsLayout(layout)
	h.open()
	sim := h.start("tally", "sim", "card", "--vpcd", h.pcscd.Readers[0].Addr, "--file", "lily.card", "--psc-file", "psc", "--key-file", "plain.keys",
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
	h.run("", "tally", "sim", "icmeter", "new", "flat.meter", "--number", meterNo, "--layout", name)
	var r icmeter.Result
	if err := json.Unmarshal([]byte(h.run("", "tally", "sim", "icmeter", "swipe", "flat.meter", "lily.card", "--json")), &r); err != nil {
		t.Fatal(err)
	}
	if r.Credited != 500 || !r.WroteBack {
		t.Errorf("the meter said %+v", r)
	}
}

// knowsLayout makes the node's cards those of a layout, with the trainer's keys.
func (h *house) knowsLayout(layout string) {
	h.t.Helper()
	h.run(keyList, "tally", "card", "seal-keys", "cards.keys", "--keys", "-", "--machine-key", filepath.Join(h.dir, "machine.key"))
	h.write("plain.keys", keyPlain)
	config, err := os.ReadFile(filepath.Join(h.dir, h.config))
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(h.config, strings.Replace(string(config), "psc_file = \"psc\"\n",
		fmt.Sprintf("psc_file = \"psc\"\nprofiles = [%q]\nkey_file = \"cards.keys\"\nmachine_key = %q\n", layout, filepath.Join(h.dir, "machine.key")), 1))
}

// TestCardsIssuedFromBlanks: a blank of each family of chips, as its maker delivers it, lies in the virtual reader of a real
// pcscd. The counter makes it a customer's card and sells onto it; a simulated meter takes the order. The card keeps what
// it became when it is taken out and put in again.
func TestCardsIssuedFromBlanks(t *testing.T) {
	for _, name := range []string{icmeter.GEN4442, icmeter.GEN102, icmeter.GENCPU} {
		t.Run(name, func(t *testing.T) { issueBlank(t, name) })
	}
}

func issueBlank(t *testing.T, name string) {
	layout := name + " v1"
	h := newHouse(t)
	h.knowsLayout(layout)
	const number = "00004711"
	h.put(counter.Account{No: "100002", Name: "李建国", Phone: "13800010002", PriceClass: "residential", Meter: meterNo})
	h.open()
	insert := func() *process {
		sim := h.start("tally", "sim", "card", "--vpcd", h.pcscd.Readers[0].Addr, "--file", "new.card", "--profile", layout, "--blank", "--key-file", "plain.keys")
		sim.said("Ctrl-C pulls it")
		return sim
	}
	sim := insert()
	d := h.desk(func(d counter.Desk) bool { return d.Card != nil && d.Card.Condition == purse.Empty && ready(d) })
	h.api(http.MethodPost, "cards/issue", counter.Issue{Request: "request-0000000001", Reader: d.Reader, Insertion: d.Insertion, Account: "100002", CardNo: number}, http.StatusOK, nil)
	issued := func(d counter.Desk) bool { return ready(d) && d.Card.Card.No == number }
	h.desk(issued)
	sim.stop()
	h.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })

	sim = insert() // the file is no blank any more
	d = h.desk(issued)
	a, q := h.ask(d, 5*quantity.CubicMetre)
	h.api(http.MethodPost, "sell", counter.Sell{Request: "request-0000000002", Ask: a, Volume: q.Volume, Amount: q.Amount}, http.StatusOK, nil)
	h.desk(func(d counter.Desk) bool { return issued(d) && d.Card.Order != nil && d.Card.Order.Qty == 500 })
	sim.stop()
	h.run("", "tally", "sim", "icmeter", "new", "flat.meter", "--number", meterNo, "--layout", name)
	var r icmeter.Result
	if err := json.Unmarshal([]byte(h.run("", "tally", "sim", "icmeter", "swipe", "flat.meter", "new.card", "--json")), &r); err != nil {
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
