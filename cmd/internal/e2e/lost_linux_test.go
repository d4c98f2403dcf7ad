package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/counter"
	"tally/meter/quantity"
	"tally/sync/central"
	"tally/sync/contract"
)

// vanish kills the node and takes its data folder away.
func (h *house) vanish() {
	h.t.Helper()
	if err := h.node.cmd.Process.Kill(); err != nil {
		h.t.Fatal(err)
	}
	for range h.node.lines {
	}
	_ = h.node.cmd.Wait()
	if err := os.Rename(filepath.Join(h.dir, h.data), filepath.Join(h.dir, "found")); err != nil {
		h.t.Fatal(err)
	}
}

// doubt is the only order in doubt that the centre lists, once it is as wanted. The centre tells nobody when that is, so it
// is asked until then.
func (h *house) doubt(want func(central.Doubt) bool) central.Doubt {
	h.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		var list []central.Doubt
		if err := json.Unmarshal([]byte(h.run("", "tally-central", "doubts", "--all", "--json", "--config", "central.toml")), &list); err != nil {
			h.t.Fatal(err)
		}
		if len(list) == 1 && want(list[0]) {
			return list[0]
		}
		select {
		case <-tick.C:
		case <-late:
			h.t.Fatalf("the centre lists %+v", list)
		}
	}
}

// TestOrderOfAHallThatBurntDown: the write was cut before the order was on the card, and the hall is gone with its disk. The
// centre gives the order in its place; another hall writes it and sells on. When the disk turns up after all, the hall hears
// that before anything else, and the books agree.
func TestOrderOfAHallThatBurntDown(t *testing.T) {
	h := newHouse(t)
	h.open()
	other := h.second()
	before := h.chip.ReadMem()
	order := h.torn(func() bool { return !bytes.Equal(h.chip.ReadMem(), before) && !h.ordered() })
	other.at(problem(counter.CodeOpenElsewhere))
	give := []string{"doubts", "give", order.ID, "--to", "hall-02 desk 1", "--because", "hall-01 burnt down", "--config", "central.toml"}
	h.doubt(func(d central.Doubt) bool { return d.Online })
	if said := h.refused(5, "tally-central", append(give, "--node-is-lost")...); !strings.Contains(said, "is there and settles it itself") {
		t.Errorf("the centre takes an order from a node that is there: %s", said)
	}
	h.vanish()
	h.doubt(func(d central.Doubt) bool { return !d.Online })
	other.api(http.MethodPost, "orders/"+order.ID+"/take", nil, http.StatusNoContent, nil)
	h.doubt(func(d central.Doubt) bool { return len(d.Wanted) == 1 && d.Wanted[0].Station == "hall-02 desk 1" })
	if said := h.refused(5, "tally-central", give...); !strings.Contains(said, "--node-is-lost") {
		t.Errorf("the centre takes an order from a node that was there a moment ago: %s", said)
	}
	h.run("", "tally-central", append(give, "--node-is-lost", "--by", "li")...)

	d := other.desk(func(d counter.Desk) bool { return d.InDoubt != nil })
	if d.InDoubt.Of != order.ID {
		t.Fatalf("desk %+v", d)
	}
	var r counter.Receipt
	other.api(http.MethodPost, "orders/"+d.InDoubt.ID+"/retry", nil, http.StatusOK, &r)
	if r.Op != counter.OpFinish || r.Amount != 0 || r.Volume != twenty {
		t.Errorf("receipt %+v", r)
	}
	if m := other.swipe(); m.Credited != 2000 {
		t.Errorf("the meter said %+v", m)
	}
	other.desk(func(d counter.Desk) bool { return d.Phase == counter.Empty })
	other.buy("request-0000000002", 10*quantity.CubicMetre)

	if err := os.Rename(filepath.Join(h.dir, "found"), filepath.Join(h.dir, h.data)); err != nil {
		t.Fatal(err)
	}
	h.openNode()
	h.closes(order.ID)
	got := h.doubt(func(d central.Doubt) bool { return len(d.Answers) == 1 && d.Ended == contract.TypeSale })
	if len(got.Rulings) != 1 || got.Rulings[0].By != "li" || !got.Answers[0].Obeyed {
		t.Errorf("the centre has %+v", got)
	}
	h.delivered()
	other.delivered()
	h.books(central.Account{Node: "hall-01", Sales: 1, VolumeL: 20_000, AmountFen: twentyPrice},
		central.Account{Node: "hall-02", Sales: 1, VolumeL: 10_000, AmountFen: 10 * 265})
}
