package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"tally/counter"
)

const reqID = "0123456789abcdef"

// sellBody confirms 20 m³, which cost 26.50 + 31.80.
const sellBody = `{"request":"` + reqID + `","ask":{"reader":"r","insertion":1,"volume_l":20000,"money_fen":0},"volume_l":20000,"amount_fen":5830}`

func TestQuote(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	q := decode[counter.Quote](t, s.ask("POST", "/api/v1/quote", `{"reader":"r","insertion":1,"volume_l":0,"money_fen":10000}`, me))
	if q.Amount != 9996 || q.Change != 4 || len(q.Lines) != 2 || q.Volume != 33100 {
		t.Errorf("quote %+v", q)
	}
	piece := text(t, s.ask("POST", "/api/v1/quote", `{"money_fen":10000}`, me, html))
	for _, want := range []string{`data-volume="33100"`, `data-amount="9996"`, "¥ 99.96", "¥ 0.04", "23.1", "3.18", "找零"} {
		if !strings.Contains(piece, want) {
			t.Errorf("piece lacks %s:\n%s", want, piece)
		}
	}
	f := wantFailure(t, s.ask("POST", "/api/v1/quote", `{"volume_l":7}`, me, english), 422, counter.CodeBadAmount)
	if f.Args["step"] != "0.1" {
		t.Errorf("args %v", f.Args)
	}
	problem := s.ask("POST", "/api/v1/quote", `{"volume_l":7}`, me, html)
	if p := text(t, problem); problem.StatusCode != 422 || !strings.Contains(p, `data-code="bad_amount"`) || !strings.Contains(p, `role="alert"`) {
		t.Errorf("status %d: %s", problem.StatusCode, p)
	}
}

// The same request is the same sale, through the API as well.
func TestSellTwiceIsOneSale(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	first := decode[counter.Receipt](t, s.ask("POST", "/api/v1/sell", sellBody, me))
	second := decode[counter.Receipt](t, s.ask("POST", "/api/v1/sell", sellBody, me))
	if first.No != 1 || first.Order != second.Order || len(s.f.sold) != 1 {
		t.Errorf("first %d %s, second %d %s", first.No, first.Order, second.No, second.Order)
	}
	piece := text(t, s.ask("POST", "/api/v1/sell", sellBody, me, html))
	for _, want := range []string{"C3 – 000001", "2026-11-21 14:05:33", "UTC+8", "王**", "0100001234", "2601000777", "陈静", "¥ 58.30", "叁佰贰拾伍元零肆分", `data-copy="0"`} {
		if !strings.Contains(piece, want) {
			t.Errorf("receipt lacks %s", want)
		}
	}
	if strings.Contains(piece, "重打") {
		t.Error("the first print is marked as a copy")
	}
}

func TestRequestID(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	for _, id := range []string{"", "short", strings.Repeat("a", 65), "0123456789abcde!", "0123456789abcdeé"} {
		wantFailure(t, s.ask("POST", "/api/v1/sell", strings.Replace(sellBody, reqID, id, 1), me), 400, codeBadRequest)
	}
	if s.f.count("Sell") != 0 {
		t.Error("a sale went through with a bad request id")
	}
}

func TestReceiptAndCopies(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	r := decode[counter.Receipt](t, s.ask("POST", "/api/v1/sell", sellBody, me))
	path := "/api/v1/receipts/" + r.Order
	if got := decode[counter.Receipt](t, s.ask("GET", path, "", me)); got.Copy != 0 {
		t.Errorf("looking at it counted a copy: %d", got.Copy)
	}
	if got := decode[counter.Receipt](t, s.ask("POST", path+"/copies", "", me)); got.Copy != 1 {
		t.Errorf("copy %d", got.Copy)
	}
	if p := text(t, s.ask("POST", path+"/copies", "", me, html)); !strings.Contains(p, "重打 第 2 次") {
		t.Errorf("the second copy is not marked: %s", p)
	}
	wantFailure(t, s.ask("GET", "/api/v1/receipts/unknown", "", me), 404, counter.CodeNotFound)
}

