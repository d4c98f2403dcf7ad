package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/counter/web"
	"tally/counter/web/webtest"
)

// TestSellingOnEveryChipInTheBrowser: a clerk sells to the customers with a CPU card and an AT88SC102 as to any other,
// their own meters credit exactly that, and the page says which chip lies there in both languages.
func TestSellingOnEveryChipInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	url, _ := start(t, dir)
	b := webtest.Start(t)
	p := login(t, b, url)
	for i, c := range []struct{ card, meter, name string }{{"00001005", "20010005", "孙*"}, {"00001006", "20010006", "周*"}} {
		p.Click("#bench-insert-" + c.card)
		p.WaitText("#desks", c.name)
		p.Wait(`!document.getElementById("amount").readOnly`)
		p.Shot(shots, "demo-chip-"+c.card)
		p.Press("7" + webtest.Enter)
		p.WaitText("#quote", "18.55")
		p.Press(webtest.Enter)
		p.WaitText("#receipt", "壹拾捌元伍角伍分")
		if got := sold(t, dir, i+1); got != (sale{volume: 7_000, amount: 1855, card: c.card}) {
			t.Errorf("the centre has %+v", got)
		}
		p.Press(webtest.Escape)
		p.Press("r")
		p.Wait(`document.querySelector('#bench li[data-card="` + c.card + `"]').dataset.where == "table"`)
		choose(t, p, "n", `#bench li[data-card="`+c.card+`"]`)
		choose(t, p, "g", `#bench .icmeter[data-meter="`+c.meter+`"]`)
		p.Press("s")
		p.WaitText(`#bench .icmeter[data-meter="`+c.meter+`"]`, "7.00")
		p.Wait(`(() => { const r = document.querySelector('#bench .icmeter[data-meter="` + c.meter + `"]').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; })()`)
		p.Shot(shots, "demo-chip-"+c.card+"-meter")
	}
	for _, problem := range p.Problems() {
		t.Errorf("console: %s", problem)
	}
}

// choose presses a key until the bench's mark has gone to something; it must be there before it has gone round.
func choose(t *testing.T, p *webtest.Page, key, selector string) {
	t.Helper()
	for range len(cards) + len(icMeters) {
		if webtest.Eval[bool](p, `document.querySelector('`+selector+`').hasAttribute("aria-current")`) {
			return
		}
		p.Press(key)
	}
	t.Fatalf("the key %s does not lead to %s", key, selector)
}

// TestMetersOfTheBench: each customer's meter has the slot of the customer's card; another chip shows it nothing, and
// neither harms the other.
func TestMetersOfTheBench(t *testing.T) {
	dir := t.TempDir()
	b, _, err := openBench(dir, cardsim.NewSource(readerName), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	do := func(a web.BenchAction) {
		t.Helper()
		if err := b.Do(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	said := func(meter string) string { return b.meter(meter).said }
	for _, c := range cards {
		m := b.meter(c.meter)
		if m == nil {
			continue
		}
		do(web.BenchAction{Do: "swipe", Card: c.no, Meter: c.meter})
		if got := said(c.meter); got != string(icmeter.ReasonNoOrder) && got != "credited" {
			t.Errorf("card %s in its own meter: %q", c.no, got)
		}
		do(web.BenchAction{Do: "take", Card: c.no})
	}
	before, err := os.ReadFile(filepath.Join(dir, "cards", "00001005.card"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"20010001", "20010006"} {
		do(web.BenchAction{Do: "swipe", Card: "00001005", Meter: other})
		if got := said(other); got != string(icmeter.ReasonLayout) {
			t.Errorf("a CPU card in meter %s: %q", other, got)
		}
		do(web.BenchAction{Do: "take", Card: "00001005"})
	}
	if after, err := os.ReadFile(filepath.Join(dir, "cards", "00001005.card")); err != nil || string(after) != string(before) {
		t.Errorf("the card was changed by meters that it does not fit: %v", err)
	}
}
