package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tally/cardreader"
	"tally/counter"
	"tally/counter/web/webtest"
)

func insertion(n int) cardreader.Insertion { return cardreader.Insertion(n) }

func language(t *testing.T, w *window) {
	w.Wait(`document.documentElement.lang == "zh-CN"`)
	w.enter()
	w.Press("l")
	w.Wait(`document.documentElement.lang == "en" && document.activeElement.id == "amount"`)
	w.insert(1)
	w.WaitText("#desks", "Customer no.")
	w.Go(w.url)
	w.Wait(`document.documentElement.lang == "en"`)
	w.Click("#logout")
	w.Wait(`document.getElementById("name") && document.documentElement.lang == "en"`)
}

// What happens elsewhere shows at once and leaves the field, its content and the focus alone.
func live(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("12")
	w.f.change(func() {
		w.f.uplink.Waiting, w.f.uplink.Acked = 9, 1300
		w.f.meters[0].Last.At = start.Add(time.Second)
		w.f.desks[0].Card.WriteBack.Remaining = 99
	})
	w.WaitText("#waiting", "9")
	w.WaitText("#acked", "1300")
	w.WaitText("#desks", "9.9")
	w.Wait(`document.querySelector("#meters").innerText.includes("14:05:34")`)
	if w.amount() != "12" {
		t.Errorf("the field lost its content: %q", w.amount())
	}
	w.focused(t)
	w.Press(".5")
	if w.amount() != "12.5" {
		t.Errorf("typing went on as %q", w.amount())
	}
}

func (w *window) doubt() counter.Order {
	d, o := doubted()
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.open = []counter.Order{o} })
	w.WaitText("#standing", "58.30")
	w.WaitText("#open", "结果未明")
	return o
}

func doubtRetry(t *testing.T, w *window) {
	w.enter()
	o := w.doubt()
	if !strings.Contains(w.Text("#standing"), "证明订单没有写到卡上") {
		t.Errorf("no explanation: %s", w.Text("#standing"))
	}
	w.Press("9" + webtest.Enter)
	w.Press("w")
	w.WaitText("#receipt", o.ID)
	if w.f.count("Retry "+o.ID) != 1 || w.f.count("Quote") != 0 {
		t.Error("not exactly one retry, or a quote")
	}
	w.WaitText("#open", "没有未结订单")
}

// Money goes out of the drawer only after a second, explicit yes.
func doubtVoid(t *testing.T, w *window) {
	w.enter()
	o := w.doubt()
	w.Press("v")
	w.Wait(`document.getElementById("ask").open`)
	w.remove()
	w.Wait(`!document.getElementById("ask").open`)
	w.doubt()
	w.Press("v")
	w.Wait(`document.getElementById("ask").open`)
	if !strings.Contains(w.Text("#ask"), "¥ 58.30") {
		t.Errorf("the question does not name the sum: %s", w.Text("#ask"))
	}
	w.Press(webtest.Escape)
	w.Wait(`!document.getElementById("ask").open && document.activeElement.id == "amount"`)
	if w.f.count("Void "+o.ID) != 0 {
		t.Fatal("Escape voided")
	}
	w.Press("v")
	w.Wait(`document.getElementById("ask").open`)
	w.Press(webtest.Enter)
	w.WaitText("#note", "款项退还用户")
	w.Wait(`!document.getElementById("amount").readOnly`)
	if w.f.count("Void "+o.ID) != 1 {
		t.Error("not exactly one void")
	}
	w.focused(t)
}

func quarantine(t *testing.T, w *window) {
	w.enter()
	d, _ := doubted()
	d.InDoubt.State = counter.Quarantined
	w.show(d)
	w.WaitText("#standing", "班长")
	w.Press("wv")
	if w.Text("#standing button") != "" || w.f.count("Retry "+d.InDoubt.ID)+w.f.count("Void "+d.InDoubt.ID) != 0 {
		t.Error("a clerk is offered a choice about a quarantined order")
	}
}

func searching(t *testing.T, w *window) {
	w.f.change(func() { w.f.found = []counter.AccountView{wang()} })
	w.enter()
	w.Press("/wpl滨江" + webtest.Escape)
	w.Wait(`document.activeElement.id == "amount"`)
	w.Press("/滨江" + webtest.Enter)
	w.WaitText("#found", "0100001234")
	w.Press(webtest.Escape)
	w.Wait(`document.activeElement.id == "amount" && !document.getElementById("found").firstElementChild`)
	w.clean(t)
	w.Press("/滨江" + webtest.Enter)
	w.WaitText("#found", "0100001234")
	w.show(counter.Desk{Reader: reader, Phase: counter.Reading, Insertion: 5}) // the next customer must not see who was found
	w.Wait(`!document.getElementById("found").firstElementChild`)
	w.clean(t)
}

