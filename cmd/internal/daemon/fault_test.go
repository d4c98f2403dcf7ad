package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/counter"
	"tally/meter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// long says that the faults of `make faults` are wanted in full length.
func long() bool { return os.Getenv("TALLY_FAULTS") != "" }

// deaf is how long a line may say nothing that owes an answer, where the test does not want to see that noticed: what
// happens to a busy machine is no fault of the line, and would be taken for one again and again.
const deaf = time.Minute

// faultNode is a node on a line of the test's. It gives the line up when that was silent for line, and sends again when the
// centre has said nothing for word. It runs until stop.
func faultNode(t *testing.T, dir, addr string, c *testCentre, user string, line, word time.Duration) (*Node, func()) {
	t.Helper()
	cfg := config.Node{Name: "n", DataDir: dir, HTTP: config.HTTP{Listen: "127.0.0.1:0"},
		Uplink: &config.Uplink{Broker: "tcp://" + addr, Username: user, Delivery: config.Delivery{CentreKeys: []string{c.pub}, KeepReadings: time.Hour}}}
	n, err := New(t.Context(), cfg, Parts{
		Version: "test", Grace: patience, Storage: storage.Options{Ballast: -1, Linger: time.Millisecond},
		Link: func(l *mqttlink.NodeConfig) {
			l.RedialMin, l.RedialMax, l.Timeout, l.KeepAlive = 5*time.Millisecond, 100*time.Millisecond, line, line
		},
		Outbox: func(o *outbox.Config) {
			o.Linger, o.AckTimeout, o.Pause, o.NewestEvery = 10*time.Millisecond, word, 10*time.Millisecond, 50*time.Millisecond
		},
	}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return n, during(t, n.Run)
}

// produce commits records of all streams: money and events one by one, readings in batches.
func produce(t *testing.T, n *Node, from, count int) {
	t.Helper()
	for i := from; i < from+count; i++ {
		err := n.store.Update(t.Context(), func(tx counter.Tx) error {
			if err := tx.Emit(outbox.Draft{Stream: contract.Tx, Type: "note", ID: fmt.Sprint("tx", i), Body: struct{}{}}); err != nil {
				return err
			}
			return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: "note", ID: fmt.Sprint("ev", i), Body: struct{}{}})
		})
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]storage.Value, 20)
		for k := range batch {
			batch[k].Reading = &meter.Reading{Meter: meter.ID(fmt.Sprintf("m%d", k)), At: time.Now(), Line: fmt.Sprint(i)}
		}
		if err := n.store.KeepAll(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

// arrived waits until the centre has acknowledged everything, and checks that it is all there, once, and in a chain.
func arrived(t *testing.T, n *Node, c *testCentre) {
	t.Helper()
	deadline := time.After(4 * patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var waiting uint64
		for _, s := range contract.Streams {
			waiting += n.store.Queue(s).State().Waiting()
		}
		if waiting == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d records still wait", waiting)
		}
	}
	for _, s := range contract.Streams {
		last := n.store.Queue(s).State().Next - 1
		for seq := uint64(1); seq <= last; seq++ {
			c.mu.Lock()
			_, ok := c.got[fmt.Sprintf("%s/%s/%d", n.store.Epoch(), s, seq)]
			c.mu.Unlock()
			if !ok {
				t.Fatalf("record %s/%d of %d is acknowledged and not at the centre", s, seq, last)
			}
		}
	}
	if len(c.conflicts()) > 0 {
		t.Errorf("conflicts: %v", c.conflicts())
	}
}

func TestFaultLossOfPacketsOnALongWay(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	l := mqtttest.NewLine(t, m.Addr)
	ms, count := 50, 20
	if long() {
		ms, count = 1000, 100 // 2 s there and back
	}
	l.Poison("latency", fmt.Sprintf(`{"latency":%d,"jitter":%d}`, ms, ms/10))
	l.Poison("loss", fmt.Sprintf(`{"percent":5,"again":%d}`, 2*ms))
	n, _ := faultNode(t, t.TempDir(), l.Addr, c, "", deaf, time.Minute)
	produce(t, n, 0, count)
	arrived(t, n, c)
}

