package metersim

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// PTY is a pseudo-terminal: a serial port without hardware.
type PTY struct {
	Path   string   // what a master opens as its serial port
	Wire   *os.File // the meters' end, for Bus.Serve
	holder *os.File // keeps the port's end open, so that the meters survive a master that goes and comes
}

// OpenPTY makes a pseudo-terminal in raw mode. Close it when it is not needed any more.
func OpenPTY() (*PTY, error) {
	wire, port, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	if _, err := term.MakeRaw(int(port.Fd())); err != nil {
		return nil, errors.Join(fmt.Errorf("set pseudo-terminal raw: %w", err), wire.Close(), port.Close())
	}
	pollable, err := nonBlocking(wire)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set pseudo-terminal non-blocking: %w", err), port.Close())
	}
	return &PTY{Path: port.Name(), Wire: pollable, holder: port}, nil
}

// nonBlocking gives f to the runtime's poller and closes f: a blocking read of a terminal cannot be ended by Close.
func nonBlocking(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Close closes both ends.
func (p *PTY) Close() error { return errors.Join(ignoreClosed(p.Wire.Close()), p.holder.Close()) }

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// ServePTY answers on a new pseudo-terminal until ctx ends. ready is called once with the path of its port.
func (b *Bus) ServePTY(ctx context.Context, ready func(path string)) error {
	p, err := OpenPTY()
	if err != nil {
		return err
	}
	defer p.Close()
	ready(p.Path)
	return b.Serve(ctx, p.Wire)
}

// ErrNoPTY says that this system has no pseudo-terminals that tally could use; it never comes on Linux.
var ErrNoPTY = errors.New("pseudo-terminals are used on Linux only")
