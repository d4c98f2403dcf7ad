package centre

import (
	"context"
	"errors"
	"slices"
	"time"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/sync/central"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
)

// Desk is the central database as the commands of tally-central use it, beside a centre that may be running.
type Desk struct {
	*sqlstore.Store
	sign central.Signer // nil without a key
	now  func() time.Time
}

var _ cli.CentralDesk = (*Desk)(nil)

// OpenDesk opens the database that a config names, and its key.
func OpenDesk(now func() time.Time) func(context.Context, config.Central) (cli.CentralDesk, error) {
	return func(ctx context.Context, c config.Central) (cli.CentralDesk, error) {
		d := &Desk{now: now}
		if c.SigningKey != "" {
			key, err := central.LoadKey(c.SigningKey)
			if err != nil {
				return nil, err
			}
			d.sign = key
		}
		var err error
		if d.Store, err = open(ctx, c); err != nil {
			return nil, err
		}
		return d, nil
	}
}

// known refuses a node that has never been here: its name is mistyped.
func (d *Desk) known(ctx context.Context, node string) error {
	nodes, err := d.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(nodes, func(n central.NodeState) bool { return n.Node == node }) {
		return cli.UnknownNode
	}
	return nil
}

// Issue implements cli.CentralCommands.
func (d *Desk) Issue(ctx context.Context, o central.Order) (central.CommandState, error) {
	if d.sign == nil {
		return central.CommandState{}, cli.NoSigningKey
	}
	if err := d.known(ctx, o.Node); err != nil {
		return central.CommandState{}, err
	}
	c, err := d.Store.Issue(ctx, o, d.sign, d.now())
	if err != nil {
		return central.CommandState{}, err
	}
	return d.Command(ctx, c.ID)
}

// Command implements cli.CentralCommands.
func (d *Desk) Command(ctx context.Context, id string) (central.CommandState, error) {
	s, err := d.Store.Command(ctx, id)
	if errors.Is(err, sqlstore.ErrNotFound) {
		err = cli.NoCommand
	}
	return s, err
}

// ReleasePrices implements cli.CentralWishes.
func (d *Desk) ReleasePrices(ctx context.Context, tables []contract.PriceTable, by string) error {
	if d.sign == nil {
		return cli.NoSigningKey
	}
	return d.Store.ReleasePrices(ctx, tables, by, d.now())
}

// Lock implements cli.CentralWishes.
func (d *Desk) Lock(ctx context.Context, account, reason, by string) error {
	if d.sign == nil {
		return cli.NoSigningKey
	}
	err := d.Store.Lock(ctx, account, reason, by, d.now())
	if errors.Is(err, sqlstore.ErrLocked) {
		return cli.AccountLocked
	}
	return err
}

// Unlock implements cli.CentralWishes.
func (d *Desk) Unlock(ctx context.Context, account, reason, by string) (int, error) {
	if d.sign == nil {
		return 0, cli.NoSigningKey
	}
	n, err := d.Store.Unlock(ctx, account, reason, by, d.now())
	if errors.Is(err, sqlstore.ErrNotLocked) {
		return 0, cli.AccountNotLocked
	}
	return n, err
}

// Rule implements cli.CentralDoubts.
func (d *Desk) Rule(ctx context.Context, r central.Rule) (contract.Ruling, error) {
	if d.sign == nil {
		return contract.Ruling{}, cli.NoSigningKey
	}
	ruling, err := d.Store.Rule(ctx, r, d.now())
	if why, ok := errors.AsType[central.Unruled](err); ok {
		err = cli.Refusal(why)
	}
	return ruling, err
}

// Set implements cli.CentralWishes.
func (d *Desk) Set(ctx context.Context, node string, s contract.Settings) error {
	if d.sign == nil {
		return cli.NoSigningKey
	}
	if err := d.known(ctx, node); err != nil {
		return err
	}
	return d.Store.Set(ctx, node, s, d.now())
}
