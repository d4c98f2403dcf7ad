// Package porttest finds TCP ports for servers that a test starts a moment later, or again after it has killed them.
package porttest

import (
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// Between lowest and ephemeral no system in use takes a port by itself: those that Linux hands out to whoever asks for any
// port, and to every connection that goes out, begin at ephemeral (net.ipv4.ip_local_port_range), those of others above
// (RFC 6335 §6). A port from there would be gone now and then before its server has come up, or come up again.
const (
	lowest    = 10240
	ephemeral = 32768
)

var (
	mu   sync.Mutex
	last = start(os.Getpid())
)

// start keeps test binaries that run side by side apart: neighbours among process ids begin 61 ports from each other.
func start(pid int) int { return pid * 61 % (ephemeral - lowest) }

// Addr is a local address that nobody listens on. One process is never given the same one twice, unless it asks for
// thousands; no other test program gets it before t has ended, also while the server behind it is away.
func Addr(t testing.TB) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range ephemeral - lowest {
		last = (last + 1) % (ephemeral - lowest)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+last))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			if claim(t, lowest+last) {
				return addr
			}
		}
	}
	t.Fatal("no port is free")
	return ""
}

// claim keeps a port for t against the other test programs of this machine. Whoever has the name has the port; it lies in
// the abstract namespace, where nothing is left of a program that was killed, see unix(7). Elsewhere there is no such thing.
func claim(t testing.TB, port int) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	l, err := net.Listen("unix", claimed(port))
	if err != nil {
		return false
	}
	t.Cleanup(func() { l.Close() })
	return true
}

func claimed(port int) string { return "@tally-test-port-" + strconv.Itoa(port) }
