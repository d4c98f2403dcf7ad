package local

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"tally/cmd/internal/config"
)

// piped is a listener whose connections are pipes, so that the clock can be turned.
type piped struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPiped() *piped { return &piped{make(chan net.Conn), make(chan struct{})} }

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { close(p.done); return nil }
func (p *piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *piped) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// TestABodyThatDoesNotComeIsNotWaitedFor, and work that lasts longer than a body may take goes on.
func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan error, 2)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			if err == nil { // a card is written meanwhile
				select {
				case <-time.After(10 * bodyTimeout):
				case <-r.Context().Done():
					err = r.Context().Err()
				}
			}
			got <- err
		})
		l := newPiped()
		srv := &http.Server{Handler: hasten(h, bodyTimeout)}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()

		slow := l.dial()
		io.WriteString(slow, "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nname=")
		go io.Copy(io.Discard, slow)
		if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a body of which one byte never comes: %v", err)
		}
		slow.Close()

		busy := l.dial()
		io.WriteString(busy, "POST /sell HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v %v", resp, err)
		}
		if err := <-got; err != nil {
			t.Errorf("work that was asked for was ended: %v", err)
		}
		busy.Close()
		srv.Close()
		<-served
	})
}

// TestACrowdTakesNoMoreThanItsRoom: who comes when it is full waits until somebody goes.
func TestACrowdTakesNoMoreThanItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := newPiped()
		l := limit(inner, 2)
		in := make(chan net.Conn, 3)
		ended := make(chan error, 1)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				in <- c
			}
		}()
		for range 2 {
			inner.dial()
		}
		first := <-in
		go inner.dial()
		synctest.Wait()
		if len(in) != 1 {
			t.Fatalf("%d came in beside the first", len(in))
		}
		first.Close()
		first.Close() // counts once
		synctest.Wait()
		if len(in) != 2 {
			t.Error("nobody came in for the one that left")
		}
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

// TestThePageIsLimited: what is handed out has both.
func TestThePageIsLimited(t *testing.T) {
	l, err := Listen(config.HTTP{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, ok := l.(*limited); !ok {
		t.Errorf("the page listens on %T", l)
	}
}
