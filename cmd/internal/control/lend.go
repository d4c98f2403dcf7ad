package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// lend gives the line's connection to the client, byte by byte, until the client or the node ends it.
func (s server) lend(w http.ResponseWriter, r *http.Request) {
	f, err := s.field()
	if err == nil && r.Header.Get("Upgrade") != loanProtocol {
		err = &Error{Code: CodeBadRequest, Message: "a loan is an upgrade to " + loanProtocol}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var taken net.Conn
	err = f.Lend(r.Context(), r.PathValue("name"), func(wire Wire) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return fmt.Errorf("lend line: %w", err)
		}
		taken = conn
		return carry(r.Context(), conn, wire)
	})
	if taken == nil {
		s.fail(w, r, err)
		return
	}
	_ = taken.Close() // the client sees the end
	if err != nil {
		s.log.Debug("loan of a line ended", "line", r.PathValue("name"), "err", err)
	}
}

// carry moves bytes between the borrower and the line until one of them ends. The borrower goes away: that is the end
// that was asked for.
func carry(ctx context.Context, conn net.Conn, wire Wire) error {
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	hello := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + loanProtocol + "\r\n\r\n"
	if _, err := io.WriteString(conn, hello); err != nil {
		return err
	}
	c := &carrier{conn: conn, wire: wire}
	if err := c.send(msgDone, encodeTraits(wire.Traits())); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		c.fromLine(ctx)
		conn.Close() // the line is lost: so is the loan
	})
	err := c.fromBorrower()
	cancel()
	conn.Close()
	group.Wait()
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// carrier is one loan.
type carrier struct {
	wire Wire

	mu   sync.Mutex // guards writes to conn
	conn net.Conn
}

func (c *carrier) send(kind byte, content []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return writeMessage(c.conn, kind, content)
}

// fail tells the borrower why the loan is over.
func (c *carrier) fail(err error) {
	e, _ := asError(err)
	if body, err := json.Marshal(e); err == nil {
		_ = c.send(msgFail, body) // a borrower that is gone needs no reason
	}
}

// pollTime is how long one read of the line waits: the end of the loan is noticed after that.
const pollTime = 50 * time.Millisecond

func (c *carrier) fromLine(ctx context.Context) {
	var b [512]byte
	for ctx.Err() == nil {
		if err := c.wire.SetReadDeadline(time.Now().Add(pollTime)); err != nil {
			c.fail(err)
			return
		}
		n, err := c.wire.Read(b[:])
		if n > 0 && c.send(msgRead, b[:n]) != nil {
			return
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.fail(fmt.Errorf("read line: %w: %w", meter.ErrLine, err))
			return
		}
	}
}

func (c *carrier) fromBorrower() error {
	for {
		kind, content, err := readMessage(c.conn)
		if err != nil {
			return err
		}
		if err := c.obey(kind, content); err != nil {
			c.fail(err)
			return err
		}
		if err := c.send(msgDone, encodeTraits(c.wire.Traits())); err != nil {
			return err
		}
	}
}

func (c *carrier) obey(kind byte, content []byte) error {
	switch kind {
	case msgWrite:
		if _, err := c.wire.Write(content); err != nil {
			return fmt.Errorf("write to line: %w: %w", meter.ErrLine, err)
		}
		if err := c.wire.Drain(); err != nil {
			return fmt.Errorf("write to line: %w: %w", meter.ErrLine, err)
		}
		return nil
	case msgMode:
		var m line.Mode
		if err := json.Unmarshal(content, &m); err != nil {
			return &Error{Code: CodeBadRequest, Message: err.Error()}
		}
		return c.wire.SetMode(m)
	}
	return &Error{Code: CodeOtherVersion, Message: fmt.Sprintf("this node does not know message %q of a loan", kind)}
}
