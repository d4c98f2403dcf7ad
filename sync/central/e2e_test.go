package central_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// patience bounds every wait for an event; it is never waited out when all is well.
const patience = 3 * time.Minute

// task is something with a Run, running.
type task struct {
	stop context.CancelFunc
	done chan error
}

func run(t testing.TB, runs ...func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.Background())
	k := &task{cancel, make(chan error, 1)}
	go func() {
		var wg sync.WaitGroup
		errs := make([]error, len(runs))
		for i, f := range runs {
			wg.Go(func() { errs[i] = f(ctx) })
		}
		wg.Wait()
		k.done <- errors.Join(errs...)
	}()
	t.Cleanup(k.end)
	return k
}

// end may be called twice.
func (k *task) end() {
	k.stop()
	select {
	case err := <-k.done:
		if err != nil {
			panic(err)
		}
		k.done <- nil
	case <-time.After(patience):
		panic("a task does not end")
	}
}

func soon(addr, client string) mqttlink.Config {
	return mqttlink.Config{
		Broker: addr, ClientID: client, RedialMin: 5 * time.Millisecond, RedialMax: 50 * time.Millisecond,
		Jitter: func(most time.Duration) time.Duration { return most }, Timeout: patience, // a busy machine is no dead line
	}
}

// node is a node without a disk: queues in memory, a real link and a real pump.
type node struct {
	*task
	tx, rd *centraltest.Feed
	ev     *centraltest.Feed
	pump   *outbox.Pump
	alarms chan outbox.Alarm
	plain  bool
	wait   time.Duration // for the centre's word; 10 s when 0
}

func startNode(t testing.TB, addr, name, epoch string) *node {
	t.Helper()
	n := newNode(name, epoch)
	n.start(t, addr)
	return n
}

func newNode(name, epoch string) *node {
	return &node{
		tx: centraltest.NewFeed(name, epoch, contract.Tx), rd: centraltest.NewFeed(name, epoch, contract.Rd),
		ev:     centraltest.NewFeed(name, epoch, contract.Ev),
		alarms: make(chan outbox.Alarm, 100),
	}
}

func (n *node) start(t testing.TB, addr string) {
	t.Helper()
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{Config: soon(addr, ""), Node: n.tx.Node})
	if err != nil {
		t.Fatal(err)
	}
	n.wait = cmp.Or(n.wait, 10*time.Second)
	n.pump, err = outbox.NewPump(outbox.Config{
		Node: n.tx.Node, Boot: "boot", Linger: 10 * time.Millisecond, AckTimeout: n.wait, Pause: 10 * time.Millisecond, PlainReadings: n.plain,
		OnAlarm: func(a outbox.Alarm) {
			select {
			case n.alarms <- a:
			default:
			}
		},
	}, link, n.tx, n.ev, n.rd)
	if err != nil {
		t.Fatal(err)
	}
	n.task = run(t, link.Run, n.pump.Run)
}

// alarm is the next that the node's delivery has raised.
func (n *node) alarm(t testing.TB) outbox.Alarm {
	t.Helper()
	select {
	case a := <-n.alarms:
		return a
	case <-time.After(patience):
		t.Fatal("no alarm")
		return outbox.Alarm{}
	}
}

// until waits for cond, which is looked at whenever q was acknowledged and at least every few milliseconds.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

// moved is whether q has got further since, or is empty: then it had before anybody looked.
func moved(q outbox.Queue) func() bool {
	from := q.State().Acked
	return func() bool { s := q.State(); return s.Acked > from || s.Waiting() == 0 }
}

func empty(q outbox.Queue) func() bool { return func() bool { return q.State().Waiting() == 0 } }

// centre is a real one: mqttlink, ingest, SQLite.
type centre struct {
	*task
	ingest *central.Ingest
	link   *mqttlink.Centre
	db     *sql.DB
}

func startCentre(t testing.TB, addr, path string) *centre {
	t.Helper()
	store := openSQLite(t, path)
	c := startCentreOn(t, addr, store)
	c.db = store.DB()
	return c
}

