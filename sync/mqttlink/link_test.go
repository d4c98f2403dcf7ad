package mqttlink_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
	"tally/sync/porttest"
)

const patience = 60 * time.Second

// quick dials again at once and waits long: a connection that a busy machine is slow to serve is not to end of itself.
func quick(addr string) mqttlink.Config {
	return mqttlink.Config{
		Broker: addr, ClientID: "central", RedialMin: 5 * time.Millisecond, RedialMax: 20 * time.Millisecond, Timeout: patience,
		Jitter: func(most time.Duration) time.Duration { return most },
	}
}

// start runs f until the test ends or stop is called, and checks that it ends soon and in order.
func start(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("Run does not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func newNode(t *testing.T, c mqttlink.NodeConfig) *mqttlink.Node {
	t.Helper()
	c.Node = "hall-1"
	n, err := mqttlink.NewNode(c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newCentre(t *testing.T, c mqttlink.Config) *mqttlink.Centre {
	t.Helper()
	n, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func next(t *testing.T, n *mqttlink.Node) outbox.Event {
	t.Helper()
	select {
	case e := <-n.Events():
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		return outbox.Event{}
	}
}

func wantEvent(t *testing.T, n *mqttlink.Node, kind outbox.EventKind) {
	t.Helper()
	if e := next(t, n); e.Kind != kind {
		t.Fatalf("got %+v, want kind %d", e, kind)
	}
}

// spy is somebody else on the broker, who sees every topic.
func spy(t *testing.T, addr, filter string) <-chan mqtt.Message {
	t.Helper()
	seen := make(chan mqtt.Message, 1000)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("spy").SetAutoReconnect(false))
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(250) })
	token := c.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) {
		select {
		case seen <- m:
		case <-t.Context().Done(): // nobody looks at the rest
		}
	})
	if token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	return seen
}

func message(t *testing.T, c <-chan mqtt.Message) mqtt.Message {
	t.Helper()
	select {
	case m := <-c:
		return m
	case <-time.After(patience):
		t.Fatal("no message")
		return nil
	}
}

func TestTheNodeSaysThatItIsThereAndThatItIsNot(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	seen := spy(t, m.Addr, contract.FilterStatus)
	n := newNode(t, mqttlink.NodeConfig{Config: quick(m.Addr), Status: func() contract.Status { return contract.Status{Epoch: "e1", Boot: "b"} }})
	stop := start(t, n.Run)
	for _, online := range []bool{true, false} {
		msg := message(t, seen)
		s, err := contract.OpenStatus(msg.Payload())
		if err != nil || s.Online != online || s.Epoch != "e1" || s.Session == "" || msg.Topic() != "tally/v1/hall-1/st" {
			t.Fatalf("%s %s %v", msg.Topic(), msg.Payload(), err)
		}
		stop() // in order: the node says good-bye itself
	}
}

func TestTheWillSpeaksForANodeThatIsCutOff(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	p := startProxy(t, m.Addr)
	seen := spy(t, m.Addr, contract.FilterStatus)
	n := newNode(t, mqttlink.NodeConfig{Config: quick(p.addr)})
	start(t, n.Run)
	for _, online := range []bool{true, false, true} {
		s, err := contract.OpenStatus(message(t, seen).Payload())
		if err != nil || s.Online != online {
			t.Fatalf("%+v %v, want online %v", s, err, online)
		}
		p.cut()
	}
}