// TestFaultHalfOpenWhileDraining: the other side is gone without a word, and every packet vanishes.
func TestFaultHalfOpenWhileDraining(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	l := mqtttest.NewLine(t, m.Addr)
	dir := t.TempDir()
	n, _ := faultNode(t, dir, l.Addr, c, "", 3*time.Second, 3*time.Second)
	rounds := 1
	if long() {
		rounds = 5
	}
	for round := range rounds {
		produce(t, n, 100*round, 30)
		l.Poison("timeout", `{"timeout":0}`) // takes everything, gives nothing on, closes nothing
		produce(t, n, 100*round+50, 30)
		awaitState(t, n, func(s outbox.Snapshot) bool { return !s.Connected })
		l.Cure("timeout")
		arrived(t, n, c)
	}
}

func awaitState(t *testing.T, n *Node, ok func(outbox.Snapshot) bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok(n.uplink.pump.Snapshot(context.Background())) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting, %+v", n.uplink.pump.Snapshot(context.Background()))
		}
	}
}

// TestFaultALinkThatComesAndGoes: up for a moment, down for longer, while records are made all the time.
func TestFaultALinkThatComesAndGoes(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	l := mqtttest.NewLine(t, m.Addr)
	n, _ := faultNode(t, t.TempDir(), l.Addr, c, "", deaf, 10*time.Second)
	rounds := 4
	if long() {
		rounds = 100
	}
	for i := range rounds {
		l.Down()
		awaitState(t, n, func(s outbox.Snapshot) bool { return !s.Connected })
		produce(t, n, 10*i, 10)
		l.Up()
		awaitState(t, n, func(s outbox.Snapshot) bool { return s.Connected })
	}
	arrived(t, n, c)
}

// TestFaultBrokerKilledWithQueuedData: what it had confirmed and not given on is gone, and comes again from the node.
func TestFaultBrokerKilledWithQueuedData(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	n, _ := faultNode(t, t.TempDir(), m.Addr, c, "", deaf, 10*time.Second)
	rounds := 3
	if long() {
		rounds = 40
	}
	for i := range rounds {
		c.silence(true)
		produce(t, n, 100*i, 30)
		awaitState(t, n, func(s outbox.Snapshot) bool { return s.Streams[2].InFlight > 0 })
		m.Kill()
		c.silence(false)
		m.Start()
		arrived(t, n, c)
	}
}

// TestFaultNobodyReadsAndTheBrokerConfirms: the status of a centre that is no more says that it is there, the broker
// confirms every publish, and the outbox stays as it was.
func TestFaultNobodyReadsAndTheBrokerConfirms(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	c.silence(true)
	n, _ := faultNode(t, t.TempDir(), m.Addr, c, "", deaf, 500*time.Millisecond)
	produce(t, n, 0, 20)
	awaitState(t, n, func(s outbox.Snapshot) bool { return s.Streams[0].InFlight > 0 && s.Streams[2].InFlight > 0 })
	for _, s := range contract.Streams {
		if st := n.store.Queue(s).State(); st.Acked != 0 || st.First != 1 {
			t.Errorf("%s: %+v although nobody has said that it is stored", s, st)
		}
	}
	c.silence(false)
	arrived(t, n, c)
}

