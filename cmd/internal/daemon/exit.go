package daemon

import (
	"errors"
	"net"

	"tally/cardreader"
	"tally/cmd/internal/cli"
	"tally/storage"
)

// marked is an error with what it means for the exit code; its text stays as it is.
type marked struct {
	error
	mark error
}

func (m marked) Unwrap() []error { return []error{m.error, m.mark} }

// Mark tells the command line what kind of failure a start is: a data folder that cannot be had is a refusal; an address or a
// reader that this machine or build does not have is a matter of the configuration. Anything else is a fault.
func Mark(err error) error {
	for _, refused := range []error{
		storage.ErrInUse, storage.ErrNewer, storage.ErrDamaged, storage.ErrLedgerMissing, storage.ErrOtherNode,
	} {
		if errors.Is(err, refused) {
			return marked{err, cli.ErrRefused}
		}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "listen" {
		return marked{err, cli.ErrConfig}
	}
	if card, ok := errors.AsType[*cardreader.Error](err); ok && card.Code == cardreader.CodeNoPCSC {
		return marked{err, cli.ErrConfig}
	}
	return err
}
