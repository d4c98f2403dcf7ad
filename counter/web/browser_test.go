package web

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/counter"
	"tally/counter/web/webtest"
)

// shots is where pictures of the page go; nowhere when empty.
var shots = os.Getenv("TALLY_SHOTS")

// TestBrowser looks at the page through a real browser. Each part has a window and a counter of its own.
func TestBrowser(t *testing.T) {
	b := webtest.Start(t)
	for name, part := range map[string]func(*testing.T, *window){
		"keyboard only sale": keyboardSale,
		"pictures":           pictures,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			srv := httptest.NewServer(s.h)
			t.Cleanup(func() { s.h.EndStreams(); srv.Close() })
			w := &window{b.Open(t, srv.URL), s.f, srv.URL}
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
	f   *fake
	url string
}

// enter logs in with the keyboard and waits until the page is live.
func (w *window) enter() {
	w.Press("chen" + webtest.Tab + goodPassword + webtest.Enter)
	w.Wait(`document.getElementById("amount")`)
	w.live()
}

// live waits until the page's own stream is subscribed, so that a change of the fake is seen.
func (w *window) live() {
	w.Wait(`performance.getEntriesByName(location.origin + "/events").length >= 0 && document.querySelector("#desks article")`)
}

func (w *window) insert(n cardreader.Insertion) {
	w.f.change(func() { w.f.desks = []counter.Desk{inserted(n, true)} })
	w.WaitText("#desks", "王**")
}

func keyboardSale(t *testing.T, w *window) {
	w.enter()
	w.insert(1)
	w.Wait(`!document.getElementById("amount").readOnly`)
	if got := w.Focus(); got != "amount" {
		t.Errorf("focus is on %q, want the amount", got)
	}
	w.Press("a2x0.5" + webtest.Enter)
	w.WaitText("#quote", "59.89")
	w.Press(webtest.Enter)
	w.WaitText("#receipt", "000001")
	if got := w.Text("#receipt"); !strings.Contains(got, "叁佰贰拾伍元零肆分") {
		t.Errorf("receipt without capitals: %s", got)
	}
}

// pictures walks through every state of the page in both languages.
func pictures(t *testing.T, w *window) {
	if shots == "" {
		t.Skip("TALLY_SHOTS names no directory")
	}
	for _, l := range []lang{zh, en} {
		for _, size := range [][2]int64{{1366, 768}, {1920, 1080}} {
			w.album(string(l)+map[int64]string{1366: "", 1920: "-wide"}[size[0]], l, size)
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
	w.Shot(shots, name+"-1-login")
	w.enter()
	w.Shot(shots, name+"-2-empty")
	w.insert(cardreader.Insertion(size[0]))
	w.Wait(`!document.getElementById("amount").readOnly`)
	w.Shot(shots, name+"-3-card")
	w.Press("*100" + webtest.Enter)
	w.Wait(`document.querySelector(".quote")`)
	w.Shot(shots, name+"-4-quote")
	hold := make(chan struct{})
	w.f.change(func() { w.f.hold = hold; w.f.desks[0].Phase = counter.Writing })
	w.Press(webtest.Enter)
	w.Wait(`!document.getElementById("busy").hidden && document.querySelector(".desk.writing")`)
	w.Shot(shots, name+"-5-writing")
	w.f.change(func() { w.f.hold = nil; w.f.desks = []counter.Desk{inserted(cardreader.Insertion(size[0]), false)} })
	close(hold)
	w.Wait(`document.querySelector(".receipt") && document.querySelector(".desk.ready")`)
	w.Shot(shots, name+"-6-receipt")
	d, o := doubted()
	w.f.change(func() { w.f.desks = []counter.Desk{d}; w.f.open = []counter.Order{o} })
	w.Wait(`document.querySelector(".doubt")`)
	w.Shot(shots, name+"-7-doubt")
	w.Press("v")
	w.Wait(`document.getElementById("ask").open`)
	w.Shot(shots, name+"-8-void")
	w.Press(webtest.Escape)
	w.f.change(func() { w.f.found = []counter.AccountView{wang(), wang()} })
	w.Press("/王" + webtest.Enter)
	w.Wait(`!document.getElementById("found").hidden`)
	w.Shot(shots, name+"-9-search")
	w.Press(webtest.Escape)
	w.f.change(func() { w.f.open = nil })
	w.Click("#logout")
	w.Wait(`document.getElementById("name")`)
}
