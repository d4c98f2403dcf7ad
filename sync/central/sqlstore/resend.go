package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// maxResend is the most records that one request names: what a node reads again and sends beside its live data.
const maxResend = 20_000

// AskAgain finds what nodes were told to be committed and what is not here, and commands them to send it again. A node
// lets go of records only on the centre's word, so this is the work of a database that was restored from a backup. A
// gap that was asked for is asked for again when its command is over and the gap is not.
func (s *Store) AskAgain(ctx context.Context, sign central.Signer, now time.Time) ([]central.Gap, error) {
	gaps, err := s.missing(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("look for lost records: %w", err)
	}
	for i, g := range gaps {
		if err := s.within(ctx, now, func(w *work) error { return w.ask(ctx, g, sign) }); err != nil {
			return gaps[:i], fmt.Errorf("ask %s for lost records: %w", g.Node, err)
		}
	}
	return gaps, nil
}

// missing is the first gap of each stream that nothing is being done about.
func (s *Store) missing(ctx context.Context, now time.Time) ([]central.Gap, error) {
	var gaps []central.Gap
	err := s.reading(ctx, func(w *work) error {
		candidates, err := w.behind(ctx, stamp(now))
		if err != nil {
			return err
		}
		for _, g := range candidates {
			above, err := w.above(ctx, key{g.Node, g.Epoch, g.Stream}, g.First-1)
			if err != nil {
				return err
			}
			if len(above) > 0 && above[0][0] <= g.Last {
				g.Last = above[0][0] - 1
			}
			g.Last = min(g.Last, g.First+maxResend-1)
			gaps = append(gaps, g)
		}
		return nil
	})
	return gaps, err
}

// behind are the streams of which a node says in its present epoch that more was acknowledged than is.
func (w *work) behind(ctx context.Context, now string) ([]central.Gap, error) {
	rows, err := w.rows(ctx, `SELECT n.node, n.epoch, t.stream, COALESCE(s.acked, 0) + 1, t.acked
		FROM node n JOIN node_stream t ON t.node = n.node
		LEFT JOIN stream_state s ON s.node = n.node AND s.epoch = n.epoch AND s.stream = t.stream
		WHERE n.online = 1 AND t.acked > COALESCE(s.acked, 0) AND NOT EXISTS (
			SELECT 1 FROM resend r JOIN command c ON c.id = r.command
			WHERE r.node = n.node AND r.epoch = n.epoch AND r.stream = t.stream AND c.finished = '' AND c.expires > ?1)
		ORDER BY 1, 3`, now)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []central.Gap
	for rows.Next() {
		var g central.Gap
		var stream string
		var first, last int64
		if err := rows.Scan(&g.Node, &g.Epoch, &stream, &first, &last); err != nil {
			return nil, err
		}
		g.Stream, g.First, g.Last = contract.Stream(stream), uint64(first), uint64(last)
		out = append(out, g)
	}
	return out, rows.Err()
}

// resendLife is how long a request may wait for its node; another follows.
const resendLife = 24 * time.Hour

func (w *work) ask(ctx context.Context, g central.Gap, sign central.Signer) error {
	args, err := json.Marshal(contract.ResendArgs{Stream: g.Stream, Epoch: g.Epoch, From: g.First, To: g.Last})
	if err != nil {
		return err
	}
	c, err := w.issue(ctx, central.Order{Node: g.Node, Type: contract.CommandResend, Args: args, Life: resendLife, Issuer: "centre"}, sign)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO resend (node, epoch, stream, first, last, command, asked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT DO NOTHING`, g.Node, g.Epoch, string(g.Stream), int64(g.First), int64(g.Last), c.ID, w.now)
	return err
}

// askedOf is the stream that a result speaks of, when it answers a request for lost records.
func (w *work) askedOf(ctx context.Context, node string, f *contract.CommandResult) (k key, asked bool, err error) {
	if f.Type != contract.CommandResend {
		return k, false, nil
	}
	err = w.row(ctx, "SELECT node, epoch, stream FROM resend WHERE command = ?1 AND node = ?2", printable(f.Command), node).
		Scan(&k.node, &k.epoch, &k.stream)
	return k, err == nil, ignoreNoRows(err)
}

// resent takes the node's word for what it does not have any more: the watermark must not wait for it.
func (w *work) resent(ctx context.Context, f *contract.CommandResult) error {
	var r contract.ResendResult
	if f.Outcome != contract.Done || json.Unmarshal(f.Result, &r) != nil || r.From > contract.MaxSeq {
		return nil
	}
	var k key
	var first, last int64
	err := w.row(ctx, "SELECT node, epoch, stream, first, last FROM resend WHERE command = ?1", printable(f.Command)).
		Scan(&k.node, &k.epoch, &k.stream, &first, &last)
	if err != nil { // a person's own request is answered to the person
		return ignoreNoRows(err)
	}
	last = min(last, int64(r.From)-1)
	if last < first || w.marks[k] == nil {
		return nil
	}
	_, err = w.exec(ctx, `INSERT INTO lost (node, epoch, stream, first, last, why, reported)
		VALUES (?1, ?2, ?3, ?4, ?5, 'not_kept', ?6) ON CONFLICT DO NOTHING`, k.node, k.epoch, string(k.stream), first, last, w.now)
	w.freed[k] = max(w.freed[k], uint64(last))
	return err
}
