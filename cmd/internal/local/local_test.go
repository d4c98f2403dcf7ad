package local

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tally/cmd/internal/config"
)

type readiness struct{ err error }

func (r readiness) Ready(context.Context) error { return r.err }

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec.Code, rec.Body.String()
}

func TestProbes(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusTeapot, "page") })
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "metrics") })
	well := Probes(readiness{}, metrics, page)
	ill := Probes(readiness{errors.New("ledger is read-only")}, metrics, page)
	for _, c := range []struct {
		h      http.Handler
		path   string
		status int
		body   string
	}{
		{well, "/healthz", 200, "ok"},
		{well, "/readyz", 200, "ready"},
		{ill, "/healthz", 200, "ok"},
		{ill, "/readyz", 503, "not ready: ledger is read-only"},
		{well, "/metrics", 200, "metrics"},
		{well, "/anything", http.StatusTeapot, "page"},
	} {
		if status, body := get(t, c.h, c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %q, want %d %q", c.path, status, body, c.status, c.body)
		}
	}
}

func TestAddressInUseIsSaidAtOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	if _, err := Listen(config.HTTP{Listen: addr}); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("got %v, want an error that names %s", err, addr)
	}
}

// TestServerStopsWithAStreamOpen: a browser that keeps its live stream does not keep the node from stopping.
func TestServerStopsWithAStreamOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	streaming, end := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		close(streaming)
		<-end
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	u := Server("page", l, h, func() { close(end) }, slog.New(slog.DiscardHandler))
	go func() { done <- u.Run(ctx) }()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-streaming
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream was cut instead of ended: %v", err)
	}
	resp.Body.Close()
}
