package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
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
	well := probes(readiness{}, metrics, page)
	ill := probes(readiness{errors.New("ledger is read-only")}, metrics, page)
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

func TestMetricsComeFromTheSnapshot(t *testing.T) {
	h := metricsHandler(func(context.Context) (control.NodeStatus, error) {
		return control.NodeStatus{
			Node: "hall-1", Version: "v1", Ready: true,
			Problems: []control.Problem{{Code: "line_lost"}, {Code: "line_lost"}},
			Readers:  []control.Reader{{Name: "r", Card: control.CardPresent}, {Name: "s", Card: control.CardNone}},
			Lines:    []control.LineStat{{Name: "east", Alive: 2, Dead: 1, Asked: 7, Answered: 6}},
			Uplink:   control.Uplink{Connected: true, Streams: []control.Stream{{Name: "tx", Waiting: 5, Acked: 9}}},
			Open:     control.OpenOrders{InDoubt: 1},
			Disk:     control.Disk{FreeBytes: 1 << 30},
		}, nil
	})
	status, body := get(t, h, "/metrics")
	if status != http.StatusOK {
		t.Fatal(status, body)
	}
	for _, want := range []string{
		`tally_node_info{node="hall-1",version="v1"} 1`, `tally_card_readers 2`, `tally_node_problems{code="line_lost"} 2`,
		`tally_card_readers_with_card 1`, `tally_outbox_waiting_records{stream="tx"} 5`,
		`tally_outbox_acked_sequence{stream="tx"} 9`, `tally_meters{line="east",state="dead"} 1`,
		`tally_line_questions_total{line="east"} 7`, `tally_orders_open{state="in_doubt"} 1`,
		`tally_uplink_connected 1`, `tally_uplink_central_online 0`, `go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestMetricsSayWhenTheSnapshotFails(t *testing.T) {
	h := metricsHandler(func(context.Context) (control.NodeStatus, error) { return control.NodeStatus{}, errors.New("no") })
	if status, _ := get(t, h, "/metrics"); status != http.StatusInternalServerError {
		t.Errorf("status %d, want 500: an empty page would look like a healthy node", status)
	}
}

func TestAddressInUseIsSaidAtOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	if _, err := listen(config.HTTP{Listen: addr}); err == nil || !strings.Contains(err.Error(), addr) {
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
	u := server("page", l, h, func() { close(end) }, quiet)
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