func openSQLite(t testing.TB, path string) *sqlstore.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func startCentreOn(t testing.TB, addr string, store central.Store) *centre {
	t.Helper()
	link, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: soon(addr, "central")})
	if err != nil {
		t.Fatal(err)
	}
	ingest := central.NewIngest(store, link, central.Options{Retry: 10 * time.Millisecond, RetryMax: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	c := &centre{ingest: ingest, link: link, task: run(t, link.Run, ingest.Run)}
	t.Cleanup(func() { c.end(); store.Close() })
	return c
}

func (c *centre) number(t testing.TB, query string) int64 {
	t.Helper()
	var n sql.NullInt64
	if err := c.db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n.Int64
}

// brokers are all that the tests run against.
var brokers = map[string]func(testing.TB) string{
	"mosquitto": func(t testing.TB) string { return mqtttest.StartMosquitto(t).Addr },
	"mochi":     mqtttest.StartMochi,
}

func TestFromTheQueueIntoTheDatabase(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			addr := start(t)
			n := startNode(t, addr, "hall-1", "e1")
			n.tx.Sales(120, 10_000, 2_600)
			n.rd.Readings(450)
			c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
			until(t, "tx", empty(n.tx))
			until(t, "rd", empty(n.rd))
			for query, want := range map[string]int64{
				"SELECT SUM(volume_l) FROM sale": 1_200_000, "SELECT SUM(amount_fen) FROM sale": 312_000,
				"SELECT COUNT(DISTINCT seq) FROM reading": 450, "SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM refused": 0,
			} {
				if got := c.number(t, query); got != want {
					t.Errorf("%s: %d, want %d", query, got, want)
				}
			}
			n.tx.Sales(1, 5, 1)
			until(t, "a single sale", empty(n.tx))
		})
	}
}

// Promise 3, with a real broker: it takes every publish, but nobody reads, so nothing may leave the outbox.
func TestPromise3NobodyReadsButTheBrokerSaysPuback(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	n := newNode("hall-1", "e1")
	n.wait = time.Second
	n.start(t, addr)
	n.tx.Sales(10, 10_000, 2_600)

	// A centre that says it is there, takes nothing and answers nothing.
	deaf, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: soon(addr, "deaf")})
	if err != nil {
		t.Fatal(err)
	}
	deaf.Present(true)
	k := run(t, deaf.Run)
	until(t, "the envelope was published and taken", func() bool { return len(deaf.In()) >= 2 }) // sent again after the timeout
	if st := n.tx.State(); st.Acked != 0 {
		t.Errorf("%d records left the outbox on a PUBACK", st.Acked)
	}
	k.end()

	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	until(t, "tx", empty(n.tx))
	if got := c.number(t, "SELECT COUNT(*) FROM sale"); got != 10 {
		t.Errorf("%d sales", got)
	}
}

// Promise 12, for the road: broker, centre and node are killed while records flow; each arrives once.
func TestPromise12BrokerKilledMidway(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startCentre(t, m.Addr, filepath.Join(t.TempDir(), "central.db"))
	n := startNode(t, m.Addr, "hall-1", "e1")
	sum := int64(0)
	for round := range 5 {
		n.tx.Sales(200, 10, 3)
		sum += 600
		n.rd.Readings(500)
		until(t, "some of the round", moved(n.tx))
		m.Kill()
		if round == 2 {
			n.end() // and the node goes down too
			n.start(t, m.Addr)
		}
		m.Start()
	}
	until(t, "tx", empty(n.tx))
	until(t, "rd", empty(n.rd))
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM sale": 1000, "SELECT SUM(amount_fen) FROM sale": sum, "SELECT COUNT(DISTINCT seq) FROM reading": 2500,
		"SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM record WHERE chained = 0": 0,
	} {
		if got := c.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestCentreRestartedMidway(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	path := filepath.Join(t.TempDir(), "central.db")
	n := startNode(t, addr, "hall-1", "e1")
	for range 4 {
		n.tx.Sales(300, 10, 3)
		c := startCentre(t, addr, path)
		until(t, "some of the round", moved(n.tx))
		c.end()
	}
	c := startCentre(t, addr, path)
	until(t, "tx", empty(n.tx))
	if got := c.number(t, "SELECT COUNT(*) FROM sale"); got != 1200 {
		t.Errorf("%d sales", got)
	}
}

// faulty makes a store's database go away.
type faulty struct {
	central.Store
	mu  sync.Mutex
	err error
}

func (f *faulty) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *faulty) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *faulty) Commit(ctx context.Context, b []central.Batch, now time.Time) ([]central.Receipt, error) {
	if err := f.get(); err != nil {
		return nil, err
	}
	return f.Store.Commit(ctx, b, now)
}

func TestDatabaseDownNothingIsAcknowledged(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	f := &faulty{Store: openSQLite(t, filepath.Join(t.TempDir(), "central.db"))}
	c := startCentreOn(t, addr, f)
	n := startNode(t, addr, "hall-1", "e1")
	n.tx.Sales(10, 10, 3)
	until(t, "tx", empty(n.tx))

	f.set(errors.New("connection refused"))
	n.tx.Sales(500, 10, 3)
	until(t, "the centre says that it is not there", func() bool { return !n.pump.Snapshot(t.Context()).Central })
	until(t, "it tries on", func() bool { return c.ingest.Stats().StoreErrors > 5 })
	if got := n.tx.State().Acked; got != 10 {
		t.Errorf("%d acknowledged while the database was down", got)
	}
	f.set(nil)
	until(t, "tx", empty(n.tx))
}

