package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tally/counter"
)

// open lists the only addresses that answer without a login.
var open = []string{"GET /login", "POST /login", "POST /lang", "GET /static/{file}", "POST /api/v1/session", "/"}

// concrete makes a request line out of a route's pattern.
func concrete(pattern string) (method, path string) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return "GET", pattern
	}
	return method, strings.NewReplacer("{$}", "", "{file}", "app.css", "{order}", "01J9ZX3K5Q", "{account}", "0100001234").Replace(path)
}

// Promise 11: nobody sells, refunds or unlocks without a named login.
func TestPromise11NobodySellsWithoutLogin(t *testing.T) {
	for name, with := range map[string]func(*http.Request){
		"no cookie":      func(*http.Request) {},
		"made up token":  cookie(&http.Cookie{Name: sessionCookie, Value: "token-1"}),
		"empty token":    cookie(&http.Cookie{Name: sessionCookie, Value: ""}),
		"another cookie": cookie(&http.Cookie{Name: "session", Value: "token-1"}),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			for _, rt := range s.h.routes() {
				if slices.Contains(open, rt.pattern) {
					continue
				}
				method, path := concrete(rt.pattern)
				wantFailure(t, s.ask(method, path, "", with), http.StatusUnauthorized, counter.CodeNoSession)
			}
			for called := range s.f.total() {
				if called != "Session" {
					t.Errorf("%s was called without a login", called)
				}
			}
		})
	}
}

func TestOnlyListedRoutesArePublic(t *testing.T) {
	for _, rt := range newSite(t).h.routes() {
		if rt.who.public != slices.Contains(open, rt.pattern) {
			t.Errorf("%s: public is %v", rt.pattern, rt.who.public)
		}
		if !rt.who.public && !rt.who.any && len(rt.who.roles) == 0 {
			t.Errorf("%s lets nobody in", rt.pattern)
		}
	}
}

// Whoever does not handle money is kept from every route that moves some.
func TestRolesThatDoNotSell(t *testing.T) {
	moving := []string{"quote", "sell", "retry", "void", "take", "return", "copies", "decide", "refund", "make-up"}
	for _, role := range []counter.Role{counter.Finance, counter.Technician, counter.Admin, "", "clerk "} {
		s := newSite(t)
		s.f.role = role
		me := cookie(s.login())
		for _, rt := range s.h.routes() {
			method, path := concrete(rt.pattern)
			if slices.ContainsFunc(moving, func(m string) bool { return strings.HasSuffix(path, m) }) {
				wantFailure(t, s.ask(method, path, "{}", me), http.StatusForbidden, counter.CodeForbidden)
			}
		}
		for _, m := range []string{"Quote", "Sell", "Retry 01J9ZX3K5Q", "Void 01J9ZX3K5Q", "Receipt"} {
			if s.f.count(m) != 0 {
				t.Errorf("role %q reached %s", role, m)
			}
		}
		if len(s.f.deeds) != 0 {
			t.Errorf("role %q did %v", role, s.f.deeds)
		}
	}
}

func TestSellersMaySell(t *testing.T) {
	for _, role := range []counter.Role{counter.Clerk, counter.Leader} {
		s := newSite(t)
		s.f.role = role
		if r := s.ask("POST", "/api/v1/quote", `{"volume_l":20000}`, cookie(s.login())); r.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", role, r.StatusCode)
		}
	}
}

// A real counter has no bench: neither the panel nor the address.
func TestNoBenchOnARealCounter(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Bench = nil })
	me := cookie(s.login())
	wantFailure(t, s.ask("POST", "/api/v1/bench", `{"do":"insert"}`, me), http.StatusNotFound, counter.CodeNotFound)
	if page := text(t, s.ask("GET", "/", "", me, html)); strings.Contains(page, `id="bench"`) {
		t.Error("the page has a bench")
	}
}

func TestUnknownAddress(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/api/v1/nothing", "/admin", "/static/../go.mod", "/static/nothing.js", "/static/app.html"} {
		if r := s.ask("GET", path, ""); r.StatusCode != http.StatusNotFound && r.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
}

func TestBrowserIsSentToTheLogin(t *testing.T) {
	s := newSite(t)
	r := s.ask("GET", "/", "", html)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/login" {
		t.Errorf("got %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	f := newFake()
	whole := Options{Sales: f, Decisions: f, Returns: f, Logins: f, Views: f, Meters: f, Uplink: f, Station: "C3"}
	if _, err := New(whole); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]func(*Options){
		"sales": func(o *Options) { o.Sales = nil }, "decisions": func(o *Options) { o.Decisions = nil }, "returns": func(o *Options) { o.Returns = nil }, "logins": func(o *Options) { o.Logins = nil },
		"views": func(o *Options) { o.Views = nil }, "meters": func(o *Options) { o.Meters = nil },
		"uplink": func(o *Options) { o.Uplink = nil }, "station": func(o *Options) { o.Station = "" },
	} {
		o := whole
		broken(&o)
		if _, err := New(o); err == nil {
			t.Errorf("without %s: no error", name)
		}
	}
}
