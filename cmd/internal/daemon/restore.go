package daemon

import (
	"context"
	"errors"
	"fmt"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/storage"
)

// Check verifies a data folder or a backup that no process uses.
func Check(ctx context.Context, dir string) (control.Checked, error) {
	rep, err := storage.CheckFolder(ctx, dir)
	if errors.Is(err, storage.ErrInUse) {
		err = fmt.Errorf("check %s: %w: %w", dir, err, cli.NodeRunning)
	}
	return checked(rep), Mark(err)
}

// Restore makes the data folder of a node out of a backup of the same node.
func Restore(ctx context.Context, c config.Node, backup string) error {
	m, err := storage.ReadManifest(backup)
	if err != nil {
		return Mark(err)
	}
	if m.Node != "" && m.Node != c.Name {
		return marked{fmt.Errorf("restore %s: it is a backup of node %q, configured is %q", backup, m.Node, c.Name), cli.ErrRefused}
	}
	err = storage.Restore(ctx, backup, c.DataDir, storage.Options{Node: c.Name})
	if errors.Is(err, storage.ErrExists) {
		return marked{err, cli.ErrRefused}
	}
	return Mark(err)
}
