package local

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// mostConns is how many connections are open at once; more wait in the system's queue. A crowd at the page must not take
// the file descriptors that the ledger, the readers and the broker need.
const mostConns = 256

// bodyTimeout is how long a client may take to send a body.
const bodyTimeout = 10 * time.Second

// limited is a listener with so much room.
type limited struct {
	net.Listener
	room chan struct{}
	done chan struct{}
	once sync.Once
}

func limit(l net.Listener, most int) net.Listener {
	return &limited{Listener: l, room: make(chan struct{}, most), done: make(chan struct{})}
}

// Accept waits for room first.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

// Close ends an Accept that waits, too. It may be called twice.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// counted gives its room back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close may be called twice.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// hasten gives clients so long for the body of a request. The deadline goes with the last byte: from then on the server
// listens whether the client is still there, and a deadline would end the work that was asked for.
func hasten(h http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			ctl := http.NewResponseController(w)
			if ctl.SetReadDeadline(time.Now().Add(patience)) == nil {
				r.Body = &hasty{r.Body, ctl}
			}
		}
		h.ServeHTTP(w, r)
	})
}

type hasty struct {
	io.ReadCloser
	ctl *http.ResponseController
}

// Read lifts the deadline with the last byte.
func (b *hasty) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if lifted := b.ctl.SetReadDeadline(time.Time{}); lifted != nil {
			return n, lifted
		}
	}
	return n, err
}
