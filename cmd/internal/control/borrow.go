package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// turn is how long a borrower keeps the line before it lets the node's schedule have a turn. A node gives up a read that
// has waited half a minute for its line.
const turn = 5 * time.Second

// Borrow returns an opener for a line that the node at the socket owns: the connection is the node's, lent with priority
// over the schedule. Between two questions of the borrower the node gets a turn every few seconds.
func (c *Client) Borrow(name string) line.Opener {
	return func(ctx context.Context) (line.Conn, error) {
		b := &borrowed{client: c, name: name}
		b.inbox.wake = make(chan struct{})
		if err := b.begin(ctx); err != nil {
			return nil, err
		}
		return b, nil
	}
}

// patience is how long the node may take to put a question on the wire: the longest frame at 300 baud takes ten seconds.
const patience = 30 * time.Second

// borrowed is a line.Conn over loans.
type borrowed struct {
	client *Client
	name   string
	inbox  inbox

	mu     sync.Mutex // one write, mode or end at a time
	mode   line.Mode
	loan   *loan
	traits line.Traits
	closed bool
}

// loan is one upgraded connection.
type loan struct {
	conn  net.Conn
	since time.Time
	done  chan line.Traits // what was asked is done
	over  chan struct{}    // the loan is over
	pump  sync.WaitGroup
}

// begin gets the line. The caller holds mu or is alone.
func (b *borrowed) begin(ctx context.Context) error {
	conn, r, err := b.client.upgrade(ctx, "/v1/lines/"+url.PathEscape(b.name)+"/loan")
	if err != nil {
		return err
	}
	n := &loan{conn: conn, since: time.Now(), done: make(chan line.Traits, 1), over: make(chan struct{})}
	n.pump.Go(func() { b.receive(n, r) })
	b.loan = n
	if err := b.wait(n); err != nil {
		return err
	}
	if b.mode != (line.Mode{}) {
		return b.tell(msgMode, b.mode)
	}
	return nil
}

// receive hands on what the node sends until the connection ends.
func (b *borrowed) receive(n *loan, r io.Reader) {
	defer close(n.over)
	for {
		kind, content, err := readMessage(r)
		switch {
		case err != nil:
			b.inbox.fail(fmt.Errorf("the node took the line back: %w: %w", meter.ErrLine, err))
			return
		case kind == msgRead:
			b.inbox.put(content)
		case kind == msgDone:
			t, err := decodeTraits(content)
			if err != nil {
				b.inbox.fail(fmt.Errorf("understand the node: %w: %w", meter.ErrLine, err))
				return
			}
			select {
			case n.done <- t:
			default: // nobody asked
			}
		case kind == msgFail:
			var e Error
			if json.Unmarshal(content, &e) != nil || e.Code == "" {
				e = Error{Code: CodeOtherVersion, Message: "the node ended the loan"}
			}
			b.inbox.fail(fmt.Errorf("%w: %w", meter.ErrLine, &e))
			return
		}
	}
}

// wait waits until the node has done what it was told.
func (b *borrowed) wait(n *loan) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case t := <-n.done:
		b.traits = t
		return nil
	case <-n.over:
		return b.inbox.failure()
	case <-late.C:
		return fmt.Errorf("the node does not answer: %w", meter.ErrLine)
	}
}

// tell sends a message with JSON and waits until it is done.
func (b *borrowed) tell(kind byte, content any) error {
	body, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	if err := writeMessage(b.loan.conn, kind, body); err != nil {
		return fmt.Errorf("ask node: %w: %w", meter.ErrLine, err)
	}
	return b.wait(b.loan)
}

// end gives the line back. The caller holds mu.
func (b *borrowed) end() {
	if b.loan == nil {
		return
	}
	b.loan.conn.Close() // the node sees the end; there is nothing more to say
	b.loan.pump.Wait()
	b.loan = nil
}

// Write puts a question on the line and returns when it has left the node's port. A question is where a new turn may
// begin: nothing is under way.
func (b *borrowed) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	if b.loan == nil || time.Since(b.loan.since) > turn {
		b.end()
		b.inbox.reset()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.begin(ctx); err != nil {
			return 0, fmt.Errorf("borrow line %s again: %w: %w", b.name, meter.ErrLine, err)
		}
	}
	if err := writeMessage(b.loan.conn, msgWrite, p); err != nil {
		return 0, fmt.Errorf("write to line %s: %w: %w", b.name, meter.ErrLine, err)
	}
	if err := b.wait(b.loan); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetMode changes speed and parity.
func (b *borrowed) SetMode(m line.Mode) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.loan == nil {
		return net.ErrClosed
	}
	b.mode = m
	return b.tell(msgMode, m)
}

// Traits are those of the node's connection.
func (b *borrowed) Traits() line.Traits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.traits
}

// Read returns what came.
func (b *borrowed) Read(p []byte) (int, error) { return b.inbox.read(p) }

// SetReadDeadline bounds reads, also one that waits.
func (b *borrowed) SetReadDeadline(t time.Time) error {
	b.inbox.setDeadline(t)
	return nil
}

// Close gives the line back. It may be called twice.
func (b *borrowed) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.end()
	return nil
}

// upgrade asks for a loan on a connection of its own.
func (c *Client) upgrade(ctx context.Context, path string) (net.Conn, io.Reader, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", c.path)
	if err != nil {
		return nil, nil, c.unreachable(err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	r, err := c.handshake(ctx, conn, path)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, r, nil
}

func (c *Client) handshake(ctx context.Context, conn net.Conn, path string) (io.Reader, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://tallyd"+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask node: %w", err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", loanProtocol)
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask node: %w", err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, req)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("read the node's answer: %w", err)
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return r, nil
	}
	defer resp.Body.Close()
	_, err = answerOf[struct{}](resp)
	if err == nil {
		err = errors.New("read the node's answer: no loan was given")
	}
	return nil, err
}

// inbox keeps what came until it is read.
type inbox struct {
	mu       sync.Mutex
	buf      []byte
	err      error
	deadline time.Time
	wake     chan struct{} // closed and made anew when something changes
}

func (i *inbox) change(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
	close(i.wake)
	i.wake = make(chan struct{})
}

func (i *inbox) put(b []byte)            { i.change(func() { i.buf = append(i.buf, b...) }) }
func (i *inbox) setDeadline(t time.Time) { i.change(func() { i.deadline = t }) }
func (i *inbox) reset()                  { i.change(func() { i.buf, i.err = nil, nil }) }

func (i *inbox) fail(err error) {
	i.change(func() {
		if i.err == nil {
			i.err = err
		}
	})
}

func (i *inbox) failure() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.err
}

func (i *inbox) read(p []byte) (int, error) {
	for {
		i.mu.Lock()
		if len(i.buf) > 0 {
			n := copy(p, i.buf)
			i.buf = i.buf[n:]
			i.mu.Unlock()
			return n, nil
		}
		err, wake, left := i.err, i.wake, time.Until(i.deadline)
		i.mu.Unlock()
		switch {
		case err != nil:
			return 0, err
		case left <= 0:
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}
