package web

import (
	"strings"
	"testing"

	"tally/counter"
	"tally/counter/web/webtest"
)

const deedOpen = `document.getElementById("deed").open`

// held puts a quarantined order into the list, and its card on the desk.
func (w *window) held(seller string) counter.Order {
	d, o := quarantined(seller)
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.open = []counter.Order{o} })
	w.WaitText("#open", "已隔离")
	return o
}

// shut waits until the dialog is gone, with everything that stood in it.
func (w *window) shut() {
	w.Wait(`!` + deedOpen + ` && !document.getElementById("deed").firstElementChild && document.activeElement.id == "amount"`)
}

// A leader ends a quarantined order with the keyboard: facts, a choice, a reason, a question.
func decideByKeys(t *testing.T, w *window) {
	w.f.role = counter.Leader
	w.enter()
	o := w.held("wu")
	w.Press("q")
	w.Wait(deedOpen)
	for _, want := range []string{"00001234", "wu", "20 m³", "58.30", "#8", "132.3", "20.0 m³ #7", "112.3", "已刷表", "2026-11-21 14:01:33"} {
		if !strings.Contains(strings.ReplaceAll(w.Text("#deed"), "\n", " "), want) {
			t.Errorf("the leader does not see %s: %s", want, w.Text("#deed"))
		}
	}
	w.Press(webtest.Enter) // nothing is chosen, nothing is written down
	w.Press(" " + webtest.Enter)
	w.Wait(`document.activeElement.name == "reason"`)
	w.Press("表上读数已增加" + webtest.Enter)
	w.Wait(`document.getElementById("ask").open`)
	if q := w.Text("#ask-text"); !strings.Contains(q, "已写入") || !strings.Contains(q, "¥ 58.30") {
		t.Errorf("question %q", q)
	}
	w.Press(webtest.Escape)
	w.Wait(`!document.getElementById("ask").open && ` + deedOpen)
	if len(w.f.done()) != 0 {
		t.Fatal("decided without a yes")
	}
	w.Press(webtest.Enter)
	w.Wait(`document.getElementById("ask").open`)
	w.Press(webtest.Enter)
	w.WaitText("#note", "已判定：已写入")
	w.shut()
	if got := w.f.done(); len(got) != 1 || got[0] != "Decide chen "+o.ID+" written 表上读数已增加" {
		t.Errorf("done %q", got)
	}
	w.WaitText("#open", "没有未结订单")
}

func decideNotWritten(t *testing.T, w *window) {
	w.f.role = counter.Leader
	w.f.change(func() { w.f.refuse["Decide"] = &counter.Refusal{Code: counter.CodeAlreadyDone} })
	w.enter()
	o := w.held("wu")
	w.Click("#open [data-act=deed]")
	w.Wait(deedOpen)
	w.Click("#deed [value=not_written]")
	w.Click("#deed textarea")
	w.Press("没有充入" + webtest.Enter)
	w.Wait(`document.getElementById("ask").open`)
	w.Press(webtest.Enter)
	w.Wait(`document.querySelector("#note [data-code=already_done]")`)
	w.shut()
	w.f.change(func() { delete(w.f.refuse, "Decide") })
	w.Press("q")
	w.Wait(deedOpen)
	w.Click("#deed [value=not_written]")
	w.Click("#deed textarea")
	w.Press("没有充入" + webtest.Enter)
	w.Wait(`document.getElementById("ask").open`)
	w.Press(webtest.Enter)
	w.WaitText("#note", "款项退还用户")
	if got := w.f.done(); len(got) != 1 || got[0] != "Decide chen "+o.ID+" not_written 没有充入" {
		t.Errorf("done %q", got)
	}
}

// A clerk, and a leader who sold it, see that somebody else must decide, and have nothing to press.
func decideIsForOthers(t *testing.T, w *window) {
	w.enter()
	w.held("wu")
	w.WaitText("#open", "须由班长判定")
	w.Press("q")
	if w.Text("#open button") != "" || w.Text("#deed") != "" {
		t.Error("a clerk may decide")
	}
	w.f.role = counter.Leader
	w.Click("#logout")
	w.enter()
	w.held("chen")
	w.WaitText("#open", "须由另一位班长判定")
	w.Press("q")
	if w.Text("#open button") != "" || w.Text("#deed") != "" {
		t.Error("the seller may decide")
	}
}

