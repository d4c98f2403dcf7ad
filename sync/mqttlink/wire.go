package mqttlink

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

// wire is the network connection under an MQTT client. It tells at once when it is closed, by whichever side: paho's
// own callback comes only after its goroutines have ended, and these may be waiting for us.
type wire struct {
	net.Conn
	patience time.Duration // for one write
	down     chan struct{}
	once     sync.Once
}

// SetWriteDeadline ignores the deadline asked for and takes the wire's own. paho has one setting for the time that a
// write may take and the time that Publish waits for its turn; the second has to be short.
func (w *wire) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() {
		t = time.Now().Add(w.patience)
	}
	return w.Conn.SetWriteDeadline(t)
}

// Close may be called any number of times.
func (w *wire) Close() error {
	err := net.ErrClosed
	w.once.Do(func() {
		close(w.down)
		err = w.Conn.Close()
	})
	return err
}

// open dials the broker, with TLS when the configuration has it.
func (c Config) open(ctx context.Context) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.Broker)
	if err != nil {
		return nil, fmt.Errorf("dial broker: %w", err)
	}
	if c.TLS == nil {
		return &wire{Conn: conn, patience: c.Timeout, down: make(chan struct{})}, nil
	}
	tc, err := c.secure(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &wire{Conn: tc, patience: c.Timeout, down: make(chan struct{})}, nil
}

func (c Config) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	cfg, err := c.TLS()
	if err != nil {
		return nil, err
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = net.SplitHostPort(c.Broker)
	}
	if c.Sound != nil && !c.Sound() {
		cfg = lenient(cfg)
	}
	tc := tls.Client(conn, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("secure connection to broker: %w", err)
	}
	return tc, nil
}
