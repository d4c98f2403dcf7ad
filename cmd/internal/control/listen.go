package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// maxPath is what fits into sun_path of sockaddr_un (108 bytes with the final zero on Linux and Windows).
const maxPath = 107

// Listen opens the socket at path for the daemon's own user only. The socket that a dead daemon left is replaced; a
// live one is not (ErrRunning), and neither is anything that is no socket. Serve closes the listener and takes the
// socket away.
func Listen(path string) (*Listener, error) {
	if err := free(path); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", path, err)
	}
	inner, err := bind(path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	inner.SetUnlinkOnClose(false) // by then the path may be somebody else's socket
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), inner.Close())
	}
	return &Listener{inner, path, info}, nil
}

// Listener is a socket together with the file it lies at.
type Listener struct {
	*net.UnixListener
	path string
	info fs.FileInfo
}

// Close ends listening and removes the socket, unless the file at the path is another one by now. It may be called
// twice.
func (l *Listener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.info) {
		_ = os.Remove(l.path) // what stays is taken for stale by the next start
	}
	if err := l.UnixListener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close control socket: %w", err)
	}
	return nil
}

// free makes sure that nothing alive lies at path, and removes a stale socket.
func free(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("is in the way and no socket")
	}
	conn, err := net.DialTimeout("unix", path, 2*time.Second)
	if err == nil {
		return errors.Join(ErrRunning, conn.Close())
	}
	if !isRefused(err) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ask who is there: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the stale one: %w", err)
	}
	return nil
}

// isRefused reports that a socket file has no process behind it. 10061 is WSAECONNREFUSED, which package syscall does
// not take for ECONNREFUSED.
func isRefused(err error) bool {
	n, ok := errors.AsType[syscall.Errno](err)
	return ok && (n == syscall.ECONNREFUSED || n == 10061)
}

// bind makes a socket that was never open to others: it is made in a private folder, restricted, and moved to its
// place. On Windows the access list of the data folder decides and the socket is made in place.
func bind(path string) (*net.UnixListener, error) {
	if runtime.GOOS == "windows" {
		return listenUnix(path)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	first := filepath.Join(private, "s")
	l, err := listenUnix(first)
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(first, 0o600), os.Rename(first, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func listenUnix(path string) (*net.UnixListener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("path %s has %d bytes, a socket's may have %d: use a shorter data_dir", path, len(path), maxPath)
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
