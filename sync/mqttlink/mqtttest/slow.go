package mqtttest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// SlowLine stands in front of addr and delays everything by half of rtt each way, without limiting the rate. It ends
// with the test.
func SlowLine(t testing.TB, addr string, rtt time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []net.Conn
	wg.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", addr)
			if err != nil {
				a.Close()
				continue
			}
			mu.Lock()
			all = append(all, a, b)
			mu.Unlock()
			wg.Go(func() { delay(a, b, rtt/2) })
			wg.Go(func() { delay(b, a, rtt/2) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range all {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

// piece is what was read at one time, and when it is due on the other side.
type piece struct {
	b   []byte
	due time.Time
}

func delay(from, to net.Conn, by time.Duration) {
	pieces := make(chan piece, 4096)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer to.Close()
		for p := range pieces {
			timer := time.NewTimer(time.Until(p.due))
			<-timer.C
			if _, err := to.Write(p.b); err != nil {
				break
			}
		}
		for range pieces { // let the reader end
		}
	})
	for {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if n > 0 {
			pieces <- piece{buf[:n], time.Now().Add(by)}
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	wg.Wait()
	from.Close()
}
