package cardsim

import (
	"net"
	"syscall"
)

// quickAck acknowledges at once what comes next. The driver sends a frame's length and body in two writes, and its
// kernel holds the second back until the first is acknowledged, which is 40 ms without this. The option wears off, so it
// is set before each read. Where it cannot be set it is only slower.
func quickAck(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
