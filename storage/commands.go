package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/outbox"
)

// rememberCommands is how many commands are remembered by counter; what is older counts as seen.
const rememberCommands = 2000

// command is what the ledger keeps of one.
type command struct {
	contract.Command
	Finished bool `json:"finished"`
}

// Commands returns the store of the inbox.
func (s *Store) Commands() inbox.Store { return commands{s} }

type commands struct{ s *Store }

// Begin implements inbox.Store.
func (c commands) Begin(ctx context.Context, cmd contract.Command) (standing inbox.Standing, err error) {
	if err := checkKey("command id", cmd.ID); err != nil {
		return 0, err
	}
	err = c.s.update(ctx, func(w *writeTx) error {
		standing = inbox.Seen
		if w.commandSeen(cmd) {
			return nil
		}
		standing = inbox.Fresh
		if err := w.put(bCommandIDs, []byte(cmd.ID), u64(cmd.Counter)); err != nil {
			return err
		}
		if err := w.putJSON(bCommands, u64(cmd.Counter), command{Command: cmd}); err != nil {
			return err
		}
		return w.forgetCommands()
	})
	if err != nil {
		return 0, err
	}
	return standing, nil
}

func (w *writeTx) commandSeen(cmd contract.Command) bool {
	if since := asU64(w.tx.Bucket(bState).Get(kCommandsSince)); cmd.Issued.UnixMilli() < int64(min(since, math.MaxInt64)) {
		return true
	}
	return cmd.Counter <= asU64(w.tx.Bucket(bState).Get(kCommandFloor)) ||
		w.tx.Bucket(bCommandIDs).Get([]byte(cmd.ID)) != nil || w.tx.Bucket(bCommands).Get(u64(cmd.Counter)) != nil
}

// Keys of the bucket state.
var (
	// kCommandFloor is the highest counter that was forgotten, 8 bytes.
	kCommandFloor = []byte("command_floor")
	// kCommandsSince is when this ledger was restored, in ms since 1970, 8 bytes: what was commanded before may have been
	// carried out by the ledger that was lost.
	kCommandsSince = []byte("commands_since")
)

// forgetCommands drops the oldest that are finished, beyond those that are remembered.
func (w *writeTx) forgetCommands() error {
	var all [][]byte
	err := w.tx.Bucket(bCommands).ForEach(func(k, _ []byte) error {
		all = append(all, append([]byte{}, k...))
		return nil
	})
	if err != nil {
		return fmt.Errorf("list commands: %w", err)
	}
	for _, k := range all[:max(len(all)-rememberCommands, 0)] {
		cmd, err := loadCommand(w.tx, asU64(k))
		if err != nil {
			return err
		}
		if !cmd.Finished {
			return nil // it is answered for first
		}
		if err := w.delete(bCommands, k); err != nil {
			return err
		}
		if err := w.delete(bCommandIDs, []byte(cmd.ID)); err != nil {
			return err
		}
		if err := w.put(bState, kCommandFloor, k); err != nil {
			return err
		}
	}
	return nil
}

func loadCommand(tx *bbolt.Tx, counter uint64) (cmd command, err error) {
	raw := tx.Bucket(bCommands).Get(u64(counter))
	if raw == nil {
		return cmd, fmt.Errorf("command %d is missing: %w", counter, ErrDamaged)
	}
	if err := json.Unmarshal(raw, &cmd); err != nil {
		return cmd, fmt.Errorf("decode command %d: %w: %w", counter, err, ErrDamaged)
	}
	return cmd, nil
}

// Finish implements inbox.Store.
func (c commands) Finish(ctx context.Context, r contract.CommandResult) error {
	return c.s.update(ctx, func(w *writeTx) error {
		counter := w.tx.Bucket(bCommandIDs).Get([]byte(r.Command))
		if counter == nil {
			return fmt.Errorf("finish command %.64q: it was not begun", r.Command)
		}
		cmd, err := loadCommand(w.tx, asU64(counter))
		if err != nil || cmd.Finished {
			return err
		}
		cmd.Finished = true
		if err := w.putJSON(bCommands, u64(cmd.Counter), cmd); err != nil {
			return err
		}
		return w.emit(c.s.opts.stamper(), outbox.Draft{Stream: contract.Ev, Type: contract.TypeCommandResult, ID: r.Command, Body: r})
	})
}

// Open implements inbox.Store.
func (c commands) Open(ctx context.Context) (open []contract.Command, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = c.s.ledger.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bCommands).ForEach(func(k, v []byte) error {
			var cmd command
			if err := json.Unmarshal(v, &cmd); err != nil {
				return fmt.Errorf("decode command %d: %w: %w", asU64(k), err, ErrDamaged)
			}
			if !cmd.Finished {
				open = append(open, cmd.Command)
			}
			return nil
		})
	})
	return open, err
}