func TestDoubt(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	d, o := doubted()
	s.f.change(func() { s.f.desks = []counter.Desk{d}; s.f.open = []counter.Order{o} })
	v := decode[[]DeskView](t, s.ask("GET", "/api/v1/desks", "", me))
	if v[0].InDoubt == nil || v[0].InDoubt.ID != o.ID || v[0].Sellable || v[0].Problem.Code != counter.CodeInDoubt {
		t.Errorf("desk %+v", v[0])
	}
	if r := decode[counter.Receipt](t, s.ask("POST", "/api/v1/orders/"+o.ID+"/retry", "", me)); r.Order != o.ID {
		t.Errorf("retry gave %s", r.Order)
	}
	if r := s.ask("POST", "/api/v1/orders/"+o.ID+"/void", "", me); r.StatusCode != http.StatusNoContent || s.f.count("Void "+o.ID) != 1 {
		t.Errorf("void: %d", r.StatusCode)
	}
	if p := text(t, s.ask("POST", "/api/v1/orders/"+o.ID+"/void", "", me, html)); !strings.Contains(p, "✓") {
		t.Errorf("void says %s", p)
	}
	s.f.refuse["Void "+o.ID] = &counter.Refusal{Code: counter.CodeCardNeeded, Args: map[string]string{"order": o.ID}}
	wantFailure(t, s.ask("POST", "/api/v1/orders/"+o.ID+"/void", "", me), 409, counter.CodeCardNeeded)
}

// What a card holds byte by byte, and the plan of an order, do not leave the house.
func TestViewsAreLean(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	d, o := doubted()
	s.f.change(func() { s.f.desks = []counter.Desk{d}; s.f.open = []counter.Order{o} })
	for _, path := range []string{"/api/v1/desks", "/api/v1/open-orders"} {
		body := text(t, s.ask("GET", path, "", me))
		if strings.Contains(body, "deadbeef") || strings.Contains(body, `"before":"01"`) || strings.Contains(body, `"after":"02"`) {
			t.Errorf("%s: %s", path, body)
		}
		if !strings.Contains(body, o.ID) {
			t.Errorf("%s lacks the order: %s", path, body)
		}
	}
	if d.Card.Image == nil || o.Plan.Before == nil {
		t.Error("the service's own picture was changed")
	}
}

func TestLooking(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	if m := decode[[]MeterView](t, s.ask("GET", "/api/v1/meters", "", me)); len(m) != 3 || !m[2].Dead || m[2].Failure.Code != "silent" {
		t.Errorf("meters %+v", m)
	}
	if u := decode[UplinkView](t, s.ask("GET", "/api/v1/uplink", "", me)); u.Waiting != 3 || u.Acked != 1204 {
		t.Errorf("uplink %+v", u)
	}
	if b := decode[BenchState](t, s.ask("GET", "/api/v1/bench", "", me)); len(b.Cards) != 5 {
		t.Errorf("bench %+v", b)
	}
	s.f.meters = nil
	if body := text(t, s.ask("GET", "/api/v1/meters", "", me)); strings.TrimSpace(body) != "[]" {
		t.Errorf("no meters are %s", body)
	}
	s.f.refuse["OpenOrders"] = &counter.Refusal{Code: counter.CodeStore, Cause: errors.New("disk gone")}
	wantFailure(t, s.ask("GET", "/api/v1/open-orders", "", me), http.StatusServiceUnavailable, counter.CodeStore)
	if p := s.ask("GET", "/", "", me, html); p.StatusCode != http.StatusOK || !strings.Contains(text(t, p), `data-code="store"`) {
		t.Error("the page does not say that orders cannot be read")
	}
	if !strings.Contains(s.log.String(), "disk gone") {
		t.Error("the cause is not in the log")
	}
}

func TestSearch(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	for range maxFound + 5 {
		s.f.found = append(s.f.found, wang())
	}
	f := decode[Found](t, s.ask("POST", "/api/v1/accounts/search", `{"query":"王"}`, me))
	if len(f.Accounts) != maxFound || !f.More || f.Accounts[0].Phone != "138****5678" {
		t.Errorf("found %d, more %v", len(f.Accounts), f.More)
	}
	none := decode[Found](t, s.ask("POST", "/api/v1/accounts/search", `{"query":"李"}`, me))
	if none.Accounts == nil || len(none.Accounts) != 0 || none.More || none.Order != "" {
		t.Errorf("none %+v", none)
	}
	if p := text(t, s.ask("POST", "/api/v1/accounts/search", `{"query":"01J9ZX3K5QDOUBT0000000001"}`, me, html)); !strings.Contains(p, `data-act="copy" data-order="01J9ZX3K5QDOUBT0000000001"`) {
		t.Errorf("the id of an order is not offered: %s", p)
	}
}

func TestBenchActions(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	if r := s.ask("POST", "/api/v1/bench", `{"do":"insert","card":"c1","meter":"","use":""}`, me); r.StatusCode != http.StatusNoContent {
		t.Errorf("status %d", r.StatusCode)
	}
	if s.f.State().Cards[0].Where != "reader" {
		t.Error("the card was not inserted")
	}
	wantFailure(t, s.ask("POST", "/api/v1/bench", `{"do":"insert","card":"none"}`, me), 500, counter.CodeInternal)
}

