package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// within runs f in one transaction.
func (s *Store) within(ctx context.Context, now time.Time, f func(w *work) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	w := &work{tx: tx, d: s.dialect, trace: s.trace, at: now, now: stamp(now), stmts: map[string]*sql.Stmt{}, marks: map[key]*mark{}, freed: map[key]uint64{}, readings: map[[2]string]int64{}}
	if err := f(w); err != nil {
		return err
	}
	if err := w.countReadings(ctx); err != nil {
		return err
	}
	if err := w.counted(ctx); err != nil {
		return err
	}
	return tx.Commit()
}

// reading runs f in a transaction that sees one moment and keeps nobody from writing.
func (s *Store) reading(ctx context.Context, f func(w *work) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: s.dialect.Snapshot})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(&work{tx: tx, d: s.dialect, trace: s.trace, stmts: map[string]*sql.Stmt{}})
}

// SaveStatus keeps what a node says of itself. The word of a session that has been replaced is not taken: the will of a
// lost connection may come after the node has connected anew.
func (s *Store) SaveStatus(ctx context.Context, node string, st contract.Status, now time.Time) error {
	err := s.within(ctx, now, func(w *work) error {
		fresh, err := w.exec(ctx, `INSERT INTO node (node, online, session, boot, version, epoch, at, received, region, cfg)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
			ON CONFLICT (node) DO UPDATE SET online = ?2, session = ?3, boot = ?4, version = ?5, epoch = ?6, at = ?7, received = ?8,
				region = ?9, cfg = ?10
			WHERE ?2 = 1 OR node.session = ?3`,
			node, int64(count(st.Online)), printable(st.Session), printable(st.Boot), printable(st.Version), printable(st.Epoch),
			stamp(st.At.Time), w.now, int64(st.Region), int64(min(st.Cfg, contract.MaxSeq)))
		if err != nil || !fresh {
			return err
		}
		for _, stream := range slices.Sorted(maps.Keys(st.Streams)) {
			if err := w.nodeStream(ctx, node, stream, st.Streams[stream]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the status of a node: %w", err)
	}
	return nil
}

func (w *work) nodeStream(ctx context.Context, node string, stream contract.Stream, st contract.StreamStatus) error {
	if !stream.Known() || max(st.First, st.Next, st.Acked) > contract.MaxSeq {
		return nil
	}
	_, err := w.exec(ctx, `INSERT INTO node_stream (node, stream, first, next, acked) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (node, stream) DO UPDATE SET first = ?3, next = ?4, acked = ?5`,
		node, string(stream), int64(st.First), int64(st.Next), int64(st.Acked))
	return err
}

// Nodes lists the nodes that have ever said something of themselves, by name.
func (s *Store) Nodes(ctx context.Context) ([]central.NodeState, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT n.node, n.online, n.session, n.boot, n.version, n.epoch, n.at, n.received, n.region, n.cfg,
		COALESCE(d.version, 0) FROM node n LEFT JOIN desired d ON d.node = n.node ORDER BY n.node`)
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	defer rows.Close()
	var out []central.NodeState
	for rows.Next() {
		var n central.NodeState
		var online, region, cfg, desired int64
		var at, received string
		if err := rows.Scan(&n.Node, &online, &n.Session, &n.Boot, &n.Version, &n.Epoch, &at, &received, &region, &cfg, &desired); err != nil {
			return nil, fmt.Errorf("list nodes: %w", err)
		}
		n.V, n.Online, n.Region, n.Cfg, n.Desired = contract.Version, online == 1, uint16(region), uint64(cfg), uint64(desired)
		n.At, n.Received = moment(at), moment(received)
		out = append(out, n)
	}
	return out, rows.Err()
}

// moment reads what stamp has written; the zero time for an empty text.
func moment(s string) contract.Time {
	t, err := time.Parse(stampLayout, s)
	if err != nil {
		return contract.Time{}
	}
	return contract.At(t)
}

// maybe is moment for what may not have happened.
func maybe(s string) *contract.Time {
	if s == "" {
		return nil
	}
	t := moment(s)
	return &t
}
