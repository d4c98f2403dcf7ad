package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"tally/sync/central"
	"tally/sync/contract"
)

func (w *work) statement(ctx context.Context, k key, it *central.Item, f *contract.Statement) error {
	_, err := w.exec(ctx, `INSERT INTO statement (node, epoch, seq, from_at, to_at, sales, volume_l, amount_fen)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, k.node, k.epoch, int64(it.Seq), stamp(f.From.Time), stamp(f.To.Time),
		f.Sales, f.VolumeL, f.AmountFen)
	for n, h := range f.Heads {
		if err != nil {
			break
		}
		_, err = w.exec(ctx, `INSERT INTO statement_head (node, epoch, seq, n, stream, upto, sha256)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`, k.node, k.epoch, int64(it.Seq), int64(n), printable(string(h.Stream)),
			int64(h.Seq), printable(h.SHA256))
	}
	return err
}

// Finding is one difference between a node and the centre.
type Finding struct {
	Node, Epoch string
	Seq         uint64 // of the statement, in ev; 0 when the centre's own records disagree with each other
	Text        string
}

// Reconcile compares every statement of the nodes with what is stored (对账), and the streams with themselves. It returns
// how many statements were compared and what differs. A statement about records that are still to come differs until
// they are here.
func (s *Store) Reconcile(ctx context.Context) (compared int, found []Finding, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("reconcile: %w", err)
	}
	defer tx.Rollback()
	w := &work{tx: tx, d: s.dialect, stmts: map[string]*sql.Stmt{}}
	if compared, err = w.count(ctx); err != nil {
		return 0, nil, fmt.Errorf("reconcile: %w", err)
	}
	for _, f := range []func(context.Context) ([]Finding, error){w.sums, w.heads, w.streams} {
		more, err := f(ctx)
		if err != nil {
			return 0, nil, fmt.Errorf("reconcile: %w", err)
		}
		found = append(found, more...)
	}
	return compared, found, nil
}

func (w *work) count(ctx context.Context) (n int, err error) {
	err = w.row(ctx, "SELECT COUNT(*) FROM statement").Scan(&n)
	return n, err
}

// sums compares sales by their number, volume and amount.
func (w *work) sums(ctx context.Context) ([]Finding, error) {
	return w.findings(ctx, `
		SELECT t.node, t.epoch, t.seq, 'sales, litres, fen: the node counts ' || t.sales || ', ' || t.volume_l || ', ' || t.amount_fen
			|| ', here are ' || COUNT(s.seq) || ', ' || COALESCE(SUM(s.volume_l), 0) || ', ' || COALESCE(SUM(s.amount_fen), 0)
		FROM statement t LEFT JOIN sale s
			ON s.node = t.node AND s.epoch = t.epoch AND s.at >= t.from_at AND s.at < t.to_at AND s.kind = 'sale'
		GROUP BY t.node, t.epoch, t.seq, t.sales, t.volume_l, t.amount_fen
		HAVING COUNT(s.seq) <> t.sales OR COALESCE(SUM(s.volume_l), 0) <> t.volume_l OR COALESCE(SUM(s.amount_fen), 0) <> t.amount_fen
		ORDER BY 1, 2, 3`)
}

// heads compares the hash of the record that a statement names. The chain makes it stand for all before it.
func (w *work) heads(ctx context.Context) ([]Finding, error) {
	rows, err := w.rows(ctx, `SELECT h.node, h.epoch, h.seq, h.stream, h.upto, h.sha256, r.raw FROM statement_head h LEFT JOIN record r
		ON r.node = h.node AND r.epoch = h.epoch AND r.stream = h.stream AND r.seq = h.upto ORDER BY 1, 2, 3, 4`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Finding
	for rows.Next() {
		var f Finding
		var stream, sha string
		var seq, upto int64
		var raw []byte
		if err := rows.Scan(&f.Node, &f.Epoch, &seq, &stream, &upto, &sha, &raw); err != nil {
			return nil, err
		}
		f.Seq = uint64(seq)
		switch {
		case raw == nil:
			f.Text = fmt.Sprintf("record %s/%d is not here", stream, upto)
		case contract.Hash(raw) != sha:
			f.Text = fmt.Sprintf("record %s/%d is another one here", stream, upto)
		default:
			continue
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// streams looks for records that do not continue the one before and for watermarks that have something missing below.
func (w *work) streams(ctx context.Context) ([]Finding, error) {
	breaks, err := w.findings(ctx, `SELECT node, epoch, 0, 'record ' || stream || '/' || seq || ' does not continue the record before'
		FROM record WHERE chained = 0 ORDER BY 1, 2, 4`)
	if err != nil {
		return nil, err
	}
	missing, err := w.findings(ctx, `SELECT s.node, s.epoch, 0, s.stream || ': ' || s.acked || ' are acknowledged, and fewer are here'
		FROM stream_state s
		WHERE s.acked > (SELECT COUNT(*) FROM record r WHERE r.node = s.node AND r.epoch = s.epoch AND r.stream = s.stream AND r.seq <= s.acked)
			+ (SELECT COUNT(DISTINCT q.seq) FROM quarantine q WHERE q.node = s.node AND q.epoch = s.epoch AND q.stream = s.stream AND q.seq <= s.acked)
			+ (SELECT COALESCE(SUM(l.last - l.first + 1), 0) FROM lost l WHERE l.node = s.node AND l.epoch = s.epoch AND l.stream = s.stream)
		ORDER BY 1, 2, 4`)
	return append(breaks, missing...), err
}

func (w *work) findings(ctx context.Context, query string) ([]Finding, error) {
	rows, err := w.rows(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Finding
	for rows.Next() {
		var f Finding
		var seq int64
		if err := rows.Scan(&f.Node, &f.Epoch, &seq, &f.Text); err != nil {
			return nil, err
		}
		f.Seq = uint64(seq)
		found = append(found, f)
	}
	return found, rows.Err()
}
