package line

import (
	"context"
	"net"
	"time"
)

// dialTimeout bounds how long a dead gateway may hold up its line.
const dialTimeout = 5 * time.Second

// TCP opens a connection to a gateway or meter at addr ("host:port"). It is dropped after any error, because the place
// in the stream is not known any more, and opened anew.
func TCP(addr string) Opener {
	return func(ctx context.Context) (Conn, error) {
		d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return tcpConn{c}, nil
	}
}

type tcpConn struct{ net.Conn }

func (tcpConn) Traits() Traits { return Traits{Fragile: true} }