// open opens an entry of the menu by its number.
func (w *window) menu(n string) {
	w.Press("m")
	w.Wait(`document.querySelector("#deed[open] .menu")`)
	w.Press(n)
	w.Wait(`document.querySelector("#deed[open] form")`)
}

func (w *window) approve(name, password string) {
	w.Wait(`document.querySelector("#deed[open] [name='approver.name']")`)
	w.Press(name + webtest.Tab + password + webtest.Enter)
}

// The second person types name and password at the clerk's place; the clerk stays logged in, the password goes nowhere.
func refundByKeys(t *testing.T, w *window) {
	w.enter()
	d, o := unswiped(5)
	w.show(d)
	w.WaitText("#standing", "还没有刷入表内")
	w.menu("1")
	for _, want := range []string{"王**", "00001234", "000030", "20 m³", "58.30", "另一位班长"} {
		if !strings.Contains(w.Text("#deed"), want) {
			t.Errorf("the form lacks %s: %s", want, w.Text("#deed"))
		}
	}
	w.Press("用户搬家" + webtest.Enter)
	w.Wait(`document.activeElement.name == "approver.name"`)
	w.approve("zhou", "wrong")
	w.Wait(`document.querySelector("#deed .trouble [data-code=approver]")`)
	if v := webtest.Eval[string](w.Page, `document.querySelector("#deed [type=password]").value + document.activeElement.name`); v != "approver.password" {
		t.Errorf("after a wrong password: %q", v)
	}
	w.Press(goodPassword + webtest.Enter)
	w.WaitText("#receipt", "退气小票")
	for _, want := range []string{"-58.30", "负伍拾捌元叁角整", "退还用户"} {
		if !strings.Contains(w.Text("#receipt"), want) {
			t.Errorf("the receipt lacks %s: %s", want, w.Text("#receipt"))
		}
	}
	w.shut()
	if got := w.f.done(); len(got) != 1 || got[0] != "Refund chen zhou "+reader+" 5 "+o.ID+" 用户搬家" {
		t.Errorf("done %q", got)
	}
	if n := w.sessions(); n != 1 {
		t.Errorf("%d sessions are open, want the clerk's", n)
	}
	if strings.Contains(w.HTML(), goodPassword) {
		t.Error("the password is in the document")
	}
}

func (w *window) sessions() int {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return len(w.f.sessions)
}

// When the card is taken out, the form goes with everything in it; nothing was asked.
func refundCardGone(t *testing.T, w *window) {
	w.enter()
	d, _ := unswiped(5)
	w.show(d)
	w.WaitText("#standing", "还没有刷入表内")
	w.menu("1")
	w.Press("用户搬家" + webtest.Enter + "zhou" + webtest.Tab + goodPassword)
	w.remove()
	w.shut()
	w.clean(t)
	if len(w.f.done()) != 0 || w.f.count("Login") != 1 {
		t.Error("something was asked for")
	}
}

// The answer gets lost: the same form confirmed again is the same refund.
func refundLostAnswer(t *testing.T, w *window) {
	w.enter()
	d, _ := unswiped(5)
	w.show(d)
	w.WaitText("#standing", "还没有刷入表内")
	w.menu("1")
	w.fault.Store("lost")
	w.Press("用户搬家" + webtest.Enter)
	w.approve("zhou", goodPassword)
	w.WaitText("#deed .trouble", "结果不明")
	w.fault.Store("")
	w.Press(goodPassword + webtest.Enter)
	w.WaitText("#receipt", "退气小票")
	if got := w.f.done(); len(got) != 1 {
		t.Errorf("done %q", got)
	}
}

