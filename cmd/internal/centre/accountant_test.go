package centre

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
)

func TestEachDayIsReconciledOnceAfterItHasEnded(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "central.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := centraltest.NewFeed("hall-1", "e1", contract.Tx).Sales(5, 10, 3) // 2026-11-21 14:00 UTC+8, and no statement
	if _, err := s.Commit(t.Context(), []central.Batch{f.Batch(t, 1, 5)}, centraltest.Start); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	now := time.Date(2026, 11, 22, 1, 59, 0, 0, zone)
	a := &accountant{store: s, at: 2 * time.Hour, now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(&log, nil))}
	look := func(wantDay string, found int) {
		t.Helper()
		log.Reset()
		if err := a.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), wantDay); wantDay != "" && !got || wantDay == "" && log.Len() > 0 {
			t.Errorf("%s", log.String())
		}
		if got := a.found(central.FindingSilent); got != found {
			t.Errorf("%d findings, want %d", got, found)
		}
	}
	look("day=2026-11-20", 0) // the 21st is not due yet
	look("", 0)
	now = now.Add(2 * time.Minute)
	look("day=2026-11-21", 1)
	look("", 1)
	now = now.AddDate(0, 0, 1)
	look("day=2026-11-22", 0)
	again := &accountant{store: s, at: 2 * time.Hour, now: a.now, log: a.log} // after a restart
	log.Reset()
	if err := again.look(t.Context()); err != nil || log.Len() > 0 {
		t.Error(err, log.String())
	}
}

func TestMetricsTellWhatIsWrong(t *testing.T) {
	c := config.Central{ID: "central", Database: filepath.Join(t.TempDir(), "central.db"), Uplink: config.Uplink{Broker: "tcp://127.0.0.1:1"}}
	ce, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer ce.Close()
	ce.accountant.note(central.Report{Findings: []central.Finding{{Code: central.FindingSums}, {Code: central.FindingSums}}}, time.Now())
	w := httptest.NewRecorder()
	metricsHandler(ce).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, _ := io.ReadAll(w.Result().Body)
	for _, want := range []string{
		`tally_central_reconciliation_findings{code="sums"} 2`, `tally_central_reconciliation_findings{code="head"} 0`, "tally_central_connected 0",
		"tally_central_commands_sent_total 0", "tally_central_resend_requests_total 0", "tally_central_records_conflict_total 0",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %s", want)
		}
	}
	if err := ce.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "broker") {
		t.Errorf("ready without a broker: %v", err)
	}
}
