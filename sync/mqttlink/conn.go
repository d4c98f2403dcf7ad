package mqttlink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// errLost says that the connection ended before the broker answered; nothing is known of what was under way.
var errLost = errors.New("connection to broker lost")

// message is one publish.
type message struct {
	topic    string
	qos      byte
	retained bool
	payload  []byte
}

// turn is how long paho's Publish waits for the connection before it is asked again. When the connection ends
// meanwhile nobody ever takes what it holds, so this is how late the end may be noticed.
const turn = time.Second

// conn is one MQTT connection from CONNECT to its end; it never comes back.
type conn struct {
	client  mqtt.Client
	wire    *wire
	timeout time.Duration

	mu    sync.Mutex
	owed  int       // PUBACKs that are still to come
	moved time.Time // when one last came, or the first of those owed was sent
	wg    sync.WaitGroup
}

// connect dials and says CONNECT. will may be nil.
func (c Config) connect(ctx context.Context, will *message) (*conn, error) {
	w, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { w.Close() })
	defer stop()
	o, err := c.options(w, will)
	if err != nil {
		w.Close()
		return nil, err
	}
	client := mqtt.NewClient(o)
	token := client.Connect()
	<-token.Done() // paho bounds it by ConnectTimeout, and the wire is closed with ctx
	if err := token.Error(); err != nil {
		w.Close()
		return nil, fmt.Errorf("connect to broker: %w", err)
	}
	cn := &conn{client: client, wire: w, timeout: c.Timeout}
	cn.wg.Go(cn.watch)
	return cn, nil
}

func (c Config) options(w *wire, will *message) (*mqtt.ClientOptions, error) {
	o := mqtt.NewClientOptions().AddBroker("tcp://" + c.Broker).SetClientID(c.ClientID)
	o.SetAutoReconnect(false).SetConnectRetry(false).SetCleanSession(true).SetOrderMatters(true).SetProtocolVersion(4)
	o.SetKeepAlive(c.KeepAlive).SetPingTimeout(c.Timeout).SetConnectTimeout(c.Timeout).SetWriteTimeout(turn)
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) { return w, nil })
	if will != nil {
		o.SetBinaryWill(will.topic, will.payload, will.qos, will.retained)
	}
	o.SetUsername(c.Username)
	if c.Password != nil {
		p, err := c.Password()
		if err != nil {
			return nil, err
		}
		o.SetPassword(p)
	}
	return o, nil
}

// start hands m to the broker and returns what becomes of it; it blocks while the connection takes no bytes.
func (c *conn) start(m message) <-chan error {
	done := make(chan error, 1)
	token := c.put(m)
	if token == nil {
		done <- errLost
		return done
	}
	c.owe(m.qos)
	c.wg.Go(func() {
		select {
		case <-token.Done():
			c.paid(m.qos)
			done <- token.Error()
		case <-c.wire.down:
			done <- errLost
		}
	})
	return done
}

// put returns nil when the connection has ended. A token that has failed while the connection stands was not sent: its
// turn did not come in time.
func (c *conn) put(m message) mqtt.Token {
	for {
		asked := time.Now()
		token := c.client.Publish(m.topic, m.qos, m.retained, m.payload)
		select {
		case <-c.wire.down:
			return nil
		case <-token.Done():
			if token.Error() == nil {
				return token
			}
			if !c.client.IsConnectionOpen() || time.Since(asked) < turn/2 {
				c.wire.Close() // refused at once: paho has run out of message ids, which turns that failed use up
				return nil
			}
		default:
			return token
		}
	}
}

// send is start and waiting for the answer.
func (c *conn) send(ctx context.Context, m message) error {
	select {
	case err := <-c.start(m):
		if err != nil {
			return fmt.Errorf("publish %s: %w", m.topic, err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subscribe waits until the broker has granted filter. f is called one message at a time and must not block for longer
// than until the connection is down.
func (c *conn) subscribe(ctx context.Context, filter string, qos byte, f func(topic string, payload []byte)) error {
	token := c.client.Subscribe(filter, qos, func(_ mqtt.Client, m mqtt.Message) { f(m.Topic(), m.Payload()) })
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case <-token.Done():
	case <-timer.C:
		return fmt.Errorf("subscribe %s: no answer", filter)
	case <-c.wire.down:
		return fmt.Errorf("subscribe %s: %w", filter, errLost)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe %s: %w", filter, err)
	}
	// MQTT 3.1.1 §3.9.3: return code 0x80 is a failure.
	if st, ok := token.(*mqtt.SubscribeToken); ok && st.Result()[filter] == 0x80 {
		return fmt.Errorf("subscribe %s: refused by the broker", filter)
	}
	return nil
}

func (c *conn) owe(qos byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if qos == 0 {
		return
	}
	if c.owed == 0 {
		c.moved = time.Now()
	}
	c.owed++
}

func (c *conn) paid(qos byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if qos > 0 {
		c.owed--
		c.moved = time.Now()
	}
}

// watch ends the connection when the broker owes PUBACKs and none came for too long. It looks at progress, not at the
// age of one publish: on a slow line a full window takes its time.
func (c *conn) watch() {
	tick := time.NewTicker(c.timeout / 4)
	defer tick.Stop()
	for {
		select {
		case <-c.wire.down:
			return
		case <-tick.C:
			c.mu.Lock()
			stuck := c.owed > 0 && time.Since(c.moved) > c.timeout
			c.mu.Unlock()
			if stuck {
				c.wire.Close()
			}
		}
	}
}

// close says DISCONNECT if the connection still stands, and waits for everything of it to end.
func (c *conn) close() {
	const quiesce = 250 // ms
	c.client.Disconnect(quiesce)
	c.wire.Close()
	c.wg.Wait()
}
