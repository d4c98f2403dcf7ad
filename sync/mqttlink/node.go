package mqttlink

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// NodeConfig is a node's end.
type NodeConfig struct {
	Config                                        // ClientID is set to Node
	Node   string                                 // the node's name
	Status func() contract.Status                 // what to say of the node; Online, Session and At are filled in
	Every  time.Duration                          // how often to say it anew; 60 s
	Ask    time.Duration                          // when to ask anew for an absent centre, then ever later up to Every; 5 s
	Down   func(t contract.Topic, payload []byte) // gets dn/cfg and dn/cmd when set; must not block
}

// Node is a node's end of the connection: it delivers envelopes, hears acks and says that the node is there.
type Node struct {
	cfg    NodeConfig
	events chan outbox.Event
	anew   chan struct{} // the status is to be told at once
	now    atomic.Pointer[conn]
	centre atomic.Bool // the centre has said on this connection that it is there

	redials atomic.Int64 // how often somebody wanted another connection
	dialled int64        // redials when the one of now was begun; Run's alone
}

var _ outbox.Link = (*Node)(nil)

// NewNode checks cfg; it does not dial.
func NewNode(cfg NodeConfig) (*Node, error) {
	if err := contract.CheckNode(cfg.Node); err != nil {
		return nil, err
	}
	cfg.ClientID = cfg.Node
	inner, err := cfg.Config.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.Config = inner
	cfg.hurry = make(chan struct{}, 1)
	or(&cfg.Every, time.Minute)
	or(&cfg.Ask, 5*time.Second)
	if cfg.Status == nil {
		cfg.Status = func() contract.Status { return contract.Status{} }
	}
	return &Node{cfg: cfg, events: make(chan outbox.Event, 16), anew: make(chan struct{}, 1)}, nil
}

// Run keeps the connection until ctx ends, and returns nil then. Its events must be taken meanwhile, or it waits.
func (n *Node) Run(ctx context.Context) error {
	session := rand.Text()
	will := func() *message { // asked for before each dial
		n.dialled = n.redials.Load()
		m := n.status(session, false)
		return &m
	}
	n.cfg.keep(ctx, will, func(ctx context.Context, c *conn) error { return n.serve(ctx, c, session) })
	return nil
}

// Publish implements outbox.Link.
func (n *Node) Publish(_ context.Context, s contract.Stream, payload []byte) <-chan error {
	if c := n.now.Load(); c != nil {
		return c.start(message{topic: contract.TopicUp(n.cfg.Node, s), qos: 1, payload: payload})
	}
	done := make(chan error, 1)
	done <- errLost
	return done
}

// Newest shows the newest values on up/now, at most once and only when there is a connection.
func (n *Node) Newest(payload []byte) {
	if c := n.now.Load(); c != nil {
		c.start(message{topic: contract.TopicNow(n.cfg.Node), payload: payload})
	}
}

// Announce tells the node's status at once instead of at its time. It does not block.
func (n *Node) Announce() {
	select {
	case n.anew <- struct{}{}:
	default:
	}
}

// Redial gives the connection up, so that the next one is made with the settings of now and without a pause. It does not
// wait. A connection that is being made when it is called ends as soon as it stands: what the broker has retained for the
// node may call for another one before all is subscribed.
func (n *Node) Redial() {
	n.redials.Add(1)
	select {
	case n.cfg.hurry <- struct{}{}:
	default:
	}
	if c := n.now.Load(); c != nil {
		c.wire.Close()
	}
}

// Events implements outbox.Link.
func (n *Node) Events() <-chan outbox.Event { return n.events }

func (n *Node) status(session string, online bool) message {
	s := n.cfg.Status()
	s.V, s.Online, s.Session, s.At = contract.Version, online, session, contract.At(time.Now())
	return message{contract.TopicStatus(n.cfg.Node), 1, true, contract.Marshal(s)}
}

