package web

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"tally/counter"
)

const goodForm = "name=chen&password=correct+horse"

func sessionIn(t *testing.T, r *http.Response) *http.Cookie {
	t.Helper()
	for _, c := range r.Cookies() {
		if c.Name == sessionCookie {
			return c
		}
	}
	t.Fatalf("status %d without a session cookie", r.StatusCode)
	return nil
}

func TestLoginCookie(t *testing.T) {
	s := newSite(t)
	r := s.ask("POST", "/login", goodForm, form)
	c := sessionIn(t, r)
	if r.StatusCode != http.StatusSeeOther || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("status %d, cookie %+v", r.StatusCode, c)
	}
	if page := s.ask("GET", "/", "", cookie(c), html); page.StatusCode != http.StatusOK {
		t.Errorf("the cookie does not open the page: %d", page.StatusCode)
	}
	secure := s.ask("POST", "/login", goodForm, form, func(r *http.Request) { r.TLS = &tls.ConnectionState{} })
	if !sessionIn(t, secure).Secure {
		t.Error("cookie over TLS is not Secure")
	}
}

// A wrong name and a wrong password look the same, and what was typed as a password is nowhere.
func TestWrongLogin(t *testing.T) {
	s := newSite(t)
	pages := map[string]string{}
	for name, body := range map[string]string{"password": "name=chen&password=s3cret-typo", "name": "name=nobody&password=s3cret-typo"} {
		r := s.ask("POST", "/login", body, form, html)
		if r.StatusCode != http.StatusUnauthorized || len(r.Cookies()) != 0 {
			t.Errorf("%s: status %d, cookies %v", name, r.StatusCode, r.Cookies())
		}
		page := text(t, r)
		if strings.Contains(page, "s3cret-typo") {
			t.Error("page repeats the password")
		}
		pages[name] = strings.ReplaceAll(strings.ReplaceAll(page, "nobody", "…"), `value="chen"`, `value="…"`)
	}
	if pages["password"] != pages["name"] {
		t.Error("the page tells a wrong name from a wrong password")
	}
	if strings.Contains(s.log.String(), "s3cret") {
		t.Error("log holds the password")
	}
}

func TestLoginOverTheAPI(t *testing.T) {
	s := newSite(t)
	r := s.ask("POST", "/api/v1/session", `{"name":"chen","password":"`+goodPassword+`"}`)
	c, body := sessionIn(t, r), text(t, r)
	if strings.Contains(body, c.Value) || !strings.Contains(body, `"operator":"chen"`) {
		t.Errorf("body %s", body)
	}
	if got := decode[counter.Session](t, s.ask("GET", "/api/v1/session", "", cookie(c))); got.Role != counter.Clerk {
		t.Errorf("session %+v", got)
	}
	wantFailure(t, s.ask("POST", "/api/v1/session", `{"name":"chen","password":"x"}`), http.StatusUnauthorized, counter.CodeLogin)
	if r := s.ask("DELETE", "/api/v1/session", "", cookie(c)); r.StatusCode != http.StatusNoContent || sessionIn(t, r).MaxAge >= 0 {
		t.Errorf("logout: %d", r.StatusCode)
	}
	wantFailure(t, s.ask("GET", "/api/v1/session", "", cookie(c)), http.StatusUnauthorized, counter.CodeNoSession)
}

// A login ends the session that the browser had: nobody works on under somebody else's.
func TestLoginEndsTheOldSession(t *testing.T) {
	s := newSite(t)
	old := s.login()
	fresh := sessionIn(t, s.ask("POST", "/login", goodForm, form, cookie(old)))
	if fresh.Value == old.Value {
		t.Fatal("the login kept the old token")
	}
	wantFailure(t, s.ask("GET", "/api/v1/session", "", cookie(old)), http.StatusUnauthorized, counter.CodeNoSession)
}

func TestLoginPaused(t *testing.T) {
	s := newSite(t)
	s.f.refuse["Login"] = &counter.Refusal{Code: counter.CodeLoginPaused, Args: map[string]string{"seconds": "30"}}
	f := wantFailure(t, s.ask("POST", "/api/v1/session", `{"name":"chen","password":"x"}`), http.StatusTooManyRequests, counter.CodeLoginPaused)
	if !strings.Contains(f.Message+f.Hint, "30") {
		t.Errorf("the pause is not named: %+v", f)
	}
}