// Every way to get a body wrong is a 400 with a code, and reaches no service.
func TestStrictBodies(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	for name, body := range map[string]string{
		"not JSON": "volume=20", "empty": "", "unknown field": `{"volume_l":1,"discount":1}`, "trailing value": `{"volume_l":1}{}`,
		"trailing text": `{"volume_l":1} x`, "fraction": `{"volume_l":1.5}`, "text for number": `{"volume_l":"1"}`,
		"overflow": `{"volume_l":9223372036854775808}`, "array": `[]`, "deep": strings.Repeat("[", 2000), "half": `{"volume_l":`,
		"negative insertion": `{"insertion":-1}`,
	} {
		for _, path := range []string{"/api/v1/quote", "/api/v1/sell", "/api/v1/accounts/search", "/api/v1/bench", "/api/v1/session"} {
			r := s.ask("POST", path, body, me, header("Content-Type", "application/json"))
			if f := wantFailure(t, r, http.StatusBadRequest, codeBadRequest); f.Hint == "" {
				t.Errorf("%s %s: no hint", name, path)
			}
		}
	}
	wantFailure(t, s.ask("POST", "/api/v1/quote", `{"volume_l":1}`, me, form), 400, codeBadRequest)
	wantFailure(t, s.ask("POST", "/api/v1/quote", `{"volume_l":1}`, me, header("Content-Type", "text/plain")), 400, codeBadRequest)
	wantFailure(t, s.ask("POST", "/api/v1/quote", `{"reader":"`+strings.Repeat("r", smallBody)+`"}`, me), 413, codeTooLarge)
	for _, m := range []string{"Quote", "Sell", "Search"} {
		if s.f.count(m) != 0 {
			t.Errorf("%s was called", m)
		}
	}
}

func TestFailuresSpeakTheLanguageOfTheRequest(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	s.f.refuse["Quote"] = &counter.Refusal{Code: counter.CodeLocked, Args: map[string]string{"reason": "拒绝整改", "by": "李", "at": "2026-11-01"}}
	zhF := wantFailure(t, s.ask("POST", "/api/v1/quote", `{}`, me), 409, counter.CodeLocked)
	enF := wantFailure(t, s.ask("POST", "/api/v1/quote", `{}`, me, english), 409, counter.CodeLocked)
	if zhF.Message == enF.Message || !strings.Contains(zhF.Message+zhF.Hint, "拒绝整改") || zhF.Message == counter.CodeLocked {
		t.Errorf("zh %+v, en %+v", zhF, enF)
	}
}

// The cause of a failure is for the log alone.
func TestCausesStayInside(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	s.f.refuse["Quote"] = errors.New("open /var/lib/tally/ledger.db: permission denied")
	body := text(t, s.ask("POST", "/api/v1/quote", `{}`, me))
	if strings.Contains(body, "ledger") || !strings.Contains(s.log.String(), "permission denied") {
		t.Errorf("body %s, log %s", body, s.log)
	}
}

func FuzzBodies(f *testing.F) {
	for _, seed := range []string{sellBody, `{"volume_l":20000}`, `{"query":"王"}`, `{"do":"insert"}`, `{`, `null`, `[1]`, "\x00", `{"a":{"a":{}}}`} {
		f.Add(uint8(0), seed)
	}
	paths := []string{"quote", "sell", "accounts/search", "bench", "session", "orders/x/retry"}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		s := newSite(t)
		r := s.ask("POST", "/api/v1/"+paths[int(which)%len(paths)], body, cookie(s.login()), header("Content-Type", "application/json"))
		if r.StatusCode >= 300 {
			if got := decode[Failure](t, r); got.Code == "" || got.Message == "" {
				t.Errorf("status %d without a code: %+v", r.StatusCode, got)
			}
		}
	})
}

// TestACardForMetersIsForGasOrWater: nothing else, and gas when nothing is said.
func TestACardForMetersIsForGasOrWater(t *testing.T) {
	m := newMedium(t, false)
	for medium, want := range map[string]int{`"gas"`: http.StatusOK, `"water"`: http.StatusOK, `""`: http.StatusOK, `"steam"`: http.StatusBadRequest, `true`: http.StatusBadRequest} {
		r := m.ask("POST", "/api/v1/cards/tool", `{"request":"tool456789abcdef","reader":"R","insertion":7,"card_no":"9","kind":"check","uses":"3","reason":"r","medium":`+medium+`}`, cookie(m.me))
		if r.StatusCode != want {
			t.Errorf("%s: %d, want %d", medium, r.StatusCode, want)
		}
	}
}
