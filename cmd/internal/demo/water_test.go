package demo

import (
	"strings"
	"testing"

	"tally/counter/web/webtest"
)

// TestSellingWaterInTheBrowser: to a water customer the page speaks of water in both languages, the price is that of water
// over two tiers, the water meter credits what was bought, and the centre has the sale.
func TestSellingWaterInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	url, _ := start(t, dir)
	b := webtest.Start(t)
	p := login(t, b, url)
	choose(t, p, "n", `#bench li[data-card="00001007"]`)
	p.Press("i")
	p.WaitText("#desks", "吴**")
	p.WaitText("#desks", "居民用水")
	p.Wait(`!document.getElementById("amount").readOnly`)
	if got := p.Text("#what"); got != "购买水量" {
		t.Errorf("the clerk is asked for %q", got)
	}
	p.Shot(shots, "demo-water-card")
	p.Press("10" + webtest.Enter)
	p.WaitText("#quote", "32.80") // 6 m³ at 2.90 and 4 m³ at 3.85
	p.Press(webtest.Enter)
	p.WaitText("#receipt", "售水小票")
	p.Shot(shots, "demo-water-receipt")
	if over := webtest.Eval[float64](p, `(() => { const c = document.getElementById("counter"); return c.scrollHeight - c.clientHeight + c.scrollTop; })()`); over > 0 {
		t.Errorf("a receipt of two tiers is %v pixels too long for a screen 768 high", over)
	}
	for _, at := range []string{"#desks", "#receipt", "#standing"} {
		if text := p.Text(at); strings.Contains(text, "气") {
			t.Errorf("%s speaks of gas: %s", at, text)
		}
	}
	if got := sold(t, dir, 1); got != (sale{volume: 10_000, amount: 3280, card: "00001007"}) {
		t.Errorf("the centre has %+v", got)
	}
	p.Press(webtest.Escape)
	p.Press("r")
	p.Wait(`document.querySelector('#bench li[data-card="00001007"]').dataset.where == "table"`)
	p.Click("#bench-look-20010007")
	p.Wait(`document.querySelector('#bench .icmeter[data-meter="20010007"]').hasAttribute("aria-current")`)
	p.WaitText(`#bench .icmeter[aria-current]`, "水表")
	p.Press("s")
	p.WaitText(`#bench .icmeter[aria-current]`, "10.00")
	p.Shot(shots, "demo-water-meter")

	p.Press("l")
	p.Wait(`document.documentElement.lang == "en" && document.querySelector("#bench li[aria-current]")`)
	p.Press("t")
	p.Wait(`document.querySelector('#bench li[data-card="00001007"]').dataset.where == "table"`)
	choose(t, p, "n", `#bench li[data-card="00001007"]`)
	p.Press("i")
	p.WaitText("#desks", "Residential water")
	p.Wait(`!document.getElementById("amount").readOnly`)
	if text := strings.ToLower(p.Text("#desks") + p.Text("#what") + p.Text("#standing")); strings.Contains(text, "gas") || !strings.Contains(text, "water") {
		t.Errorf("in English: %s", text)
	}
	p.Shot(shots, "demo-water-en")
	for _, problem := range p.Problems() {
		t.Errorf("console: %s", problem)
	}
}

// TestTheBenchFitsOnTheScreen: on a screen 768 high every card and every meter of the bench is seen without scrolling, in
// both languages, whichever meter is marked; what lies below it is the remote meters.
func TestTheBenchFitsOnTheScreen(t *testing.T) {
	url, _ := start(t, t.TempDir())
	p := login(t, webtest.Start(t), url)
	p.Press("s") // one meter has something to say of its last card
	p.Wait(`document.querySelector('#bench li[data-card="00001001"]').dataset.where == "meter"`)
	for _, lang := range []string{"zh-CN", "en"} {
		if webtest.Eval[string](p, "document.documentElement.lang") != lang {
			p.Press("l")
			p.Wait(`document.documentElement.lang == "` + lang + `" && document.querySelector("#bench li[aria-current]")`)
		}
		for range icMeters {
			p.Press("g")
			type measured struct{ Bottom, Room, Wide, Scrolled float64 }
			m := webtest.Eval[measured](p, `(() => {
				const aside = document.querySelector("aside"), bench = document.getElementById("bench");
				return { bottom: bench.getBoundingClientRect().bottom - aside.getBoundingClientRect().top, room: aside.clientHeight,
					wide: bench.scrollWidth - bench.clientWidth, scrolled: aside.scrollTop + document.documentElement.scrollHeight - innerHeight };
			})()`)
			if m.Bottom > m.Room || m.Wide > 0 || m.Scrolled > 0 {
				t.Errorf("%s: %+v", lang, m)
			}
		}
		p.Shot(shots, "demo-bench-"+lang)
	}
}
