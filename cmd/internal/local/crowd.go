package local

import (
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

// hasten gives clients so long for the body of a request. net/http lifts the deadline with the body's last byte, so that it
// never ends the work that was asked for. ReadTimeout would bound the wait for the next request, too.
func hasten(h http.Handler, patience time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != http.NoBody {
			// Who cannot set one is no connection; a test's recorder has its body already.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
		}
		h.ServeHTTP(w, r)
	})
}