// The card is pulled during the write: how it ended is still said, and nothing of the customer is shown.
func refundPulled(t *testing.T, w *window) {
	w.enter()
	hold := make(chan struct{})
	w.f.change(func() { w.f.hold = hold; w.f.refuse["Refund"] = &counter.Refusal{Code: counter.CodeWriteUnknown} })
	d, _ := unswiped(5)
	w.show(d)
	w.WaitText("#standing", "还没有刷入表内")
	w.menu("1")
	w.Press("用户搬家" + webtest.Enter)
	w.approve("zhou", goodPassword)
	w.WaitText("#deed", "请勿拔卡")
	w.Press(webtest.Escape)
	w.Wait(deedOpen)
	w.remove()
	w.Wait(`!` + deedOpen)
	close(hold)
	w.Wait(`document.querySelector("#note [data-code=write_unknown]")`)
	w.clean(t)
}

func makeUpByKeys(t *testing.T, w *window) {
	w.enter()
	w.show(lostOrder(6))
	w.WaitText("#standing", "比账目旧")
	w.menu("1") // there is nothing to refund
	w.WaitText("#deed", "掉气补气")
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "掉气补气小票")
	if text := w.Text("#receipt"); strings.Contains(text, "¥") || !strings.Contains(text, "20 m³") {
		t.Errorf("receipt %s", text)
	}
	if got := w.f.done(); len(got) != 1 || got[0] != "MakeUp chen "+reader+" 6" {
		t.Errorf("done %q", got)
	}
}

// On a good, swiped card there is nothing to give back, and the menu says so.
func menuOffersNothing(t *testing.T, w *window) {
	w.enter()
	w.Press("m")
	w.WaitText("#deed", "插入用户卡后可办理")
	w.Press(webtest.Escape)
	w.shut()
	w.insert(1)
	w.Press("12m")
	w.WaitText("#deed .menu", "没有丢失")
	w.Press("12")
	if !webtest.Eval[bool](w.Page, `document.querySelectorAll("#deed .menu li button:disabled").length == 2 && document.querySelector("#deed .menu") != null`) {
		t.Errorf("menu %s", w.Text("#deed"))
	}
	w.Press(webtest.Escape)
	w.shut()
	if w.amount() != "12" {
		t.Errorf("the field holds %q", w.amount())
	}
}

// A leader stops sales from the desk and lifts the stop of somebody else from the search.
func locking(t *testing.T, w *window) {
	w.f.role = counter.Leader
	w.enter()
	d := inserted(1, true)
	d.Account.Locked = true
	d.Account.Locks = []counter.Lock{{Reason: "拒绝整改", By: "sun", At: start}, {Reason: "卡挂失", By: "chen", At: start}}
	d.Problem = &counter.Refusal{Code: counter.CodeLocked, Args: map[string]string{"reason": "拒绝整改", "by": "sun", "at": "2026-11-21 14:05"}}
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.found = []counter.AccountView{*d.Account} })
	w.WaitText("#standing", "拒绝整改（sun，2026-11-21 14:05）")
	w.WaitText("#desks", "卡挂失 chen · 2026-11-21 14:05:33")
	w.menu("1")
	w.WaitText("#deed h2", "设置停售")
	w.Press("欠费" + webtest.Enter)
	w.WaitText("#note", "已停售")
	w.shut()
	w.Press("/王" + webtest.Enter)
	w.WaitText("#found", "拒绝整改 sun")
	if n := webtest.Eval[int](w.Page, `document.querySelectorAll("#found [data-deed^=release]").length`); n != 2 { // a button and its form
		t.Errorf("%d ways to release; the leader's own lock is not theirs to lift", n)
	}
	w.Click("#found button[data-deed^=release]")
	w.WaitText("#deed h2", "解除停售")
	w.Press("整改完成" + webtest.Enter)
	w.WaitText("#note", "停售已解除")
	w.shut()
	want := []string{"Lock chen 0100001234 欠费", "Unlock chen 0100001234 2026-11-21T06:05:33Z 整改完成"}
	if got := w.f.done(); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("done %q", got)
	}
}
