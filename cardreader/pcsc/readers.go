//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"bytes"
	"context"
	"runtime"
	"sync"

	"github.com/ebfe/scard"
)

// stateMu serialises looks without a wait, see stateNow.
var stateMu sync.Mutex

// stateNow is a reader's state at this moment.
func stateNow(c pcscContext, reader string) (scard.ReaderState, error) {
	stateMu.Lock()
	defer stateMu.Unlock()
	st := []scard.ReaderState{{Reader: ownName(reader, "now"), CurrentState: scard.StateUnaware}}
	err := c.GetStatusChange(st, 0)
	st[0].Reader = reader
	return st[0], err
}

// ownName is a reader's name for the calls of one caller at a time. The binding keeps a C string alive by the name that it
// was made from, and the next call with the same name frees it under a call that still waits. The service reads the name up to
// the zero.
func ownName(reader, caller string) string {
	if runtime.GOOS == "windows" {
		return reader
	}
	return reader + "\x00" + caller
}

// Readers lists the readers of the service. No reader at all is an empty list; a missing service is an error with
// cardreader.CodeNoService.
func Readers(ctx context.Context) ([]Reader, error) {
	const op = "list readers"
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := guarded(establish)
	if err != nil {
		return nil, classify(op, "", false, err)
	}
	defer c.Release()
	names, err := list(c)
	if err != nil {
		return nil, classify(op, "", false, err)
	}
	readers := make([]Reader, 0, len(names))
	for _, name := range names {
		st, err := guarded(func() (scard.ReaderState, error) { return stateNow(c, name) })
		if err != nil {
			return readers, classify(op, name, false, err)
		}
		readers = append(readers, describe(name, st))
	}
	return readers, nil
}

func describe(name string, st scard.ReaderState) Reader {
	r := Reader{Name: name, Present: st.EventState&scard.StatePresent != 0, Mute: st.EventState&scard.StateMute != 0}
	if r.Present && !r.Mute {
		r.ATR = bytes.Clone(st.Atr)
	}
	return r
}