func TestRetainedAcksAreHeardBeforeTheCentreIsThere(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := newCentre(t, quick(m.Addr))
	c.Present(true)
	start(t, c.Run)
	seen := spy(t, m.Addr, contract.CentralStatusTopic)
	message(t, seen)
	for _, s := range contract.Streams {
		if err := c.Ack(t.Context(), "hall-1", s, contract.Ack{Epoch: "e1", Ack: 7}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Ack(t.Context(), "hall-2", contract.Tx, contract.Ack{Epoch: "e1", Ack: 9}); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, mqttlink.NodeConfig{Config: quick(m.Addr)})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	for range contract.Streams {
		if e := next(t, n); e.Kind != outbox.Acked || e.Ack.Ack != 7 {
			t.Errorf("%+v", e)
		}
	}
	wantEvent(t, n, outbox.CentralOnline)
	c.Present(false)
	e := next(t, n)
	for e.Kind == outbox.CentralOnline { // what it said before, on its first connection and because it was told to
		e = next(t, n)
	}
	if e.Kind != outbox.CentralOffline {
		t.Errorf("%+v", e)
	}
}

// What a cluster has retained may be older than what it has passed on a moment before: a node that was told an old
// good-bye must not stay silent until the centre speaks again.
func TestAnOldGoodByeIsAskedAbout(t *testing.T) {
	addr, retain := mqtttest.StartLagging(t)
	central := func(online bool) {
		retain(contract.CentralStatusTopic, contract.Marshal(contract.CentralStatus{V: 1, Online: online, At: contract.At(time.Now())}))
	}
	central(false)
	n := newNode(t, mqttlink.NodeConfig{Config: quick(addr), Ask: 5 * time.Millisecond, Every: time.Hour})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	wantEvent(t, n, outbox.CentralOffline)
	wantEvent(t, n, outbox.CentralOffline) // asked, and told the same
	central(true)
	e := next(t, n)
	for e.Kind == outbox.CentralOffline {
		e = next(t, n)
	}
	if e.Kind != outbox.CentralOnline {
		t.Errorf("%+v", e)
	}
}

// What a cluster was to retain, and confirmed, it may have lost (nats-server v2.15.2 only logs it): the old good-bye stays for
// as long as the centre says nothing, however often a node asks.
func TestAGoodByeThatStaysIsContradicted(t *testing.T) {
	addr, retain := mqtttest.StartLagging(t)
	seen := spy(t, addr, contract.CentralStatusTopic)
	c, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: quick(addr), Every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	start(t, c.Run)
	told := func() bool {
		s, err := contract.OpenCentralStatus(message(t, seen).Payload())
		return err == nil && s.Online
	}
	if told() {
		t.Error("is there before it wants to be")
	}
	c.Present(true)
	for !told() { // a word that was on its way
	}
	n := newNode(t, mqttlink.NodeConfig{Config: quick(addr), Ask: time.Hour, Every: time.Hour})
	retain(contract.CentralStatusTopic, contract.Marshal(contract.CentralStatus{V: 1, At: contract.At(time.Now())}))
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	e := next(t, n)
	for e.Kind == outbox.CentralOffline {
		e = next(t, n)
	}
	if e.Kind != outbox.CentralOnline {
		t.Errorf("%+v", e)
	}
}

// An instance that cannot store says so once: again and again it would stop the nodes of those that can.
func TestOneInstanceDoesNotTalkTheOthersDown(t *testing.T) {
	addr := mqtttest.StartMochi(t)
	seen := spy(t, addr, contract.CentralStatusTopic)
	told := func() bool {
		s, err := contract.OpenCentralStatus(message(t, seen).Payload())
		return err == nil && s.Online
	}
	for _, id := range []string{"unable", "able"} {
		cfg := quick(addr)
		cfg.ClientID = id
		c, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: cfg, Every: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		start(t, c.Run)
		if told() {
			t.Errorf("%s is there before it wants to be", id)
		}
		if id == "able" {
			c.Present(true)
		}
	}
	for !told() {
	}
	for range 20 { // of the one; the other has as many turns
		if !told() {
			t.Fatal("a good-bye was said again")
		}
	}
}

func TestABrokerThatGoesAndComesBack(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	n := newNode(t, mqttlink.NodeConfig{Config: quick(m.Addr)})
	start(t, n.Run)
	for range 3 {
		wantEvent(t, n, outbox.Connected)
		m.Kill()
		wantEvent(t, n, outbox.Lost)
		if err := <-n.Publish(t.Context(), contract.Tx, []byte("x")); err == nil {
			t.Error("a publish without a connection was called done")
		}
		m.Start()
	}
}

func TestAPublishOnADyingConnectionIsNotCalledDone(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	p := startProxy(t, m.Addr)
	n := newNode(t, mqttlink.NodeConfig{Config: quick(p.addr)})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	p.hold() // the broker's answers do not come back
	var results []<-chan error
	for range 5 {
		results = append(results, n.Publish(t.Context(), contract.Tx, []byte("x")))
	}
	p.cut()
	for _, r := range results {
		if err := <-r; err == nil {
			t.Error("called done without a PUBACK")
		}
	}
}

func TestHalfOpenIsNoticed(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	p := startProxy(t, m.Addr)
	c := quick(p.addr)
	c.Timeout = time.Second
	n := newNode(t, mqttlink.NodeConfig{Config: c})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	p.hold()
	if err := <-n.Publish(t.Context(), contract.Tx, []byte("x")); err == nil {
		t.Error("called done without a PUBACK")
	}
	wantEvent(t, n, outbox.Lost)
}

func TestHalfOpenIsNoticedByKeepaliveWhenIdle(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	p := startProxy(t, m.Addr)
	c := quick(p.addr)
	c.Timeout, c.KeepAlive = time.Second, time.Second
	n := newNode(t, mqttlink.NodeConfig{Config: c, Every: time.Hour})
	seen := spy(t, m.Addr, contract.FilterStatus)
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	message(t, seen)
	p.hold()
	wantEvent(t, n, outbox.Lost)
}

func TestPasswordsAreTakenFromTheFileAndNeverShown(t *testing.T) {
	dir := t.TempDir()
	users, secret := filepath.Join(dir, "users"), filepath.Join(dir, "password")
	if out, err := exec.Command("mosquitto_passwd", "-c", "-b", users, "hall-1", "s3cret-word").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := mqtttest.StartMosquitto(t, "allow_anonymous false", "password_file "+users)
	write := func(p string) {
		if err := os.WriteFile(secret, []byte(p+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wr0ng-word")
	var mu sync.Mutex
	var log bytes.Buffer
	c := quick(m.Addr)
	c.Username, c.Password = "hall-1", mqttlink.PasswordFile(secret)
	var once sync.Once
	c.Log = slog.New(slog.NewTextHandler(writer(func(b []byte) {
		mu.Lock()
		defer mu.Unlock()
		log.Write(b)
		if bytes.Contains(b, []byte("not Authorized")) {
			once.Do(func() { write("s3cret-word") }) // refused once; a changed file is taken up
		}
	}), nil))
	n := newNode(t, mqttlink.NodeConfig{Config: c})
	stop := start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	stop()
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(log.String(), "not Authorized") || strings.Contains(log.String(), "-word") {
		t.Errorf("log: %s", log.String())
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }

func TestRedialPausesGrowAndAreBounded(t *testing.T) {
	var asked []time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	c := mqttlink.Config{
		Broker: porttest.Addr(t), ClientID: "central",
		Jitter: func(most time.Duration) time.Duration {
			if asked = append(asked, most); len(asked) == 9 {
				cancel()
			}
			return 0
		},
	}
	centre := newCentre(t, c)
	if err := centre.Run(ctx); err != nil {
		t.Error(err)
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
	for i, d := range want {
		if asked[i] != d*time.Second {
			t.Fatalf("pauses up to %v, want seconds %v", asked, want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]mqttlink.NodeConfig{
		"node":   {Node: "a/b", Config: mqttlink.Config{Broker: "h:1"}},
		"broker": {Node: "a", Config: mqttlink.Config{Broker: "h"}},
	} {
		if _, err := mqttlink.NewNode(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: mqttlink.Config{Broker: "h:1"}}); err == nil {
		t.Error("a centre without a client id was accepted")
	}
}

// proxy stands between a client and a broker.
type proxy struct {
	addr string
	mu   sync.Mutex
	held bool
	free *sync.Cond
	all  []net.Conn
}

func startProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	p.free = sync.NewCond(&p.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			p.mu.Lock()
			p.all = append(p.all, a, b)
			p.mu.Unlock()
			wg.Go(func() { io.Copy(b, a); b.Close() })
			wg.Go(func() { p.back(a, b); a.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(); wg.Wait() })
	return p
}

// back carries what the broker says, unless it is held.
func (p *proxy) back(to io.Writer, from io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		for p.held {
			p.free.Wait()
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// hold keeps back everything that the broker says from now on.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// cut ends all connections, and lets new ones through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	for _, c := range p.all {
		c.Close()
	}
	p.all = nil
	p.free.Broadcast()
}
