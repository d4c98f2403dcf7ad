package web

import (
	"net/http"
	"strings"
	"testing"
)

func host(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }

func TestHostAllowList(t *testing.T) {
	s := newSite(t)
	for h, ok := range map[string]bool{
		"127.0.0.1:8420": true, "localhost:8420": true, "LOCALHOST": true, "[::1]:8420": true, "localhost.:80": true,
		"counter-3.example:8420": true, "Counter-3.Example:8420": true, "hall.example": true, "hall.example:9": true,
		"counter-3.example": false, "counter-3.example:1": false, "evil.example": false, "127.0.0.1.evil.example": false,
		"evil.example:8420": false, "": false, "localhost.evil.example:8420": false, "hall.example.evil": false,
	} {
		r := s.ask("GET", "/login", "", host(h))
		if ok && r.StatusCode != http.StatusOK {
			t.Errorf("%q: refused with %d", h, r.StatusCode)
		}
		if !ok {
			wantFailure(t, r, http.StatusMisdirectedRequest, codeWrongHost)
		}
	}
}

// A page of another site cannot make the browser sell, even with the operator's cookie.
func TestCrossOrigin(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	for name, with := range map[string]func(*http.Request){
		"cross-site":  header("Sec-Fetch-Site", "cross-site"),
		"same-site":   header("Sec-Fetch-Site", "same-site"),
		"origin":      header("Origin", "http://evil.example"),
		"null origin": header("Origin", "null"),
	} {
		for _, rt := range s.h.routes() {
			method, path := concrete(rt.pattern)
			if method == "GET" {
				continue
			}
			t.Run(name+" "+rt.pattern, func(t *testing.T) {
				wantFailure(t, s.ask(method, path, "{}", me, with), http.StatusForbidden, codeCrossOrigin)
			})
		}
	}
	if r := s.ask("POST", "/api/v1/quote", `{"volume_l":20000}`, me, header("Sec-Fetch-Site", "same-origin")); r.StatusCode != http.StatusOK {
		t.Errorf("own page: status %d", r.StatusCode)
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	me := cookie(s.login())
	for _, path := range []string{"/", "/login", "/api/v1/desks", "/nothing", "/static/app.js"} {
		h := s.ask("GET", path, "", me).Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
			"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
		} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy is %s", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, h)
		}
		if want := map[bool]string{true: "public, max-age=31536000, immutable", false: "no-store"}[strings.HasPrefix(path, "/static")]; h.Get("Cache-Control") != want {
			t.Errorf("%s: Cache-Control %q", path, h.Get("Cache-Control"))
		}
	}
}
