package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is the page over a fake, without a network.
type site struct {
	t   *testing.T
	f   *fake
	h   *Handler
	log *bytes.Buffer
}

func newSite(t *testing.T, change ...func(*Options)) *site {
	t.Helper()
	f, log := newFake(), &bytes.Buffer{}
	o := Options{
		Sales: f, Decisions: f, Returns: f, Logins: f, Views: f, Meters: f, Uplink: f, Bench: f, Station: "滨江一号窗", Version: "v0.1.0",
		Hosts: []string{"counter-3.example:8420", "hall.example"}, Demo: &DemoLogin{"chen", goodPassword}, Now: f.clock,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, f, h, log}
}

// login gives the cookie of a fresh session.
func (s *site) login() *http.Cookie {
	s.t.Helper()
	sess, err := s.f.Login(s.t.Context(), "chen", goodPassword)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Cookie{Name: sessionCookie, Value: sess.Token}
}

// ask sends one request; with are changes to it.
func (s *site) ask(method, path, body string, with ...func(*http.Request)) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8420"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, w := range with {
		w(r)
	}
	rec := httptest.NewRecorder()
	s.h.ServeHTTP(rec, r)
	return rec.Result()
}

func cookie(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func header(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }

func english(r *http.Request) { r.AddCookie(&http.Cookie{Name: langCookie, Value: "en"}) }

func html(r *http.Request) { r.Header.Set("Accept", "text/html") }

func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode[T any](t *testing.T, r *http.Response) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		t.Fatalf("status %d: %v", r.StatusCode, err)
	}
	return v
}

// wantFailure checks status and code of an answer that is no success.
func wantFailure(t *testing.T, r *http.Response, status int, code string) Failure {
	t.Helper()
	f := decode[Failure](t, r)
	if r.StatusCode != status || f.Code != code {
		t.Errorf("got %d %s, want %d %s", r.StatusCode, f.Code, status, code)
	}
	if f.Message == "" {
		t.Errorf("%s has no message", f.Code)
	}
	return f
}
