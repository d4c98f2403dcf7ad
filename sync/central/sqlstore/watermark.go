package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"tally/sync/contract"
)

// mark is how far a stream is. Everything up to acked is in record or in quarantine.
type mark struct {
	acked, high uint64
}

// add notes that first to last are in now.
func (m *mark) add(first, last uint64) {
	if first <= m.acked+1 {
		m.acked = max(m.acked, last)
	}
	m.high = max(m.high, last)
}

// lock reads the mark and keeps others from moving it until the transaction ends.
func (w *work) lock(ctx context.Context, k key) (*mark, error) {
	if _, err := w.exec(ctx, `INSERT INTO stream_state (node, epoch, stream, acked, high) VALUES (?1, ?2, ?3, 0, 0)
		ON CONFLICT DO NOTHING`, k.node, k.epoch, string(k.stream)); err != nil {
		return nil, err
	}
	var acked, high int64
	err := w.row(ctx, `SELECT acked, high FROM stream_state WHERE node = ?1 AND epoch = ?2 AND stream = ?3`+w.d.ForUpdate,
		k.node, k.epoch, string(k.stream)).Scan(&acked, &high)
	return &mark{uint64(acked), uint64(high)}, err
}

// Bounds of what an ack carries. What is left out comes with a later ack.
const (
	maxGaps  = 16
	maxNacks = 50
	maxAhead = 50_000 // records above the watermark that are looked at
)

// settle moves the watermark over what came before its time, finds the gaps above it and writes it down.
func (w *work) settle(ctx context.Context, k key, m *mark) (contract.Ack, error) {
	a := contract.Ack{Epoch: k.epoch}
	if m.acked < m.high {
		above, err := w.above(ctx, k, m.acked)
		if err != nil {
			return a, err
		}
		lost, err := w.lost(ctx, k, m.acked)
		if err != nil {
			return a, err
		}
		m.acked, a.Gaps = walk(m.acked, append(above, lost...))
	}
	a.Ack = m.acked
	_, err := w.exec(ctx, `UPDATE stream_state SET acked = ?1, high = ?2 WHERE node = ?3 AND epoch = ?4 AND stream = ?5`,
		int64(m.acked), int64(m.high), k.node, k.epoch, string(k.stream))
	return a, err
}

// walk goes from acked through the inclusive ranges above it, which may overlap.
func walk(acked uint64, above [][2]uint64) (uint64, [][2]uint64) {
	slices.SortFunc(above, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	var gaps [][2]uint64
	last := acked
	for _, r := range above {
		if r[0] > last+1 && len(gaps) < maxGaps {
			gaps = append(gaps, [2]uint64{last + 1, r[0] - 1})
		}
		if r[0] <= acked+1 {
			acked = max(acked, r[1])
		}
		last = max(last, r[1])
	}
	return acked, gaps
}

func (w *work) above(ctx context.Context, k key, acked uint64) ([][2]uint64, error) {
	return ranges(w.rows(ctx, `SELECT seq, seq FROM record WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND seq > ?4
		UNION SELECT seq, seq FROM quarantine WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND seq > ?4 ORDER BY 1 LIMIT ?5`,
		k.node, k.epoch, string(k.stream), int64(acked), maxAhead))
}

// lost is what the node has said will never come.
func (w *work) lost(ctx context.Context, k key, acked uint64) ([][2]uint64, error) {
	return ranges(w.rows(ctx, `SELECT first, last FROM lost WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND last > ?4`,
		k.node, k.epoch, string(k.stream), int64(acked)))
}

func ranges(rows *sql.Rows, err error) ([][2]uint64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][2]uint64
	for rows.Next() {
		var first, last int64
		if err := rows.Scan(&first, &last); err != nil {
			return nil, err
		}
		out = append(out, [2]uint64{uint64(first), uint64(last)})
	}
	return out, rows.Err()
}

// nacks are the newest of the stream: a retained ack replaces the one before it, so each must tell again.
func (w *work) nacks(ctx context.Context, k key) ([]contract.Nack, error) {
	rows, err := w.rows(ctx, `SELECT seq, code, text FROM quarantine WHERE node = ?1 AND epoch = ?2 AND stream = ?3
		ORDER BY seq DESC LIMIT ?4`, k.node, k.epoch, string(k.stream), maxNacks)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []contract.Nack
	for rows.Next() {
		var seq int64
		var n contract.Nack
		if err := rows.Scan(&seq, &n.Code, &n.Text); err != nil {
			return nil, err
		}
		n.Seq = uint64(seq)
		out = append(out, n)
	}
	slices.Reverse(out)
	return out, rows.Err()
}
