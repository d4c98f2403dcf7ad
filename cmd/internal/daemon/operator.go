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

// AddOperator stores a new operator in the ledger of a stopped node. Refusals are cli.WeakPassword, cli.NameTaken and
// cli.NodeRunning.
func AddOperator(ctx context.Context, c config.Node, op cli.NewOperator) error {
	password := op.Password.Reveal()
	if len([]rune(password)) < minPassword {
		return fmt.Errorf("add operator %s: %w", op.Name, cli.WeakPassword)
	}
	return withLedger(c, func(store *storage.Store) error {
		hash, err := counter.HashPassword(password)
		if err != nil {
			return err
		}
		return store.Update(ctx, func(tx counter.Tx) error {
			switch _, err := tx.Operator(op.Name); {
			case err == nil:
				return fmt.Errorf("add operator %s: %w", op.Name, cli.NameTaken)
			case !errors.Is(err, counter.ErrNotFound):
				return err
			}
			return tx.PutOperator(counter.Operator{Name: op.Name, Display: op.Display, No: op.No, Role: op.Role, Password: hash})
		})
	})
}
