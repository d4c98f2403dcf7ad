//go:build unix

package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// weeks is how long the centre is away: meters that are read each hour, in batches as their lines give them, and sales.
type weeks struct{ meters, hours, sales, step int }

func threeWeeks() weeks {
	if long() {
		return weeks{meters: 2000, hours: 21 * 24, sales: 10_000, step: 150_000}
	}
	return weeks{meters: 100, hours: 12, sales: 50, step: 300}
}

func (w weeks) readings() uint64 { return uint64(w.meters * w.hours) }

// weeksChild is what copies of the test program do: fill a folder, or run a node on one.
func weeksChild(scenario string, args []string) error {
	switch scenario {
	case "fill":
		return fillWeeks(args[0])
	case "run":
		return runWeeks(args[0], args[1])
	}
	return fmt.Errorf("no scenario %q", scenario)
}

// fillWeeks makes the backlog with the clock turned and is killed while it goes on.
func fillWeeks(dir string) error {
	w := threeWeeks()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	hour := 0
	s, err := storage.Open(dir, storage.Options{Node: "n", Ballast: -1, Logger: quiet,
		Now: func() time.Time { return start.Add(time.Duration(hour) * time.Hour) }})
	if err != nil {
		return err
	}
	const batch = 50
	sold := 0
	for ; hour < w.hours; hour++ {
		for m := 0; m < w.meters; m += batch {
			values := make([]storage.Value, batch)
			for i := range values {
				values[i].Reading = hourly(m+i, hour, start.Add(time.Duration(hour)*time.Hour))
			}
			if err := s.KeepAll(context.Background(), values); err != nil {
				return err
			}
		}
		for ; sold < w.sales*(hour+1)/w.hours; sold++ {
			if err := s.Update(context.Background(), weekSale(sold)); err != nil {
				return err
			}
		}
	}
	fmt.Println("filled")
	select {}
}

func hourly(m, n int, at time.Time) *meter.Reading {
	return &meter.Reading{Meter: meter.ID(fmt.Sprintf("3026%04d", m)), At: at.Add(time.Duration(m) * time.Millisecond), Line: fmt.Sprintf("riser-%d", m/50),
		Raw:    []byte{1, 3, 4, 0, byte(n), byte(m), byte(m >> 8), 0x3b},
		Values: []meter.Value{{Name: meter.Volume, Number: quantity.Decimal{Unscaled: int64(m*1000 + n*17), Scale: 2}, Unit: quantity.UnitCubicMetre}}}
}

// weekSale is the transaction that ends a sale.
func weekSale(i int) func(counter.Tx) error {
	return func(tx counter.Tx) error {
		card := purse.CardID{Region: 0x571, No: fmt.Sprintf("%08d", i%5000)}
		no, err := tx.NextReceipt("hall")
		if err != nil {
			return err
		}
		if err := tx.PutAccount(counter.Account{No: fmt.Sprintf("%06d", i%5000), Name: "王秀兰", PriceClass: "residential", Card: card}); err != nil {
			return err
		}
		o := counter.Order{ID: fmt.Sprintf("o%09d", i), Request: fmt.Sprintf("r%09d", i), State: counter.Done, Card: card, Station: "hall", Receipt: no, Amount: 2650, Volume: 1000}
		if err := tx.PutOrder(o); err != nil {
			return err
		}
		return tx.Emit(outbox.Draft{Stream: contract.Tx, Type: contract.TypeSale, ID: o.ID,
			Body: contract.Sale{Order: o.ID, Receipt: no, AmountFen: 2650, VolumeL: 1000, Currency: "CNY"}})
	}
}

// runWeeks is a node on a backlog. It says how long it took to start, keeps live readings coming, and when nothing waits
// any more how long a commit takes.
func runWeeks(dir, addr string) error {
	began := time.Now()
	cfg := config.Node{Name: "n", DataDir: dir, HTTP: config.HTTP{Listen: "127.0.0.1:0"},
		Uplink: &config.Uplink{Broker: "tcp://" + addr, Delivery: config.Delivery{KeepReadings: time.Hour}}}
	n, err := New(context.Background(), cfg, Parts{Version: "test", Grace: patience, Storage: storage.Options{Ballast: -1}}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	fmt.Println("start-ms", time.Since(began).Milliseconds())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(context.Background()) }()
	tick := time.NewTicker(250 * time.Millisecond)
	waiting := true
	for i := 0; ; i++ {
		select {
		case err := <-ended:
			return err
		case now := <-tick.C:
			if err := n.store.Keep(context.Background(), *hourly(i%100, i, now)); err != nil {
				return err
			}
		}
		if left := n.store.Queue(contract.Tx).State().Waiting() + n.store.Queue(contract.Rd).State().Waiting(); waiting && left < 100 {
			waiting = false
			took, err := commitTime(n.store, 1_000_000)
			if err != nil {
				return err
			}
			fmt.Println("commit-us", took.Microseconds())
		}
	}
}

