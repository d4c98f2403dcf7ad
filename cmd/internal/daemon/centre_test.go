package daemon

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/sync/contract"
	"tally/sync/mqttlink"
)

// patience bounds every wait for an event; it is never waited out when all is well.
const patience = 3 * time.Minute

// testCentre is a centre that keeps what it gets in memory, acknowledges it, and signs commands.
type testCentre struct {
	t    *testing.T
	link *mqttlink.Centre
	key  ed25519.PrivateKey
	pub  string // file with its public key

	mu      sync.Mutex
	got     map[string]contract.Record // by stream and seq
	raw     map[string]string          // the same, their bytes
	differ  map[string]bool            // came again with other bytes
	next    map[string]uint64          // by epoch and stream
	epoch   string
	counter uint64
	mute    bool
	other   *testCentre // see inherit
	changed chan struct{}
}

func link(addr, id string) mqttlink.Config {
	return mqttlink.Config{Broker: addr, ClientID: id, RedialMin: 5 * time.Millisecond, RedialMax: 50 * time.Millisecond}
}

func startTestCentre(t *testing.T, addr string) *testCentre {
	t.Helper()
	return startTestCentreAs(t, addr, "")
}

func startTestCentreAs(t *testing.T, addr, user string) *testCentre {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &testCentre{t: t, key: key, pub: filepath.Join(t.TempDir(), "centre.pub"), got: map[string]contract.Record{}, raw: map[string]string{}, differ: map[string]bool{}, next: map[string]uint64{}, changed: make(chan struct{})}
	if err := os.WriteFile(c.pub, []byte(contract.KeyText("k", pub)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := link(addr, "centre")
	cfg.Username = user
	if c.link, err = mqttlink.NewCentre(mqttlink.CentreConfig{Config: cfg}); err != nil {
		t.Fatal(err)
	}
	c.link.Present(true)
	during(t, c.link.Run)
	during(t, c.serve)
	return c
}

// during runs f until the test ends.
func during(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stopped: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (c *testCentre) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-c.link.In():
			e, err := contract.Open(d.Payload)
			if err != nil {
				c.t.Errorf("envelope: %v", err)
				continue
			}
			c.take(ctx, e)
		}
	}
}

func (c *testCentre) take(ctx context.Context, e contract.Envelope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mute {
		return
	}
	c.epoch = e.Epoch
	id := e.Epoch + "/" + string(e.Stream)
	c.next[id] = c.upto(id)
	ack := contract.Ack{Epoch: e.Epoch}
	for i := range e.Records {
		rec, err := e.Record(i)
		if err != nil {
			c.t.Errorf("record: %v", err)
			continue
		}
		if rec.Seq == c.next[id]+1 {
			c.next[id]++
		}
		key := fmt.Sprintf("%s/%d", id, rec.Seq)
		if before, ok := c.raw[key]; ok && before != string(e.Records[i]) {
			c.differ[key] = true
			ack.Nacks = append(ack.Nacks, contract.Nack{Seq: rec.Seq, Code: contract.CodeConflict, Text: "another record has this number"})
			continue
		}
		c.got[key], c.raw[key] = rec, string(e.Records[i])
	}
	ack.Ack = c.next[id]
	_ = c.link.Ack(ctx, e.Node, e.Stream, ack) // lost acks are asked for again
	close(c.changed)
	c.changed = make(chan struct{})
}

// silence makes the centre take nothing, as if it were not there.
func (c *testCentre) silence(mute bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = mute
}

// conflicts names the numbers that came with two contents.
func (c *testCentre) conflicts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.differ))
}

// inherit makes c know how far another centre is at any time, as one database behind two brokers would.
func (c *testCentre) inherit(o *testCentre) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.other = o
}

// upto is how far a stream is here or at the other centre.
func (c *testCentre) upto(id string) uint64 {
	if c.other == nil {
		return c.next[id]
	}
	c.other.mu.Lock()
	defer c.other.mu.Unlock()
	return max(c.next[id], c.other.next[id])
}

// await returns the first record on ev that ok accepts.
func (c *testCentre) await(what string, ok func(contract.Record) bool) contract.Record {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		for _, rec := range c.got {
			if ok(rec) {
				c.mu.Unlock()
				return rec
			}
		}
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			c.t.Fatalf("gave up waiting for %s", what)
		}
	}
}

func (c *testCentre) count(typ string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rec := range c.got {
		if rec.Type == typ {
			n++
		}
	}
	return n
}

// command signs one for node n.
func (c *testCentre) command(typ string, args any, change func(*contract.Command)) ([]byte, contract.Command) {
	c.t.Helper()
	c.mu.Lock()
	c.counter++
	cmd := contract.Command{ID: fmt.Sprintf("c-%d", c.counter), Node: "n", Counter: c.counter, Issued: contract.At(time.Now()),
		Expires: contract.At(time.Now().Add(time.Hour)), Type: typ}
	c.mu.Unlock()
	var err error
	if cmd.Args, err = json.Marshal(args); err != nil {
		c.t.Fatal(err)
	}
	if change != nil {
		change(&cmd)
	}
	payload, err := contract.Sign("k", c.key, cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	return payload, cmd
}

// send repeats a message until the broker has it.
func (c *testCentre) send(kind contract.Kind, payload []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.link.Send(ctx, contract.Topic{Node: "n", Kind: kind}, payload) != nil {
		select {
		case <-ctx.Done():
			c.t.Fatal("the broker takes nothing")
		case <-tick.C:
		}
	}
}

// result waits for the answer to a command, which is sent again as a centre does.
func (c *testCentre) result(payload []byte, cmd contract.Command) contract.CommandResult {
	c.t.Helper()
	c.send(contract.KindCmd, payload)
	rec := c.await("the result of "+cmd.Type, func(r contract.Record) bool { return r.Type == contract.TypeCommandResult && r.ID == cmd.ID })
	var r contract.CommandResult
	if err := json.Unmarshal(rec.Body, &r); err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *testCentre) order(typ string, args any) contract.CommandResult {
	c.t.Helper()
	return c.result(c.command(typ, args, nil))
}

// desire publishes a desired state.
func (c *testCentre) desire(version uint64, parts string) {
	c.t.Helper()
	d := want(version, parts)
	d.Node = "n"
	payload, err := contract.Sign("k", c.key, d)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(contract.KindCfg, payload)
}

// startUplinked runs a node that knows the centre.
func startUplinked(t *testing.T, addr string, c *testCentre, change func(*config.Node)) (*Node, func()) {
	t.Helper()
	cfg := config.Node{Name: "n", DataDir: t.TempDir(), HTTP: config.HTTP{Listen: "127.0.0.1:0"},
		Uplink: &config.Uplink{Broker: "tcp://" + addr, Delivery: config.Delivery{CentreKeys: []string{c.pub}, KeepReadings: time.Hour}}}
	if change != nil {
		change(&cfg)
	}
	n, err := New(t.Context(), cfg, Parts{Version: "test", Grace: patience}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	stop := during(t, n.Run)
	c.await("the start", func(r contract.Record) bool { return r.Type == contract.TypeNodeStarted && r.ID == n.boot })
	return n, stop
}
