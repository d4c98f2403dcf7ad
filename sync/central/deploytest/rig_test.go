package deploytest_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// run until the test ends or stop is called.
func run(t *testing.T, runs ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, f := range runs {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// patience bounds every wait for an event; it is never waited out when all is well.
const patience = 3 * time.Minute

// way gives up after ten seconds without an answer and tries again: servers of NATS that have lost one of theirs leave a
// PUBLISH without an answer for good.
func way(addr, name string, files mqttlink.TLSFiles) mqttlink.Config {
	return mqttlink.Config{
		Broker: addr, ClientID: name, TLS: files.Load, RedialMin: 10 * time.Millisecond, RedialMax: 100 * time.Millisecond, Timeout: 10 * time.Second,
	}
}

// node is a node without a disk.
type node struct {
	tx, rd *centraltest.Feed
	down   chan contract.Topic
	stop   func()
}

func startNode(t *testing.T, addr, name string, files mqttlink.TLSFiles) *node {
	t.Helper()
	n := &node{tx: centraltest.NewFeed(name, "e1", contract.Tx), rd: centraltest.NewFeed(name, "e1", contract.Rd), down: make(chan contract.Topic, 10)}
	n.run(t, addr, files)
	return n
}

func (n *node) run(t *testing.T, addr string, files mqttlink.TLSFiles) {
	t.Helper()
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{
		Config: way(addr, "", files), Node: n.tx.Node, Down: func(topic contract.Topic, _ []byte) {
			select {
			case n.down <- topic:
			default:
			}
		},
		Status: func() contract.Status { return contract.Status{Boot: "b", Version: "1", Epoch: "e1", Clock: "ok"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	pump, err := outbox.NewPump(outbox.Config{Node: n.tx.Node, Boot: "b", Linger: 10 * time.Millisecond, AckTimeout: 10 * time.Second, Pause: 20 * time.Millisecond}, link, n.tx, n.rd)
	if err != nil {
		t.Fatal(err)
	}
	n.stop = run(t, link.Run, pump.Run)
}

// centre is one instance on a database of its own or shared.
type centre struct {
	store  *sqlstore.Store
	link   *mqttlink.Centre
	ingest *central.Ingest
	stop   func()

	mu       sync.Mutex
	statuses map[string]bool
}

func (c *centre) online(node string) (online, heard bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	online, heard = c.statuses[node]
	return online, heard
}

func openStore(t *testing.T) *sqlstore.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "central.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func startCentre(t *testing.T, addr, name, group string, files mqttlink.TLSFiles, store *sqlstore.Store) *centre {
	t.Helper()
	c := &centre{store: store, statuses: map[string]bool{}}
	var err error
	c.link, err = mqttlink.NewCentre(mqttlink.CentreConfig{Config: way(addr, name, files), Shared: group, Status: func(topic string, payload []byte) {
		tp, err := contract.ParseTopic(topic)
		s, bad := contract.OpenStatus(payload)
		if err == nil && bad == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.statuses[tp.Node] = s.Online
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.ingest = central.NewIngest(store, c.link, central.Options{Most: 8, Retry: 20 * time.Millisecond}) // short transactions: nodes wait for each
	c.stop = run(t, c.link.Run, c.ingest.Run)
	return c
}

func (c *centre) number(t *testing.T, query string) (n int64) {
	t.Helper()
	if err := c.store.DB().QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// until cond holds, which may take a while itself.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	enough := time.After(patience)
	for {
		if cond() {
			return
		}
		select {
		case <-tick.C:
		case <-enough:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

func empty(q outbox.Queue) func() bool { return func() bool { return q.State().Waiting() == 0 } }
