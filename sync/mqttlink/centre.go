package mqttlink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tally/sync/contract"
)

// CentreConfig is the central system's end.
type CentreConfig struct {
	Config
	// Shared is the name of the group that several instances share the nodes' envelopes in; when empty, this one takes
	// all of them. The broker must know shared subscriptions ($share/<group>/<filter>), an extension that some brokers
	// offer for 3.1.1 too (mosquitto does, NATS does not).
	Shared string
	// Status gets what nodes say of themselves (st) when set, as it came; it must not block. Every instance of a group
	// hears all of it: a retained message is not given to a shared subscription.
	Status func(topic string, payload []byte)
	// Queue is how many envelopes may wait for the database; 256. What finds no room is dropped, first of the node that has most
	// of it: nodes send again.
	Queue int
	// Every is how often it is said anew that the centre is there; 60 s. A broker may lose what it was to retain and
	// confirm it all the same (a NATS cluster that has just lost a server); nodes that connect then hear of an older word
	// and hold their records.
	Every time.Duration
}

// Centre is the central system's end of the connection: it takes envelopes in and sends acks out.
type Centre struct {
	cfg     CentreConfig
	in      *intake
	present chan bool
	want    atomic.Bool
	now     atomic.Pointer[conn]
}

// NewCentre checks cfg; it does not dial.
func NewCentre(cfg CentreConfig) (*Centre, error) {
	inner, err := cfg.Config.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.Config = inner
	or(&cfg.Every, time.Minute)
	return &Centre{cfg: cfg, in: newIntake(cfg.Queue), present: make(chan bool, 1)}, nil
}

// Run keeps the connection until ctx ends, and returns nil then.
func (c *Centre) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { c.in.run(ctx) })
	will := func() *message { m := c.status(false); return &m }
	c.cfg.keep(ctx, will, c.serve)
	wg.Wait()
	return nil
}

// In gives what nodes have delivered. The channel is never closed.
func (c *Centre) In() <-chan contract.Delivery { return c.in.out }

// Dropped counts envelopes that came while too many were waiting.
func (c *Centre) Dropped() uint64 { return c.in.lost() }

// Connected says whether the broker is there now.
func (c *Centre) Connected() bool { return c.now.Load() != nil }

// Present says whether the centre takes records now; nodes hold their backlog while it does not. It is told to the
// broker at once and again after every reconnect. At first the centre is not present.
func (c *Centre) Present(online bool) {
	c.want.Store(online)
	select {
	case c.present <- online:
	default: // one is on its way already and will read want
	}
}

// Ack leaves a retained ack for node. An error means that the broker may not have it; the node sends again then, and
// is answered again.
func (c *Centre) Ack(ctx context.Context, node string, s contract.Stream, a contract.Ack) error {
	cn := c.now.Load()
	if cn == nil {
		return errors.New("acknowledge: no connection to the broker")
	}
	return cn.send(ctx, message{contract.TopicAck(node, s), 1, true, contract.Marshal(a)})
}

// Send hands a signed desired state (dn/cfg, retained; empty clears it) or a command (dn/cmd) to the broker. A nil error
// says that the broker has it, not that the node does: a command is sent again until its result is here.
func (c *Centre) Send(ctx context.Context, t contract.Topic, payload []byte) error {
	if t.Kind != contract.KindCfg && t.Kind != contract.KindCmd {
		return fmt.Errorf("send %s: not for a node to obey", t)
	}
	cn := c.now.Load()
	if cn == nil {
		return fmt.Errorf("send %s: no connection to the broker", t)
	}
	return cn.send(ctx, message{t.String(), 1, t.Kind == contract.KindCfg, payload})
}

func (c *Centre) status(online bool) message {
	s := contract.CentralStatus{V: contract.Version, Online: online, At: contract.At(time.Now()), Enc: []string{contract.EncColumns}}
	return message{contract.CentralStatusTopic, 1, true, contract.Marshal(s)}
}

// serve subscribes first and says that the centre is there after that: what a node sends on this word finds a reader.
func (c *Centre) serve(ctx context.Context, cn *conn) error {
	filter := contract.FilterUp
	if c.cfg.Shared != "" {
		filter = "$share/" + c.cfg.Shared + "/" + filter
	}
	if err := cn.subscribe(ctx, filter, 1, c.take); err != nil {
		return err
	}
	if err := cn.subscribe(ctx, contract.CentralStatusTopic, 1, c.contradict); err != nil {
		return err
	}
	if c.cfg.Status != nil {
		if err := cn.subscribe(ctx, contract.FilterStatus, 1, c.cfg.Status); err != nil {
			return err
		}
	}
	c.now.Store(cn)
	defer c.now.Store(nil)
	c.cfg.Log.Info("connected to the broker", "broker", c.cfg.Broker, "client", c.cfg.ClientID)
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for say := true; ; {
		if say {
			if err := cn.send(ctx, c.status(c.want.Load())); err != nil && ctx.Err() == nil {
				return err
			}
		}
		say = true
		select {
		case <-cn.wire.down:
			return errLost
		case <-ctx.Done():
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			return cn.send(bye, c.status(false))
		case <-c.present:
		case <-tick.C:
			say = c.want.Load() // one instance that cannot store does not speak again and again for those that can
		}
	}
}

// contradict answers when another instance, or the will of one (an earlier connection of this one may leave its will
// late), says that the centre is not there. Nodes send again what they have sent to the one that went.
func (c *Centre) contradict(_ string, payload []byte) {
	if s, err := contract.OpenCentralStatus(payload); err == nil && !s.Online && c.want.Load() {
		c.Present(true)
	}
}

// take never blocks: a reader that waits for a database would starve the connection of its keepalive.
func (c *Centre) take(topic string, payload []byte) {
	c.in.put(contract.Delivery{Topic: topic, Payload: payload})
}
