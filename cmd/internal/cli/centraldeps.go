package cli

import (
	"context"
	"log/slog"
	"time"

	"tally/cmd/internal/config"
	"tally/sync/central"
	"tally/sync/contract"
)

// CentralDeps is what tally-central's commands are made of.
type CentralDeps struct {
	// Run runs the centre until ctx ends.
	Run func(ctx context.Context, c config.Central, log *slog.Logger) error
	// Open opens the database of a centre, which may be running. Nothing is sent by it: what is kept there, a running
	// centre sends.
	Open func(ctx context.Context, c config.Central) (CentralDesk, error)
	// Now is the time; nil for time.Now.
	Now func() time.Time
	// Poll is how often a result that is waited for is looked for; 0 for every second.
	Poll time.Duration
}

// CentralDesk is the central database as people use it.
type CentralDesk interface {
	CentralCommands
	CentralWishes
	CentralDoubts
	// Nodes lists the nodes that have said something of themselves.
	Nodes(ctx context.Context) ([]central.NodeState, error)
	// Reconcile compares what nodes say with what is stored.
	Reconcile(ctx context.Context, q central.Query) (central.Report, error)
	// Close it after its last use.
	Close() error
}

// CentralCommands are what nodes shall do.
type CentralCommands interface {
	// Issue signs a command and keeps it. NoSigningKey and UnknownNode are its refusals.
	Issue(ctx context.Context, o central.Order) (central.CommandState, error)
	// Command returns one command; NoCommand when there is none of this id.
	Command(ctx context.Context, id string) (central.CommandState, error)
	// Commands lists the newest ones, of one node when it is named.
	Commands(ctx context.Context, node string, most int) ([]central.CommandState, error)
}

// CentralWishes are how nodes shall be.
type CentralWishes interface {
	// ReleasePrices replaces the price tables of all nodes.
	ReleasePrices(ctx context.Context, tables []contract.PriceTable, by string) error
	// Lock stops sales to an account (停售). AccountLocked when the centre has done so already.
	Lock(ctx context.Context, account, reason, by string) error
	// Unlock lifts every lock of an account and returns how many there were. AccountNotLocked when there was none.
	Unlock(ctx context.Context, account, reason, by string) (int, error)
	// Set replaces the settings of a node. UnknownNode is its refusal.
	Set(ctx context.Context, node string, s contract.Settings) error
}

func (d CentralDeps) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}