// TestFaultTheAccessListIsTakenAway: mosquitto confirms what it denies.
func TestFaultTheAccessListIsTakenAway(t *testing.T) {
	acl := filepath.Join(t.TempDir(), "acl")
	allow := func(rules string) {
		if err := os.WriteFile(acl, []byte("user centre\ntopic readwrite #\nuser n\ntopic read tally/v1/#\n"+rules), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	allow("topic write tally/v1/n/#\n")
	m := mqtttest.StartMosquitto(t, "acl_file "+acl)
	c := startTestCentreAs(t, m.Addr, "centre")
	n, _ := faultNode(t, t.TempDir(), m.Addr, c, "n", deaf, 500*time.Millisecond)
	produce(t, n, 0, 5)
	arrived(t, n, c)
	allow("topic write tally/v1/n/st\n")
	m.Kill()
	awaitState(t, n, func(s outbox.Snapshot) bool { return !s.Connected })
	m.Start()
	before := n.store.Queue(contract.Tx).State().Acked
	awaitState(t, n, func(s outbox.Snapshot) bool { return s.Central })
	produce(t, n, 5, 5)
	awaitState(t, n, func(s outbox.Snapshot) bool { return s.Streams[0].InFlight > 0 })
	if st := n.store.Queue(contract.Tx).State(); st.Acked != before {
		t.Errorf("acknowledged %d although nothing may be written, before %d", st.Acked, before)
	}
	allow("topic write tally/v1/n/#\n")
	m.Kill()
	m.Start()
	arrived(t, n, c)
}

// TestFaultAcksThatCannotBeTrue: too high, of another epoch, of another node's topic, stale and in any order.
func TestFaultAcksThatCannotBeTrue(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	n, _ := faultNode(t, t.TempDir(), m.Addr, c, "", deaf, time.Second)
	produce(t, n, 0, 10)
	arrived(t, n, c)
	c.silence(true)
	produce(t, n, 10, 10)
	before := n.store.Queue(contract.Tx).State()
	epoch, began := n.store.Epoch(), time.Now()
	say := func(node string, a contract.Ack) {
		if err := c.link.Ack(t.Context(), node, contract.Tx, a); err != nil {
			t.Error(err)
		}
	}
	say("n", contract.Ack{Epoch: epoch, Ack: 1 << 40})
	say("n", contract.Ack{Epoch: epoch, Ack: before.Acked, Nacks: []contract.Nack{{Seq: 1 << 40, Code: "conflict"}}})
	say("n", contract.Ack{Epoch: "another", Ack: before.Next - 1})
	say("m", contract.Ack{Epoch: epoch, Ack: before.Next - 1})
	say("n", contract.Ack{Epoch: epoch, Ack: 3})
	awaitState(t, n, func(s outbox.Snapshot) bool { return s.Streams[0].LastAck.After(began) }) // the last one is only old
	if st := n.store.Queue(contract.Tx).State(); st.Acked != before.Acked {
		t.Errorf("acknowledged %d, was %d", st.Acked, before.Acked)
	}
	c.silence(false)
	arrived(t, n, c)
}

// TestFaultTwoNodesWithTheSameDisk: the second one numbers on from the copy; the centre keeps the first word, and the
// node that is refused keeps its own and raises an alarm.
func TestFaultTwoNodesWithTheSameDisk(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	first, clone := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "clone")
	n, stop := faultNode(t, first, m.Addr, c, "", deaf, time.Second)
	produce(t, n, 0, 5)
	arrived(t, n, c)
	stop()
	copyTree(t, first, clone)
	n, stop = faultNode(t, first, m.Addr, c, "", deaf, time.Second)
	produce(t, n, 100, 5)
	arrived(t, n, c)
	stop()
	n, _ = faultNode(t, clone, m.Addr, c, "", deaf, time.Second)
	produce(t, n, 200, 5)
	var alarm contract.RecordRefused
	// Each stream is refused by itself; the alarm of ev may be there before tx was refused.
	c.await("the alarm", func(r contract.Record) bool {
		return r.Type == contract.TypeRecordRefused && json.Unmarshal(r.Body, &alarm) == nil && alarm.Stream == contract.Tx
	})
	if alarm.Code != contract.CodeConflict {
		t.Errorf("%+v", alarm)
	}
	kept := 0
	err := n.store.Quarantine(t.Context(), func(r contract.RecordRefused) bool {
		if strings.Contains(string(r.Record), `"tx20`) {
			kept++
		}
		return true
	})
	if err != nil || kept == 0 {
		t.Errorf("%d copies kept, %v", kept, err)
	}
}
