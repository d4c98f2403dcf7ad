package daemon

import (
	"context"
	"errors"
	"fmt"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/counter"
	"tally/storage"
)

// minPassword is the fewest characters of a password (NIST SP 800-63B, 5.1.1.2).
const minPassword = 8

// AddOperator stores a new operator in the ledger of a stopped node.
func AddOperator(ctx context.Context, c config.Node, op cli.NewOperator) (err error) {
	if len([]rune(op.Password.Reveal())) < minPassword {
		return fmt.Errorf("password of %s is shorter than %d characters: %w", op.Name, minPassword, cli.ErrRefused)
	}
	store, err := storage.Open(c.DataDir, storage.Options{Node: c.Name})
	if errors.Is(err, storage.ErrInUse) {
		return fmt.Errorf("stop tallyd first: %w: %w", err, cli.ErrRefused)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	hash, err := counter.HashPassword(op.Password.Reveal())
	if err != nil {
		return err
	}
	return store.Update(ctx, func(tx counter.Tx) error {
		switch _, err := tx.Operator(op.Name); {
		case err == nil:
			return fmt.Errorf("there is an operator %s already: %w", op.Name, cli.ErrRefused)
		case !errors.Is(err, counter.ErrNotFound):
			return err
		}
		return tx.PutOperator(counter.Operator{Name: op.Name, Display: op.Display, No: op.No, Role: op.Role, Password: hash})
	})
}
