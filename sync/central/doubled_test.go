package central_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// twice sends every publish two times, as a broker or a line may at QoS 1.
type twice struct{ outbox.Link }

// Publish sends payload twice and tells of the second.
func (l twice) Publish(ctx context.Context, s contract.Stream, payload []byte) <-chan error {
	<-l.Link.Publish(ctx, s, payload)
	return l.Link.Publish(ctx, s, payload)
}

// shuffled holds acks back and sends them in a random order, each three times.
type shuffled struct {
	central.Road
	mu   sync.Mutex
	held []func()
	n    *rand.Rand
}

// Ack keeps the ack for later.
func (r *shuffled) Ack(ctx context.Context, node string, s contract.Stream, a contract.Ack) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	send := func() { _ = r.Road.Ack(ctx, node, s, a) } // lost ones are asked for again
	r.held = append(r.held, send, send, send)
	if len(r.held) >= 9 || r.n.IntN(4) == 0 {
		r.letGo()
	}
	return nil
}

// rest sends what is held when no further ack will come and push it out.
func (r *shuffled) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.letGo()
}

func (r *shuffled) letGo() {
	r.n.Shuffle(len(r.held), func(i, j int) { r.held[i], r.held[j] = r.held[j], r.held[i] })
	for _, send := range r.held {
		send()
	}
	r.held = nil
}

func TestFaultEveryPublishTwiceAndAcksInAnyOrder(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	store := openSQLite(t, filepath.Join(t.TempDir(), "central.db"))
	link, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: soon(addr, "central")})
	if err != nil {
		t.Fatal(err)
	}
	road := &shuffled{Road: link, n: rand.New(rand.NewPCG(5, 6))}
	ingest := central.NewIngest(store, road, central.Options{Most: 2})
	c := &centre{ingest: ingest, link: link, db: store.DB(), task: run(t, link.Run, ingest.Run)}
	t.Cleanup(func() { c.end(); store.Close() })

	tx, rd := centraltest.NewFeed("hall-1", "e1", contract.Tx).Sales(700, 10, 3), centraltest.NewFeed("hall-1", "e1", contract.Rd).Readings(900)
	up, err := mqttlink.NewNode(mqttlink.NodeConfig{Config: soon(addr, ""), Node: "hall-1"})
	if err != nil {
		t.Fatal(err)
	}
	marks := &forward{Queue: tx, t: t}
	pump, err := outbox.NewPump(outbox.Config{Node: "hall-1", Boot: "b", AckTimeout: 5 * time.Second, Linger: time.Millisecond}, twice{up}, marks, rd)
	if err != nil {
		t.Fatal(err)
	}
	run(t, up.Run, pump.Run)
	until(t, "tx and rd", func() bool {
		if ingest.Stats().Stored == 1600 {
			road.rest()
		}
		return empty(tx)() && empty(rd)()
	})
	until(t, "every record came twice", func() bool { return ingest.Stats().Duplicates >= 1600 })
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM sale": 700, "SELECT SUM(amount_fen) FROM sale": 2100, "SELECT COUNT(DISTINCT seq) FROM reading": 900,
		"SELECT COUNT(*) FROM reading": 900, "SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM record WHERE chained IS NULL OR chained = 0": 0,
	} {
		if got := c.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// forward sees to it that a watermark never goes back.
type forward struct {
	outbox.Queue
	t    *testing.T
	mu   sync.Mutex
	last uint64
}

// Ack passes on what moves forward.
func (f *forward) Ack(ctx context.Context, a contract.Ack) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a.Ack < f.last {
		f.t.Errorf("the watermark goes back from %d to %d", f.last, a.Ack)
	}
	f.last = a.Ack
	return f.Queue.Ack(ctx, a)
}
