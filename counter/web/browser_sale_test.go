package web

import (
	"strings"
	"testing"

	"tally/counter"
	"tally/counter/web/webtest"
)

func keyboardSale(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.focused(t)
	w.Press("a2x0.56")
	if got := w.amount(); got != "20.5" {
		t.Errorf("the field took %q, want digits and the one decimal that the card has", got)
	}
	w.Press(webtest.Enter)
	w.WaitText("#quote", "59.89")
	if w.f.count("Sell") != 0 {
		t.Error("the first Enter sold")
	}
	w.focused(t)
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "000001")
	for _, want := range []string{"叁佰贰拾伍元零肆分", "陈静", "2026-11-21 14:05:33", "UTC+8", "王**", "20.5", "59.89"} {
		if !strings.Contains(w.Text("#receipt"), want) {
			t.Errorf("receipt lacks %s: %s", want, w.Text("#receipt"))
		}
	}
	w.Press(webtest.Enter + "5" + webtest.Enter)
	if w.sales() != 1 || w.amount() != "" {
		t.Error("keys after the receipt did something")
	}
	w.Press(webtest.Escape)
	w.Wait(`!document.querySelector(".receipt") && !document.getElementById("amount").readOnly`)
	w.focused(t)
}

func saleByMoney(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("*100.００7")
	if got := w.amount(); got != "100.00" {
		t.Errorf("the field took %q", got)
	}
	w.Press(webtest.Enter)
	w.WaitText("#quote", "99.96")
	if !strings.Contains(w.Text("#quote"), "0.04") {
		t.Errorf("no change called: %s", w.Text("#quote"))
	}
	w.Press("1")
	w.Wait(`!document.querySelector(".quote")`)
	w.Press(webtest.Escape + "*5" + webtest.Enter)
	w.WaitText("#quote", "13.25")
}

