package metersim

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// ServeTCP answers Modbus TCP with the slaves of the bus on every connection that ln accepts, until ctx ends; it closes
// ln and all connections. Byte times are those of the bus behind the gateway.
func (b *Bus) ServeTCP(ctx context.Context, ln net.Listener) error {
	return accept(ctx, ln, b.serveConn)
}

// ServeRTUOverTCP answers serial frames on every connection that ln accepts: a transparent gateway.
func (b *Bus) ServeRTUOverTCP(ctx context.Context, ln net.Listener) error {
	return accept(ctx, ln, func(ctx context.Context, c net.Conn) { _ = b.Serve(ctx, c) })
}

func accept(ctx context.Context, ln net.Listener, serve func(context.Context, net.Conn)) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for {
		c, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		group.Go(func() {
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			serve(ctx, c)
		})
	}
}

// serveConn answers the requests of one connection in order.
func (b *Bus) serveConn(ctx context.Context, c net.Conn) {
	for {
		header := make([]byte, 7)
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		length := int(binary.BigEndian.Uint16(header[4:]))
		if length < 2 || length > 254 {
			return
		}
		pdu := make([]byte, length-1)
		if _, err := io.ReadFull(c, pdu); err != nil {
			return
		}
		if !b.answerTCP(ctx, c, header, pdu) {
			return
		}
	}
}

// answerTCP answers one request and tells whether the connection goes on.
func (b *Bus) answerTCP(ctx context.Context, c net.Conn, header, pdu []byte) bool {
	slave := b.slave(header[6])
	if slave == nil {
		_, err := c.Write(wrap(header, header[6], []byte{pdu[0] | 0x80, 0x0B}))
		return err == nil
	}
	f := slave.fault()
	if f.Silent {
		return true
	}
	body := f.mangle(pdu, slave.answer(pdu))
	p := b.Pacing
	if !sleepUntil(ctx, time.Now().Add(p.Char()*time.Duration(len(pdu)+len(body)+6)+p.Turnaround+f.Late)) {
		return false
	}
	if (f.Hangup || f.Reset) && f.Truncate == 0 {
		return hangUp(c, f.Reset)
	}
	out := f.cut(wrap(header, f.address(header[6]), body))
	if f.Stale {
		old := wrap(header, header[6], zeroed(body))
		binary.BigEndian.PutUint16(old, binary.BigEndian.Uint16(header)-1)
		out = append(old, out...)
	}
	if !writeSlowly(ctx, c, out, f) {
		return false
	}
	if f.Hangup || f.Reset {
		return hangUp(c, f.Reset)
	}
	return true
}

func writeSlowly(ctx context.Context, c net.Conn, out []byte, f Fault) bool {
	step := len(out)
	pause := f.Dribble
	if pause > 0 {
		step = 1
	} else if f.Split > 0 {
		step, pause = (len(out)+1)/2, f.Split
	}
	for i := 0; i < len(out); i += step {
		if pause > 0 && !sleepUntil(ctx, time.Now().Add(pause)) {
			return false
		}
		if _, err := c.Write(out[i:min(i+step, len(out))]); err != nil {
			return false
		}
	}
	return true
}

// hangUp closes the connection, with a RST if wanted.
func hangUp(c net.Conn, reset bool) bool {
	if t, ok := c.(*net.TCPConn); ok && reset {
		_ = t.SetLinger(0)
	}
	c.Close()
	return false
}

func wrap(header []byte, unit byte, pdu []byte) []byte {
	out := append([]byte(nil), header[:4]...)
	out = binary.BigEndian.AppendUint16(out, uint16(1+len(pdu)))
	return append(append(out, unit), pdu...)
}

// zeroed is a stale answer: right form, other content.
func zeroed(pdu []byte) []byte {
	out := append([]byte(nil), pdu...)
	if len(out) > 2 {
		clear(out[2:])
	}
	return out
}
