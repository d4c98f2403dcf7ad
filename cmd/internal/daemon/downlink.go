package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"tally/cmd/internal/config"
	"tally/sync/contract"
	"tally/sync/inbox"
)

// centreKeys gives the public keys of the centre, read anew each time so that they can be replaced while the node runs. A
// file that cannot be read takes its keys away: better no command than one of nobody knows whom.
func centreKeys(files []string, log *slog.Logger) func() contract.Keys {
	return func() contract.Keys {
		all := contract.Keys{}
		for _, path := range files {
			keys, err := config.ReadCentreKeys(path)
			if err != nil {
				log.Warn("keys of the centre cannot be read", "file", path, "err", err)
				continue
			}
			maps.Copy(all, keys)
		}
		return all
	}
}

// newInbox wires commands and desired state to the parts of the node that obey. Without a key nobody is obeyed.
func (n *Node) newInbox(d *desired, b *backups, l *logLevel) (*inbox.Inbox, error) {
	o := orders{meters: n.poller, store: n.store, backup: b.make, level: l.forAWhile}
	return inbox.New(inbox.Config{
		Node: n.cfg.Name, Keys: centreKeys(n.cfg.Uplink.Delivery.CentreKeys, n.log),
		Handlers: map[string]inbox.Handler{
			contract.CommandReadNow:  handle(o.readNow),
			contract.CommandValve:    handle(o.valve),
			contract.CommandSetClock: handle(o.setClock),
			contract.CommandResend:   handle(o.resend),
			contract.CommandBackup:   handle(o.makeBackup),
			contract.CommandLogLevel: handle(o.logLevel),
		},
		Desired:    d.become,
		ClockSound: func() bool { return sound(time.Now()) },
		OnAlarm:    func(text string) { n.log.Warn("from the centre", "alarm", text) },
	}, n.store.Commands())
}

// handle reads the arguments of a command before it is obeyed; wrong ones change nothing.
func handle[T contract.Args](f func(context.Context, T) (any, error)) inbox.Handler {
	return func(ctx context.Context, c contract.Command) (any, error) {
		args, err := contract.OpenArgs[T](c.Args)
		if err != nil {
			return nil, err
		}
		return f(ctx, args)
	}
}

var errOtherEpoch = errors.New("records of another epoch are not here")

func otherEpoch(want, have string) error {
	return fmt.Errorf("%w: asked for %.64q, this ledger is %q", errOtherEpoch, want, have)
}
