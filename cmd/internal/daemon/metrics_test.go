package daemon

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tally/cmd/internal/control"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec.Code, rec.Body.String()
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
