package claim

import (
	"errors"
	"net"
	"syscall"
)

// take binds a socket in the abstract namespace (unix(7)): it has no file that could stay behind.
func take(name string) (func(), error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@" + name, Net: "unix"})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, ErrTaken
	case err != nil:
		return func() {}, nil
	}
	return func() { _ = l.Close() }, nil // closing twice changes nothing
}
