//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"errors"
	"fmt"
	"time"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// pcscContext and pcscCard are what is used of the binding; tests put services in their place that hang or panic.
type pcscContext interface {
	ListReaders() ([]string, error)
	GetStatusChange([]scard.ReaderState, time.Duration) error
	Connect(string, scard.ShareMode, scard.Protocol) (pcscCard, error)
	Cancel() error
	Release() error
}

type pcscCard interface {
	ActiveProtocol() scard.Protocol
	Transmit([]byte) ([]byte, error)
	BeginTransaction() error
	EndTransaction(scard.Disposition) error
	Disconnect(scard.Disposition) error
}

type systemContext struct{ *scard.Context }

func (c systemContext) Connect(reader string, mode scard.ShareMode, p scard.Protocol) (pcscCard, error) {
	card, err := c.Context.Connect(reader, mode, p)
	if err != nil {
		return nil, err // not card: a nil pointer in an interface is not nil
	}
	return card, nil
}

func establish() (pcscContext, error) {
	c, err := scard.EstablishContext()
	if err != nil {
		return nil, err
	}
	return systemContext{c}, nil
}

// guarded runs a call into the binding, which panics on some inputs of its own, and turns a panic into an error.
func guarded[T any](f func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errPanic{r}
		}
	}()
	return f()
}

type errPanic struct{ value any }

func (e errPanic) Error() string { return fmt.Sprintf("panic in the PC/SC binding: %v", e.value) }

// classify puts an error of the binding into the table. sent says that a command was under way.
func classify(op, reader string, sent bool, err error) error {
	var known *cardreader.Error
	if errors.As(err, &known) {
		return err
	}
	r := row{cardreader.Retry, cardreader.CodeDriverFault}
	var code scard.Error
	if errors.As(err, &code) {
		r = lookup(uint32(code))
		err = fmt.Errorf("%w (%08X)", err, uint32(code))
	}
	if sent {
		r.class = cardreader.Unknown
	}
	return &cardreader.Error{Class: r.class, Code: r.code, Op: op, Reader: reader, Err: err}
}

// is reports whether err is one of these return codes.
func is(err error, codes ...scard.Error) bool {
	for _, c := range codes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}
