package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/porttest"
)

// fetch asks the node's page until it is there.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	for {
		resp, err := http.Get(url)
		if opErr, ok := errors.AsType[*net.OpError](err); ok && opErr.Op == "dial" && t.Context().Err() == nil {
			continue // not listening yet
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
}

// TestADamagedLedgerStopsSalesWithAClearWord: the node lives, says why in both languages, and ends with a refusal.
func TestADamagedLedgerStopsSalesWithAClearWord(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "ledger.db"), 5000) },
		"missing":   func(dir string) error { return os.Remove(filepath.Join(dir, "ledger.db")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.Options{Node: "n"}))
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			c := config.Node{Name: "n", DataDir: dir, HTTP: config.HTTP{Listen: porttest.Addr(t)}}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- Run(ctx, c, "test", quiet) }()
			base := "http://" + c.HTTP.Listen
			status, page := fetch(t, base+"/")
			if status != http.StatusServiceUnavailable || !strings.Contains(page, "账本损坏，已停止售气") || !strings.Contains(page, "Sales are stopped") || !strings.Contains(page, "tallyd restore") {
				t.Errorf("page: %d %s", status, page)
			}
			if status, text := fetch(t, base+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "sales are stopped") {
				t.Errorf("readyz: %d %s", status, text)
			}
			if status, _ := fetch(t, base+"/healthz"); status != http.StatusOK {
				t.Errorf("healthz: %d", status)
			}
			client := control.NewClient(c.Socket())
			defer client.Close()
			if s, err := client.Status(t.Context()); err != nil || s.Ready || len(s.Problems) != 1 || s.Problems[0].Code != control.ProblemLedger {
				t.Errorf("status %+v, %v", s, err)
			}
			if _, err := client.Outbox(t.Context()); err == nil {
				t.Error("a broken node has an outbox")
			}
			cancel()
			if err := <-done; !errors.Is(err, cli.ErrRefused) || !unusable(err) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
