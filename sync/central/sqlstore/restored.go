package sqlstore

import "context"

// restoreLayout notes for which epoch of its node a desired state was made; empty: made before this was noted.
const restoreLayout = `
ALTER TABLE desired ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
`

// restored says whether the node has begun a new epoch since its desired state was made. It has forgotten then what it was
// told of accounts since its backup, and what it says to have applied proves nothing of it: all versions that it has
// confirmed are forgotten here, too, and everything is told again.
func (w *work) restored(ctx context.Context, node string) (bool, error) {
	var n int
	err := w.row(ctx, `SELECT COUNT(*) FROM desired d JOIN node n ON n.node = d.node WHERE d.node = ?1 AND d.epoch NOT IN ('', n.epoch)`, node).Scan(&n)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = w.exec(ctx, "DELETE FROM desired_upto WHERE node = ?1", node)
	return true, err
}
