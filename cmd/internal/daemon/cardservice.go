package daemon

import (
	"errors"
	"sync/atomic"

	"tally/cardreader"
	"tally/counter"
)

// cardService remembers why the smart-card service cannot be used, for the page and the status. Without it a stopped
// service looks like a reader that somebody has pulled out.
type cardService struct{ cause atomic.Pointer[error] }

// told takes what a Source says of the service; nil when it can be used.
func (c *cardService) told(err error) {
	if err == nil {
		c.cause.Store(nil)
		return
	}
	c.cause.Store(&err)
}

// now is why it cannot be used, nil when it can.
func (c *cardService) now() error {
	if p := c.cause.Load(); p != nil {
		return *p
	}
	return nil
}

// asked is the same for who asks for readers, and no reader is there.
func (c *cardService) asked() error {
	err := c.now()
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*cardreader.Error](err); ok {
		return err
	}
	return &cardreader.Error{Code: cardreader.CodeNoService, Op: "list readers", Err: err}
}

// trouble is the same for the page; nil when all is well.
func (c *cardService) trouble() *counter.Refusal {
	err := c.now()
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return &counter.Refusal{Code: e.Code} // the log has the cause already
	}
	return &counter.Refusal{Code: cardreader.CodeNoService}
}