// Enter pressed twice, the button clicked twice, both at once: one sale.
func doubleEnter(t *testing.T, w *window) {
	hold := make(chan struct{})
	w.f.change(func() { w.f.hold = hold })
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.getElementById("confirm")`)
	webtest.Eval[any](w.Page, `(() => { const b = document.getElementById("confirm"); b.click(); b.click(); })()`)
	w.Press(webtest.Enter + webtest.Enter)
	w.Wait(`!document.getElementById("busy").hidden`)
	w.Press(webtest.Escape)
	close(hold)
	w.WaitText("#receipt", "000001")
	if n := w.f.count("Sell"); n != 1 || w.sales() != 1 {
		t.Errorf("%d calls, %d sales", n, w.sales())
	}
}

// The sale went through but its answer got lost: asking again finds the same sale.
func lostAnswer(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.fault.Store("lost")
	w.Press(webtest.Enter)
	w.WaitText("#note", "请勿再次收款")
	if w.sales() != 1 {
		t.Fatalf("%d sales", w.sales())
	}
	w.Press("7" + webtest.Escape)
	w.fault.Store("")
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "000001")
	if w.sales() != 1 || w.f.count("Sell") < 2 {
		t.Errorf("%d sales from %d requests", w.sales(), w.f.count("Sell"))
	}
}

func refusal(t *testing.T, w *window) {
	w.f.change(func() {
		w.f.refuse["Quote"] = &counter.Refusal{Code: counter.CodeOverLimit, Args: map[string]string{"most": "50"}}
	})
	w.enter()
	w.insert(1)
	w.Press("99" + webtest.Enter)
	w.Wait(`document.querySelector("#note [role=alert][data-code=over_limit]")`)
	if !strings.Contains(w.Text("#note"), "50") || w.amount() != "99" {
		t.Errorf("note %q, field %q", w.Text("#note"), w.amount())
	}
	w.focused(t)
	w.f.change(func() { delete(w.f.refuse, "Quote") })
	w.Press("\b")
	w.Wait(`!document.getElementById("note").firstElementChild`)
	w.Press(webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
}

// Removing the card clears everything of the customer, whatever was on the screen.
func removal(t *testing.T, w *window) {
	w.enter()
	steps := []struct{ keys, shown string }{
		{"", `document.querySelector(".desk.ready")`},
		{"12", `document.getElementById("amount").value == "12"`},
		{webtest.Enter, `document.querySelector(".quote")`},
		{webtest.Enter, `document.querySelector(".receipt")`},
	}
	for n := range steps {
		w.insert(insertion(n + 1))
		for _, s := range steps[:n+1] {
			w.Press(s.keys)
			w.Wait(s.shown)
		}
		w.remove()
		w.clean(t)
		w.focused(t)
	}
}

// The card is pulled while it is being written: what comes back is shown without the customer.
func removalWhileWriting(t *testing.T, w *window) {
	w.enter()
	for n, refuse := range []error{nil, &counter.Refusal{Code: counter.CodeWriteUnknown}} {
		hold := make(chan struct{})
		w.f.change(func() { w.f.hold = hold })
		w.insert(insertion(n + 1))
		w.Press("20" + webtest.Enter)
		w.Wait(`document.querySelector(".quote")`)
		w.Press(webtest.Enter)
		w.Wait(`!document.getElementById("busy").hidden`)
		w.remove()
		w.clean(t)
		if refuse != nil {
			w.f.change(func() { w.f.refuse["Sell"] = refuse })
			w.Press(webtest.Enter)
		}
		close(hold)
		w.Wait(`document.getElementById("busy").hidden`)
		w.clean(t)
	}
	w.Wait(`document.querySelector("#note [data-code=write_unknown]")`)
	if !strings.Contains(w.Text("#last"), "000001") {
		t.Errorf("the finished sale is not named: %q", w.Text("#last"))
	}
}

// How a sale ended stays on the screen when the card is taken out right then, and goes with the next card.
func outcomeStays(t *testing.T, w *window) {
	w.f.change(func() { w.f.refuse["Sell"] = &counter.Refusal{Code: counter.CodeWriteUnknown} })
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Press(webtest.Enter)
	w.Wait(`document.querySelector("#note [data-code=write_unknown]")`)
	w.remove()
	if w.Text("#note [data-code=write_unknown]") == "" {
		t.Error("the clerk does not learn that the sale is in doubt")
	}
	w.clean(t)
	w.insert(2)
	w.Wait(`!document.getElementById("note").firstElementChild`)
}

func anotherCard(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.insert(2)
	w.Wait(`!document.querySelector(".quote")`)
	if w.amount() != "" {
		t.Error("the amount meant for one customer stands before the next")
	}
	w.Press(webtest.Enter)
	if w.f.count("Sell") != 0 {
		t.Error("sold to another card")
	}
}

// The first print is plain, each further one is counted and marked; a receipt can be had again after the card is gone.
func reprint(t *testing.T, w *window) {
	w.enter()
	webtest.Eval[any](w.Page, `window.prints = 0, window.print = () => { window.prints++ }`)
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Press(webtest.Enter)
	w.Wait(`document.querySelector(".receipt")`)
	w.Press("p")
	w.Wait(`window.prints == 1`)
	if strings.Contains(w.Text("#receipt"), "重打") {
		t.Error("the first print is marked")
	}
	w.Press("p")
	w.WaitText("#receipt", "重打 第 1 次")
	w.Wait(`window.prints == 2`)
	w.remove()
	w.Press("p")
	w.WaitText("#receipt", "重打 第 2 次")
	w.Press(webtest.Escape)
	w.Wait(`!document.querySelector(".receipt")`)
	order := w.f.sold[firstRequest(w.f)].Order
	w.Press("/" + order + webtest.Enter)
	w.Wait(`document.querySelector("#found [data-act=copy]")`)
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "重打 第 3 次")
	w.focused(t)
}

func firstRequest(f *fake) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.sold {
		return r
	}
	return ""
}

// On paper there is the receipt and nothing else.
func paper(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Press("20" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Press(webtest.Enter)
	w.Wait(`document.querySelector(".receipt")`)
	w.Media("print")
	w.Shot(shots, "zh-paper")
	got := w.Text("body")
	for _, want := range []string{"售气小票", "000001", "58.30", "叁佰贰拾伍元零肆分", "王**"} {
		if !strings.Contains(got, want) {
			t.Errorf("paper lacks %s: %s", want, got)
		}
	}
	for _, bad := range []string{"远传表", "工作台", "下一位", "138****5678", "等待"} {
		if strings.Contains(got, bad) {
			t.Errorf("paper shows %s: %s", bad, got)
		}
	}
}
