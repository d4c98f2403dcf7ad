package web

import (
	"os"
	"testing"
	"time"

	"tally/cardreader"
	"tally/counter"
	"tally/counter/web/webtest"
	"tally/meter"
)

// shots is where pictures of the page go; nowhere when empty.
var shots = os.Getenv("TALLY_SHOTS")

// pictures walks through every state of the page, in both languages, on the screen of a counter PC and on an old 4:3 one,
// and looks that nothing sticks out at the side.
func pictures(t *testing.T, w *window) {
	w.f.role = counter.Leader
	for _, l := range []lang{zh, en} {
		for _, size := range [][2]int64{{1366, 768}, {1024, 768}} {
			w.album(string(l)+map[int64]string{1366: "", 1024: "-old"}[size[0]], l, size)
		}
	}
}

func (w *window) album(name string, l lang, size [2]int64) {
	w.f.change(func() { w.f.desks = []counter.Desk{{Reader: reader, Phase: counter.Empty}} })
	w.Size(size[0], size[1])
	w.Go(w.url + "/login")
	if webtest.Eval[string](w.Page, "document.documentElement.lang") != l.Tag() {
		w.Click("#lang")
		w.Wait(`document.documentElement.lang == "` + l.Tag() + `" && document.getElementById("name")`)
	}
	w.shot(name + "-1-login")
	w.enter()
	w.shot(name + "-2-empty")
	w.insert(cardreader.Insertion(size[0]))
	w.Wait(`!document.getElementById("amount").readOnly`)
	w.shot(name + "-3-card")
	w.Press("*100" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.shot(name + "-4-quote")
	hold := make(chan struct{})
	w.f.change(func() { w.f.hold = hold; w.f.desks[0].Phase = counter.Writing })
	w.Press(webtest.Enter)
	w.Wait(`!document.getElementById("busy").hidden && document.querySelector(".desk.writing")`)
	w.shot(name + "-5-writing")
	w.f.change(func() { w.f.hold = nil; w.f.desks = []counter.Desk{inserted(cardreader.Insertion(size[0]), false)} })
	close(hold)
	w.Wait(`document.querySelector(".receipt") && document.querySelector(".desk.ready")`)
	w.shot(name + "-6-receipt")
	d, o := doubted()
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.open = []counter.Order{o} })
	w.Wait(`document.querySelector(".doubt")`)
	w.shot(name + "-7-doubt")
	w.Press("v")
	w.Wait(`document.getElementById("ask").open`)
	w.shot(name + "-8-void")
	w.Press(webtest.Escape)
	w.f.change(func() { w.f.found = []counter.AccountView{wang(), wang()} })
	w.Press("/王" + webtest.Enter)
	w.Wait(`!document.getElementById("found").hidden`)
	w.shot(name + "-9-search")
	w.Press(webtest.Escape)
	w.rare(name)
	w.mishaps(name)
	w.f.change(func() { w.f.open = nil })
	w.Click("#logout")
	w.Wait(`document.getElementById("name")`)
}

// rare shows the forms of what is seldom done.
func (w *window) rare(name string) {
	dialog := func(keys, shown, as string) {
		w.Press(keys)
		w.Wait(`document.querySelector("#deed[open] ` + shown + `")`)
		w.shot(name + as)
	}
	d, o := quarantined("wu")
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.open = []counter.Order{o}; w.f.found = nil })
	w.Wait(`document.querySelector("#open [data-act=deed]")`)
	w.shot(name + "-a-quarantine")
	dialog("q", ".pick", "-b-decide")
	w.Press(webtest.Escape)
	d, _ = unswiped(int(d.Insertion) + 1)
	a := *d.Account
	a.Locked, a.Locks = true, []counter.Lock{{Reason: "拒绝安全整改，已书面通知", By: "sun", At: start}, {Reason: "卡挂失", By: "chen", At: start}}
	d.Account = &a
	d.Problem = &counter.Refusal{Code: counter.CodeLocked, Args: map[string]string{"reason": a.Locks[0].Reason, "by": "sun", "at": "2026-11-21 14:05"}}
	w.f.change(func() { w.f.open = nil; w.f.desks = []counter.Desk{d}; w.f.found = []counter.AccountView{a, wang()} })
	w.Wait(`document.querySelector("#desks .customer .tag.bad") && !document.querySelector("#open [data-act=deed]")`)
	w.Wait(`!document.getElementById("deed").open`)
	w.shot(name + "-c-locked")
	dialog("m", ".menu", "-d-menu")
	dialog("1", "fieldset", "-e-refund")
	w.Press(webtest.Escape)
	w.Wait(`!document.getElementById("deed").open`)
	w.Press("/王" + webtest.Enter)
	w.Wait(`!document.getElementById("found").hidden`)
	w.shot(name + "-f-found-locked")
	w.Press(webtest.Escape)
}

// mishaps shows what is wrong around the sale: a card that cannot be read, no reader, meters that fail, no centre, no
// service.
func (w *window) mishaps(name string) {
	up := w.f.uplink
	w.f.change(func() {
		w.f.desks = []counter.Desk{{Reader: reader, Phase: counter.Failed, Insertion: 99, Problem: &counter.Refusal{Code: "card_mute"}}}
		w.f.uplink.Connected, w.f.uplink.Central = false, false
		w.f.meters[1].Last, w.f.meters[1].Failure = nil, &meter.Failure{At: start.Add(-20 * time.Second), Code: "checksum"}
	})
	w.Wait(`document.querySelector(".desk.failed") && document.querySelectorAll("#meters .why").length == 2`)
	w.shot(name + "-g-failed")
	w.f.change(func() { w.f.desks, w.f.uplink = nil, up })
	w.Wait(`document.querySelector(".desk.no_reader")`)
	w.shot(name + "-h-no-reader")
	w.fault.Store("down")
	w.cut()
	w.Wait(`!document.getElementById("lost").hidden`)
	w.shot(name + "-i-offline")
	w.fault.Store("")
	w.Wait(`document.getElementById("lost").hidden && document.querySelector(".desk")`)
	w.f.change(func() { w.f.meters = fakeMeters() })
}

// shot takes a picture when somebody wants one, and always measures.
func (w *window) shot(name string) {
	w.t.Helper()
	w.Shot(shots, name)
	for _, wide := range webtest.Eval[[]string](w.Page, `[...document.querySelectorAll("html, body > header, main, #card, #counter, aside, aside > section, #found, .receipt, .quote, #deed")]
		.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.tagName + "#" + e.id + "." + e.className + " " + e.scrollWidth + ">" + e.clientWidth)`) {
		w.t.Errorf("%s: %s sticks out", name, wide)
	}
}
