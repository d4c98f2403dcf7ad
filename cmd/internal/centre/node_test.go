package centre_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// startNode delivers q under name until the test ends.
func startNode(t *testing.T, broker, name string, q outbox.Queue) {
	t.Helper()
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{Node: name, Config: mqttlink.Config{Broker: broker, RedialMin: 10 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	pump, err := outbox.NewPump(outbox.Config{Node: name, Boot: "b", AckTimeout: 30 * time.Second}, link, q)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { link.Run(ctx) })
	wg.Go(func() { pump.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// patience bounds every wait for an event; it is never waited out when all is well.
const patience = 3 * time.Minute

// wait until cond holds.
func wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

func number(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