func TestEveryEnvelopeTwice(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	feed := centraltest.NewFeed("hall-1", "e1", contract.Tx).Sales(40, 10, 3)
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{Config: soon(addr, ""), Node: "hall-1"})
	if err != nil {
		t.Fatal(err)
	}
	run(t, link.Run)
	acked := uint64(0)
	event := func(kind outbox.EventKind) outbox.Event {
		for {
			select {
			case e := <-link.Events():
				if e.Kind == kind {
					return e
				}
			case <-time.After(patience):
				t.Fatal("no event")
			}
		}
	}
	event(outbox.CentralOnline)
	for range 2 {
		for from := uint64(1); from <= 40; from += 10 {
			link.Publish(t.Context(), contract.Tx, feed.Deliver(t, from, 10).Payload)
			acked = event(outbox.Acked).Ack.Ack
		}
	}
	if acked != 40 || c.number(t, "SELECT SUM(amount_fen) FROM sale") != 120 {
		t.Errorf("acked %d, sum %d", acked, c.number(t, "SELECT SUM(amount_fen) FROM sale"))
	}
	if s := c.ingest.Stats(); s.Duplicates != 40 || s.Stored != 40 {
		t.Errorf("%+v", s)
	}
}

func TestAForeignEpochOverTheWire(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	until(t, "the centre is connected", c.link.Connected)
	for _, a := range []contract.Ack{{Epoch: "e0", Ack: 5}, {Epoch: "e1", Ack: 99}} {
		if err := c.link.Ack(t.Context(), "hall-1", contract.Rd, a); err != nil {
			t.Fatal(err)
		}
	}
	n := startNode(t, addr, "hall-1", "e1") // finds a retained ack beyond anything it has
	if a := n.alarm(t); a.Code != outbox.AlarmBeyond {
		t.Errorf("%v", a)
	}
	if err := c.link.Ack(t.Context(), "hall-1", contract.Tx, contract.Ack{Epoch: "e0", Ack: 5}); err != nil {
		t.Fatal(err)
	}
	n.tx.Sales(7, 1, 1)
	n.rd.Readings(7)
	until(t, "tx", empty(n.tx))
	until(t, "rd", empty(n.rd))
	if got := c.number(t, "SELECT COUNT(*) FROM record"); got != 14 {
		t.Errorf("%d records", got)
	}
}

func TestAPoisonRecordOverTheWire(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	n := startNode(t, addr, "hall-1", "e1")
	n.tx.Sales(3, 1, 1)
	n.tx.AppendRaw([]byte(`{"poison":true}`))
	n.tx.Sales(3, 1, 1)
	until(t, "tx", empty(n.tx))
	if a := n.alarm(t); a.Code != outbox.AlarmNacked || a.Seq != 4 {
		t.Errorf("%v", a)
	}
	if len(n.tx.Nacked()) != 1 || c.number(t, "SELECT COUNT(*) FROM sale") != 6 || c.number(t, "SELECT COUNT(*) FROM quarantine") != 1 {
		t.Error(n.tx.Nacked(), c.ingest.Stats())
	}
}

func TestLostReadingsOverTheWire(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	n := startNode(t, addr, "hall-1", "e1")
	n.rd.Readings(100)
	until(t, "rd", empty(n.rd))
	n.end()
	n.rd.Readings(300)
	n.rd.Lose(250)
	n.ev.Append(contract.TypeReadingsLost, "rd/101-250", centraltest.Start, contract.ReadingsLost{First: 101, Last: 250, Why: "disk_full"})
	n.start(t, addr)
	until(t, "rd", empty(n.rd))
	n.rd.Readings(1)
	until(t, "rd", empty(n.rd))
	if got := c.number(t, "SELECT COUNT(DISTINCT seq) FROM reading"); got != 251 {
		t.Errorf("%d readings", got)
	}
}

func TestManyNodes(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	var nodes []*node
	for i := range 20 {
		n := startNode(t, addr, fmt.Sprintf("n%d", i), "e1")
		n.tx.Sales(60, 10, 3)
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		until(t, "tx of "+n.tx.Node, empty(n.tx))
	}
	if got := c.number(t, "SELECT SUM(amount_fen) FROM sale"); got != 20*60*3 {
		t.Errorf("%d fen", got)
	}
}