func TestLogoutForm(t *testing.T) {
	s := newSite(t)
	c := s.login()
	if r := s.ask("POST", "/logout", "", cookie(c), form); r.Header.Get("Location") != "/login" || sessionIn(t, r).MaxAge >= 0 {
		t.Errorf("logout: %v", r.Header)
	}
	if s.f.count("Logout") != 1 {
		t.Error("the service was not told")
	}
}

func TestLanguage(t *testing.T) {
	s := newSite(t)
	page := func(with ...func(*http.Request)) string {
		return text(t, s.ask("GET", "/login", "", append(with, html)...))
	}
	if p := page(header("Accept-Language", "en-US,en")); !strings.Contains(p, `lang="zh-CN"`) {
		t.Error("the page is not Chinese by default")
	}
	r := s.ask("POST", "/lang", "lang=en", form)
	c := r.Cookies()[0]
	if r.Header.Get("Location") != "/" || c.MaxAge < 300*24*3600 || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("switch: %v", r.Header)
	}
	if p := page(cookie(c)); !strings.Contains(p, `lang="en"`) {
		t.Error("the choice is not remembered")
	}
	wantFailure(t, s.ask("POST", "/lang", "lang=xx", form), http.StatusBadRequest, codeBadRequest)
	if p := page(cookie(&http.Cookie{Name: langCookie, Value: `<script>`})); !strings.Contains(p, `lang="zh-CN"`) {
		t.Error("an unknown language is not Chinese")
	}
	f := wantFailure(t, s.ask("GET", "/api/v1/desks", "", header("Accept-Language", "en")), 401, counter.CodeNoSession)
	if strings.ContainsAny(f.Message, "请登录") {
		t.Errorf("a program that asks for English gets %q", f.Message)
	}
}

func TestBadForms(t *testing.T) {
	s := newSite(t)
	r := s.ask("POST", "/login", "name=%zz&password=s3cret%zz", form)
	wantFailure(t, r, http.StatusBadRequest, codeBadRequest)
	if strings.Contains(s.log.String(), "s3cret") {
		t.Error("log quotes the form")
	}
	wantFailure(t, s.ask("POST", "/login", "name="+strings.Repeat("a", smallBody), form), http.StatusRequestEntityTooLarge, codeTooLarge)
	wantFailure(t, s.ask("POST", "/lang", "lang="+strings.Repeat("a", smallBody), form), http.StatusRequestEntityTooLarge, codeTooLarge)
}

func TestDemoLoginOnlyInTheDemo(t *testing.T) {
	s := newSite(t)
	if p := text(t, s.ask("GET", "/login", "", html)); !strings.Contains(p, goodPassword) {
		t.Error("the demo does not show its login")
	}
	real := newSite(t, func(o *Options) { o.Demo = nil })
	if p := text(t, real.ask("GET", "/login", "", html)); strings.Contains(p, goodPassword) || strings.Contains(p, "演示") {
		t.Error("a real counter shows a demo login")
	}
}

// Who is sent to the login because the session has ended is told so, once; who was never in, or has left, is not.
func TestEndedSessionIsSaid(t *testing.T) {
	s := newSite(t)
	me := s.login()
	s.f.change(func() { s.f.now = start.Add(2 * time.Hour) })
	r := s.ask("GET", "/login", "", html, cookie(me))
	if p := text(t, r); !strings.Contains(p, "登录已过期") || !strings.Contains(p, "请重新登录") {
		t.Errorf("the end of the session is not said: %s", p)
	}
	if ck := r.Cookies(); len(ck) != 1 || ck[0].MaxAge >= 0 {
		t.Errorf("the dead session is kept: %v", ck)
	}
	if p := text(t, s.ask("GET", "/login", "", html)); strings.Contains(p, "过期") {
		t.Error("somebody who was never in is told of an end")
	}
}

func TestLoginPageWithASession(t *testing.T) {
	s := newSite(t)
	if r := s.ask("GET", "/login", "", html, cookie(s.login())); r.Header.Get("Location") != "/" {
		t.Errorf("status %d", r.StatusCode)
	}
}