// serve listens for acks before it asks for the centre: when the outbox hears that the centre is there, it has heard
// the retained acks already and does not send again what they cover.
func (n *Node) serve(ctx context.Context, c *conn, session string) error {
	if err := n.listen(ctx, c); err != nil {
		return err
	}
	n.centre.Store(false)
	if !n.tell(c, outbox.Event{Kind: outbox.Connected}) {
		return errLost
	}
	n.now.Store(c)
	defer func() {
		n.now.Store(nil)
		select {
		case n.events <- outbox.Event{Kind: outbox.Lost}:
		case <-ctx.Done():
		}
	}()
	if n.redials.Load() != n.dialled {
		return errLost
	}
	for _, filter := range []string{contract.Topic{Node: n.cfg.Node, Kind: contract.KindAck}.String() + "/+", contract.CentralStatusTopic} {
		if err := n.ask(ctx, c, filter); err != nil {
			return err
		}
	}
	n.cfg.Log.Info("connected to the broker", "broker", n.cfg.Broker, "node", n.cfg.Node)
	return n.stay(ctx, c, session)
}

// ask subscribes to what the outbox needs; the broker answers with what it has retained, also when it is asked again
// (MQTT 3.1.1 §3.8.4).
func (n *Node) ask(ctx context.Context, c *conn, filter string) error {
	return c.subscribe(ctx, filter, 1, func(topic string, payload []byte) { n.heard(c, topic, payload) })
}

// listen subscribes to what is for the rest of the node.
func (n *Node) listen(ctx context.Context, c *conn) error {
	if n.cfg.Down == nil {
		return nil
	}
	for _, topic := range []string{contract.TopicCfg(n.cfg.Node), contract.TopicCmd(n.cfg.Node)} {
		err := c.subscribe(ctx, topic, 1, func(topic string, payload []byte) {
			if t, err := contract.ParseTopic(topic); err == nil {
				n.cfg.Down(t, payload)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stay tells the node's status until the connection or ctx ends, and asks for the centre while that is not there: what a
// cluster of brokers has retained may be older than what it has passed on a moment before (NATS copies between its
// servers), and a node that took an old good-bye for the last word would hold its records until the centre spoke again.
func (n *Node) stay(ctx context.Context, c *conn, session string) error {
	tick := time.NewTicker(n.cfg.Every)
	defer tick.Stop()
	pause := n.cfg.Ask
	again := time.NewTimer(pause)
	defer again.Stop()
	for say := true; ; {
		if say {
			if err := c.send(ctx, n.status(session, true)); err != nil && ctx.Err() == nil {
				return err
			}
		}
		say = true
		select {
		case <-c.wire.down:
			return errLost
		case <-ctx.Done():
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			return c.send(bye, n.status(session, false))
		case <-tick.C:
		case <-n.anew:
		case <-again.C:
			say = false
			if n.centre.Load() {
				pause = n.cfg.Ask
			} else if err := n.ask(ctx, c, contract.CentralStatusTopic); err != nil && ctx.Err() == nil {
				return err
			} else {
				pause = min(2*pause, n.cfg.Every)
			}
			again.Reset(pause)
		}
	}
}

// heard passes on what the centre says. What cannot be read is dropped with a word in the log: an honest centre says
// it again.
func (n *Node) heard(c *conn, topic string, payload []byte) {
	e, err := n.read(topic, payload)
	if err != nil {
		n.cfg.Log.Warn("cannot read a message of the centre", "topic", topic, "err", err)
		return
	}
	if e.Kind == outbox.CentralOnline || e.Kind == outbox.CentralOffline {
		n.centre.Store(e.Kind == outbox.CentralOnline)
	}
	n.tell(c, e)
}

func (n *Node) read(topic string, payload []byte) (outbox.Event, error) {
	if topic == contract.CentralStatusTopic {
		s, err := contract.OpenCentralStatus(payload)
		if s.Online {
			return outbox.Event{Kind: outbox.CentralOnline, Enc: s.Enc}, err
		}
		return outbox.Event{Kind: outbox.CentralOffline}, err
	}
	t, err := contract.ParseTopic(topic)
	if err != nil || t.Kind != contract.KindAck || t.Node != n.cfg.Node {
		return outbox.Event{}, fmt.Errorf("not an ack for this node: %w", err)
	}
	a, err := contract.OpenAck(payload)
	return outbox.Event{Kind: outbox.Acked, Stream: t.Stream, Ack: a}, err
}

// tell gives up when the connection is down, so that it can end while nobody listens.
func (n *Node) tell(c *conn, e outbox.Event) bool {
	select {
	case n.events <- e:
		return true
	case <-c.wire.down:
		return false
	}
}