// commitTime is the median of 300 sales.
func commitTime(s *storage.Store, from int) (time.Duration, error) {
	var all []time.Duration
	for i := range 300 {
		began := time.Now()
		if err := s.Update(context.Background(), weekSale(from+i)); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// headCentre acknowledges what it can read the head of, so that the node is what is measured.
type headCentre struct {
	mu      sync.Mutex
	upto    map[contract.Stream]uint64
	began   time.Time // when the node of now was started
	first   time.Time // when the first envelope came
	from    uint64
	shown   int
	delay   time.Duration // the longest that a live value took
	changed chan struct{}
}

func (c *headCentre) serve(ctx context.Context, link *mqttlink.Centre) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-link.In():
			e, err := contract.Open(d.Payload)
			if err != nil {
				return err
			}
			if topic, err := contract.ParseTopic(d.Topic); err != nil || topic.Kind == contract.KindNow {
				c.live(e)
				continue
			}
			_ = link.Ack(ctx, e.Node, e.Stream, contract.Ack{Epoch: e.Epoch, Ack: c.take(e)})
		}
	}
}

func (c *headCentre) live(e contract.Envelope) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown++
	for i := range e.N {
		if rec, err := e.Record(i); err == nil && rec.At.After(c.began) { // the others are of the backlog
			c.delay = max(c.delay, now.Sub(rec.At.Time))
		}
	}
}

func (c *headCentre) take(e contract.Envelope) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Stream == contract.Rd && c.first.IsZero() {
		c.first, c.from = time.Now(), c.upto[e.Stream]
	}
	if e.Seq0 <= c.upto[e.Stream]+1 {
		c.upto[e.Stream] = max(c.upto[e.Stream], e.Seq0+uint64(e.N)-1)
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return c.upto[e.Stream]
}

// has is how many readings have come; some that the broker still had may come after their node was killed.
func (c *headCentre) has() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.upto[contract.Rd]
}

// reset forgets how far the streams are: another ledger comes.
func (c *headCentre) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.upto)
}

// rate waits until n further readings have come, or those up to all, and tells how fast.
func (c *headCentre) rate(t *testing.T, n, all uint64) float64 {
	t.Helper()
	deadline := time.After(20 * time.Minute)
	for {
		c.mu.Lock()
		got, first, from, changed := c.upto[contract.Rd], c.first, c.from, c.changed
		c.mu.Unlock()
		if !first.IsZero() && (got >= from+n || got >= all) {
			return float64(got-from) / time.Since(first).Seconds()
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d of %d readings have come", got, all)
		}
	}
}

func (c *headCentre) renew() (shown int, delay time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shown, delay = c.shown, c.delay
	c.first, c.shown, c.delay, c.began = time.Time{}, 0, 0, time.Now()
	return shown, delay
}

func await(t *testing.T, p *storagetest.Process, what string) string {
	t.Helper()
	for {
		line, ok := p.Line()
		if !ok {
			t.Fatalf("the node ended before it said %s", what)
		}
		if rest, ok := strings.CutPrefix(line, what); ok {
			return strings.TrimSpace(rest)
		}
	}
}

// TestThreeWeeksOfOutage: a million readings and ten thousand sales wait when the centre comes back. In full length it is
// part of `make faults`; the figures are printed.
func TestThreeWeeksOfOutage(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	w := threeWeeks()
	dir := filepath.Join(t.TempDir(), "data")
	began := time.Now()
	p := storagetest.Start(t, "fill", dir)
	await(t, p, "filled")
	p.Kill()
	t.Logf("%d readings and %d sales stored in %s: %d bytes on disk for a reading, ledger %d MiB", w.readings(), w.sales, time.Since(began).Round(time.Second),
		folderSize(t, filepath.Join(dir, "readings"))/int64(w.readings()), fileSize(t, filepath.Join(dir, "ledger.db"))>>20)

	up, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: link(m.Addr, "centre"), Queue: 4096})
	if err != nil {
		t.Fatal(err)
	}
	up.Present(true)
	c := &headCentre{upto: map[contract.Stream]uint64{}, changed: make(chan struct{})}
	during(t, up.Run)
	during(t, func(ctx context.Context) error { return c.serve(ctx, up) })
	all := w.readings()
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 0} {
		addr := m.Addr
		if rtt > 0 {
			addr = mqtttest.SlowLine(t, m.Addr, rtt)
		}
		n := uint64(w.step)
		last := rtt == 0 && c.has() > 0
		if last {
			n = all
		}
		c.renew()
		p := storagetest.Start(t, "run", dir, addr)
		start := number(t, await(t, p, "start-ms"))
		rate := c.rate(t, n, all)
		rss := memory(t, p.Pid())
		commit := int64(0)
		if last {
			commit = number(t, await(t, p, "commit-us"))
		}
		p.Kill()
		shown, delay := c.renew()
		t.Logf("RTT %s: start after a cut %d ms, drained at %.0f readings/s, live values shown %d times, at most %s old; %s", rtt, start, rate, shown, delay.Round(time.Millisecond), rss)
		if last { // on a fresh node under the same conditions
			c.reset()
			p := storagetest.Start(t, "run", filepath.Join(t.TempDir(), "fresh"), m.Addr)
			fresh := number(t, await(t, p, "commit-us"))
			p.Kill()
			t.Logf("commit of a sale: fresh ledger %d µs, after draining %d µs, ratio %.2f", fresh, commit, float64(commit)/float64(fresh))
		}
	}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// memory is what the kernel says of a process's resident memory, now and at most.
func memory(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "memory unknown"
	}
	var found []string
	for _, line := range strings.Split(string(status), "\n") {
		for _, key := range []string{"VmRSS", "VmHWM", "RssAnon"} {
			if strings.HasPrefix(line, key) {
				found = append(found, strings.Join(strings.Fields(line), " "))
			}
		}
	}
	return strings.Join(found, ", ")
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func folderSize(t *testing.T, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n += fileSize(t, filepath.Join(dir, e.Name()))
	}
	return n
}
