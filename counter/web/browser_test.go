package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tally/cardreader"
	"tally/counter"
	"tally/counter/web/webtest"
)

// TestBrowser looks at the page through a real browser. Each part has a window and a counter of its own; what the
// console complains of fails it.
func TestBrowser(t *testing.T) {
	b := webtest.Start(t)
	for name, part := range map[string]func(*testing.T, *window){
		"keyboard only sale":            keyboardSale,
		"sale by money":                 saleByMoney,
		"double Enter is one sale":      doubleEnter,
		"lost answer is one sale":       lostAnswer,
		"refusal leaves what was typed": refusal,
		"removal clears the page":       removal,
		"removal while writing":         removalWhileWriting,
		"outcome outlives the card":     outcomeStays,
		"another card ends the quote":   anotherCard,
		"reprint":                       reprint,
		"paper":                         paper,
		"language is remembered":        language,
		"live beside the field":         live,
		"doubt: write again":            doubtRetry,
		"doubt: give back":              doubtVoid,
		"quarantine has no choice":      quarantine,
		"search":                        searching,
		"bench by keys":                 benchKeys,
		"button under the mouse":        heldButton,
		"two readers":                   twoReaders,
		"role that does not sell":       onlooker,
		"service lost and found":        lostService,
		"plain HTTP in a local network": localNetwork,
		"logout elsewhere":              sessionGone,
		"decide by keys":                decideByKeys,
		"decide: not written":           decideNotWritten,
		"decide is for others":          decideIsForOthers,
		"refund by keys":                refundByKeys,
		"refund: card gone":             refundCardGone,
		"refund: lost answer":           refundLostAnswer,
		"refund: pulled":                refundPulled,
		"make-up by keys":               makeUpByKeys,
		"menu offers nothing":           menuOffersNothing,
		"locks":                         locking,
		"pictures":                      pictures,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWindow(t, b)
			part(t, w)
			for _, p := range w.Problems() {
				t.Errorf("console: %s", p)
			}
		})
	}
}

// window is a page over its own fake.
type window struct {
	*webtest.Page
	browser *webtest.Browser
	t       *testing.T
	f       *fake
	h       *Handler
	url     string
	cut     func()       // breaks every connection that the browser has
	fault   atomic.Value // what goes wrong on the wire, a word
}

// newWindow opens a window on a counter of its own.
func newWindow(t *testing.T, b *webtest.Browser) *window {
	s := newSite(t)
	w := &window{t: t, f: s.f, h: s.h, browser: b}
	w.fault.Store("")
	srv := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(func() { s.h.EndStreams(); srv.Close() })
	w.url, w.cut = srv.URL, srv.CloseClientConnections
	w.Page = b.Open(t, srv.URL)
	return w
}

// serve passes requests on, unless the wire is cut ("down") or the answer to a sale gets lost ("lost").
func (w *window) serve(rw http.ResponseWriter, r *http.Request) {
	switch fault := w.fault.Load(); {
	case fault == "down":
		panic(http.ErrAbortHandler)
	case fault == "lost" && (r.URL.Path == "/api/v1/sell" || r.URL.Path == "/api/v1/refund"):
		w.h.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	w.h.ServeHTTP(rw, r)
}

// enter logs in with the keyboard and waits for the page.
func (w *window) enter() {
	w.Wait(`document.activeElement.id == "name"`)
	w.Press("chen" + webtest.Tab + goodPassword + webtest.Enter)
	w.Wait(`document.activeElement.id == "amount"`)
}

// show puts desks on the counter.
func (w *window) show(desks ...counter.Desk) { w.f.change(func() { w.f.desks = desks }) }

func (w *window) insert(n cardreader.Insertion) {
	w.show(inserted(n, true))
	w.Wait(`document.querySelector(".desk.ready") && !document.getElementById("amount").readOnly`)
}

func (w *window) remove() {
	w.show(counter.Desk{Reader: reader, Phase: counter.Empty})
	w.Wait(`document.querySelector(".desk.empty") && !document.getElementById("standing").firstElementChild`) // they come one after the other
}

// amount is what stands in the field.
func (w *window) amount() string {
	return webtest.Eval[string](w.Page, `document.getElementById("amount").value`)
}

func (w *window) sales() int {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	return len(w.f.sold)
}

// clean fails when anything of the customer is left in the document.
func (w *window) clean(t *testing.T) {
	t.Helper()
	doc := w.HTML()
	a := wang()
	for _, secret := range []string{a.Name, a.No, a.Address, a.Phone, a.Meter, a.Card.No + "<", "叁佰贰拾伍元零肆分"} {
		if strings.Contains(doc, secret) {
			i := strings.Index(doc, secret)
			t.Errorf("%q is still in the document: …%s…", secret, doc[max(0, i-80):min(len(doc), i+80)])
		}
	}
	if v := w.amount(); v != "" {
		t.Errorf("the field still holds %q", v)
	}
}

// focused fails when the keyboard would not reach the amount.
func (w *window) focused(t *testing.T) {
	t.Helper()
	if got := w.Focus(); got != "amount" {
		t.Errorf("focus is on %q, want the amount", got)
	}
}