func benchKeys(t *testing.T, w *window) {
	w.enter()
	w.Wait(`document.querySelector("#bench [aria-current][data-card=c1]")`)
	w.Press("n")
	w.Wait(`document.querySelector("#bench [aria-current][data-card=c2]")`)
	w.Press("nnnni")
	w.WaitText("#desks", "王**")
	w.focused(t)
	w.Press("12r")
	w.Wait(`document.querySelector(".desk.empty")`)
	w.clean(t)
	w.Press("s")
	w.Wait(`document.querySelector("#bench [data-card=c1][data-where=meter]")`)
	w.Press("u")
	w.WaitText("#bench .icmeter", "101.5")
	w.Press("gu") // to the second meter
	w.WaitText("#bench .icmeter[aria-current]", "201.5")
	w.Press("g")
	w.WaitText("#bench .icmeter[aria-current]", "101.5")
	w.Press("t")
	w.Wait(`document.querySelector("#bench [data-card=c1][data-where=table]")`)
	w.Click("#bench-insert-c1")
	w.WaitText("#desks", "王**")
	w.focused(t)
}

// heldButton: what comes while the mouse is down must not take the button away from under it. Another window tells when
// it has come; a page that is held for longer than a second goes on, so a busy machine gets many tries.
func heldButton(t *testing.T, w *window) {
	w.enter()
	other := &window{Page: w.browser.Open(t, w.url), t: t, f: w.f, h: w.h}
	other.enter()
	use := func(volume string) { w.f.change(func() { w.f.bench.Meters[0].Used = volume }) }
	for try := range 100 {
		volume := fmt.Sprintf("%d.5", 300+try)
		w.Hold("#bench-insert-c1", func() {
			use(volume)
			other.WaitText("#bench .icmeter", volume)
			webtest.Eval[bool](w.Page, "true")
		})
		w.WaitText("#bench .icmeter", volume) // it comes afterwards
		if w.f.count("Do insert") > 0 {
			w.WaitText("#desks", "王**")
			return
		}
	}
	t.Error("no click has reached the bench")
}

func twoReaders(t *testing.T, w *window) {
	w.enter()
	left, right := inserted(1, true), inserted(2, false)
	left.Reader, right.Reader, right.Account.Name = "left", "right", "李**"
	w.show(left, right)
	w.WaitText("#desks", "王**")
	w.Wait(`!document.querySelector("#standing > :not([hidden])")`)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Press("d")
	w.WaitText("#desks", "李**")
	w.Wait(`!document.querySelector(".quote") && document.querySelector("#standing > :not([hidden])")`)
	if strings.Contains(w.Text("#desks"), "王**") || w.amount() != "" {
		t.Error("two customers on the screen")
	}
}

func onlooker(t *testing.T, w *window) {
	w.f.change(func() { w.f.role = counter.Technician })
	w.enter()
	w.show(inserted(1, true))
	w.WaitText("#desks", "王**")
	w.WaitText("#wait", "只能查看")
	w.Press("20" + webtest.Enter)
	if w.amount() != "" || w.f.count("Quote") != 0 {
		t.Error("a technician may type an amount")
	}
}

// When the service cannot be reached the page says so and shows no card, because nobody knows what lies there.
func lostService(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("12")
	w.fault.Store("down")
	w.cut()
	w.Wait(`!document.getElementById("lost").hidden && !document.querySelector(".desk")`)
	w.fault.Store("")
	w.Wait(`document.getElementById("lost").hidden && document.querySelector(".desk.ready")`)
	if w.amount() != "12" {
		t.Errorf("the same card is still there, but the field holds %q", w.amount())
	}
}

func sessionGone(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.f.mu.Lock()
	for token := range w.f.sessions {
		delete(w.f.sessions, token)
	}
	w.f.mu.Unlock()
	w.Press("12" + webtest.Enter)
	w.Wait(`document.getElementById("name")`)
	w.WaitText(".note", "登录已过期")
}

// Under a name of the local network and without TLS the browser sends no Sec-Fetch-Site, so the page's own forms must
// carry their origin.
func localNetwork(t *testing.T, w *window) {
	w.Go(strings.Replace(w.url, "127.0.0.1", "hall.example", 1))
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "000001")
	w.Press("l")
	w.Wait(`document.documentElement.lang == "en"`)
}
