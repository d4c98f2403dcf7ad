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
	"tally/sync/central/sqlite"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
)

// TestMain is also the centre that TestPromise12TheCentreIsKilled kills: the test starts itself again.
func TestMain(m *testing.M) {
	if broker := os.Getenv("TALLY_TEST_BROKER"); broker != "" {
		c := onFile(broker, os.Getenv("TALLY_TEST_DATABASE"))
		c.SigningKey = os.Getenv("TALLY_TEST_KEY")
		ce, err := centre.NewWith(context.Background(), c, quiet, quick)
		if err == nil {
			err = ce.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// campaign is how often something is killed.
func campaign() int {
	if n, err := strconv.Atoi(os.Getenv("TALLY_KILLS")); err == nil {
		return n
	}
	return 10
}

// soundBooks is what must hold in a central database after everything: all sales, each with one effect, no gap.
func soundBooks(sales int) map[string]int64 {
	n := int64(sales)
	return map[string]int64{
		"SELECT COUNT(*) FROM sale": n, "SELECT SUM(amount_fen) FROM sale": 3 * n, "SELECT SUM(volume_l) FROM bought": 10 * n,
		"SELECT COUNT(DISTINCT order_id) FROM sale": n, "SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM refused": 0,
		"SELECT COUNT(*) FROM record WHERE chained = 0 OR chained IS NULL":                             0,
		"SELECT COUNT(*) FROM stream_state WHERE acked <> high":                                        0,
		"SELECT SUM(acked) FROM stream_state WHERE stream = 'tx'":                                      n,
		"SELECT MAX(seq) - COUNT(*) FROM record WHERE stream = 'tx'":                                   0,
		"SELECT COUNT(*) FROM (SELECT id FROM command WHERE outcome <> '' AND outcome <> 'done') AS x": 0,
	}
}

// Promise 12: the centre is killed (SIGKILL) while it stores, again and again; what it has acknowledged is there, and
// everything is there once in the end. TALLY_KILLS sets how often.
func TestPromise12TheCentreIsKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	broker, path := mqtttest.StartMosquitto(t).Addr, filepath.Join(t.TempDir(), "central.db")
	conf := onFile(broker, path)
	key, _ := withKey(t, &conf)
	h := startHall(t, broker, "hall-1", key)
	kills := campaign()
	for range kills {
		c := exec.Command(self)
		c.Env = append(os.Environ(), "TALLY_TEST_BROKER="+broker, "TALLY_TEST_DATABASE="+path, "TALLY_TEST_KEY="+conf.SigningKey)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		h.sell(t, 300)
		from := h.store.Queue(contract.Tx).State().Acked
		wait(t, "it stores", func() bool { // or has stored everything before anybody looked
			s := h.store.Queue(contract.Tx).State()
			return s.Acked > from || s.Waiting() == 0
		})
		c.Process.Kill()
		c.Wait()
		acked := h.store.Queue(contract.Tx).State().Acked // what it has said before it went
		if got := stored(t, path, "SELECT COUNT(*) FROM sale"); got < int64(acked) {
			t.Fatalf("%d acknowledged, %d stored", acked, got)
		}
	}
	ce, _ := open(t, conf)
	wait(t, "the rest", h.delivered(contract.Tx))
	for query, want := range soundBooks(h.sold) {
		if got := number(t, ce.DB(), query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if t.Failed() {
		return
	}
	t.Logf("centre killed %d times, %d sales told to be stored, each in the centre with one effect, no gap", kills, h.sold)
}

// Promise 12: the broker is killed (SIGKILL) while records, acks and desired states are on it.
func TestPromise12TheBrokerIsKilled(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	conf := onFile(m.Addr, filepath.Join(t.TempDir(), "central.db"))
	key, _ := withKey(t, &conf)
	ce, _ := open(t, conf)
	halls := []*hall{startHall(t, m.Addr, "hall-1", key), startHall(t, m.Addr, "hall-2", key)}
	kills, sold := campaign(), 0
	for round := range kills {
		for i, h := range halls {
			h.sell(t, 50+10*((round+i)%7))
		}
		from := ce.Stats().Stored
		wait(t, "records flow", func() bool { // or have flowed before anybody looked
			return ce.Stats().Stored > from || halls[0].delivered(contract.Tx)() && halls[1].delivered(contract.Tx)()
		})
		m.Kill()
		m.Start()
	}
	for _, h := range halls {
		wait(t, "the rest of "+h.name, h.delivered(contract.Tx))
		sold += h.sold
	}
	for query, want := range soundBooks(sold) {
		switch query {
		case "SELECT MAX(seq) - COUNT(*) FROM record WHERE stream = 'tx'": // of two nodes
			continue
		}
		if got := number(t, ce.DB(), query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if t.Failed() {
		return
	}
	s := ce.Stats()
	t.Logf("broker killed %d times, %d sales told to be stored, each in the centre with one effect, no gap; %d came more than once", kills, sold, s.Duplicates)
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
