package centre_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"tally/cmd/internal/centre"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
)

// TestMain is also the centre that TestPromise12TheCentreIsKilled kills: the test starts itself again.
func TestMain(m *testing.M) {
	if broker := os.Getenv("TALLY_TEST_BROKER"); broker != "" {
		err := centre.Run(context.Background(), onFile(broker, os.Getenv("TALLY_TEST_DATABASE")), quiet)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// Promise 12: the centre is killed (SIGKILL) while it stores, again and again; what it has acknowledged is there, and
// everything is there once in the end. TALLY_KILLS sets how often.
func TestPromise12TheCentreIsKilled(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("TALLY_KILLS")); err == nil {
		kills = n
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	broker, path := mqtttest.StartMosquitto(t).Addr, filepath.Join(t.TempDir(), "central.db")
	f := centraltest.NewFeed("hall-1", "e1", contract.Tx)
	startNode(t, broker, "hall-1", f)
	total := 0
	for range kills {
		c := exec.Command(self)
		c.Env = append(os.Environ(), "TALLY_TEST_BROKER="+broker, "TALLY_TEST_DATABASE="+path)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		f.Sales(600, 10, 3)
		total += 600
		from := f.State().Acked
		wait(t, "it stores", func() bool { return f.State().Acked > from })
		c.Process.Kill()
		c.Wait()
		acked := f.State().Acked // what it has said before it went
		if got := stored(t, path, "SELECT COUNT(*) FROM sale"); got < int64(acked) {
			t.Fatalf("%d acknowledged, %d stored", acked, got)
		}
	}
	s, err := centre.New(t.Context(), onFile(broker, path), quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	wait(t, "the rest", func() bool { return f.State().Waiting() == 0 })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n, sum := stored(t, path, "SELECT COUNT(*) FROM sale"), stored(t, path, "SELECT SUM(amount_fen) FROM sale"); n != int64(total) || sum != int64(3*total) {
		t.Errorf("%d sales of %d, %d fen", n, total, sum)
	}
	t.Logf("%d kills, %d sales, each once", kills, total)
}

// stored asks the database file, which nobody else has open.
func stored(t *testing.T, path, query string) int64 {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var n sql.NullInt64
	if err := s.DB().QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n.Int64
}
