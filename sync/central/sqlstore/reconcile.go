package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// zone is that of business days.
var zone = time.FixedZone("UTC+8", 8*60*60)

// span is the time of a query, as texts that compare: every time when no day is named.
type span struct{ node, from, to string }

func spanOf(q central.Query) (span, error) {
	if q.Day == "" {
		return span{q.Node, "", "9999"}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, q.Day, zone)
	if err != nil {
		return span{}, fmt.Errorf("reconcile: %.20q is not a day", q.Day)
	}
	return span{q.Node, stamp(day), stamp(day.AddDate(0, 0, 1))}, nil
}

// Reconcile compares what nodes have stated and signed with what is stored (对账), and the streams with themselves. A
// statement about records that are still to come differs until they are here.
func (s *Store) Reconcile(ctx context.Context, q central.Query) (central.Report, error) {
	r := central.Report{Day: q.Day, Findings: []central.Finding{}}
	sp, err := spanOf(q)
	if err != nil {
		return r, err
	}
	err = s.reading(ctx, func(w *work) error {
		if r.Accounts, err = w.accountsOf(ctx, sp); err != nil {
			return err
		}
		for _, f := range []func(context.Context, span) ([]central.Finding, error){w.sums, w.heads, w.signed, w.streams, w.silent, w.contradicted} {
			more, err := f(ctx, sp)
			if err != nil {
				return err
			}
			r.Findings = append(r.Findings, more...)
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("reconcile: %w", err)
	}
	return r, nil
}

// KeepReport keeps what was found for a day; the report before is replaced.
func (s *Store) KeepReport(ctx context.Context, r central.Report, now time.Time) error {
	findings, err := json.Marshal(r.Findings)
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	compared := 0
	for _, a := range r.Accounts {
		compared += a.Statements + a.Heads
	}
	_, err = s.db.ExecContext(ctx, s.dialect.query(`INSERT INTO reconciliation (node, day, made, compared, findings) VALUES ('', ?1, ?2, ?3, ?4)
		ON CONFLICT (node, day) DO UPDATE SET made = ?2, compared = ?3, findings = ?4`), r.Day, stamp(now), int64(compared), string(findings))
	if err != nil {
		return fmt.Errorf("keep report: %w", err)
	}
	return nil
}

// Reconciled says whether a day has a report.
func (s *Store) Reconciled(ctx context.Context, day string) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, s.dialect.query("SELECT COUNT(*) FROM reconciliation WHERE node = '' AND day = ?1"), day).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a report: %w", err)
	}
	return n > 0, nil
}

// among bounds a question to the nodes and the time of a span: parameters 1, 2 and 3.
func among(node, at string) string {
	return "(?1 = '' OR " + node + " = ?1) AND " + at + " >= ?2 AND " + at + " < ?3"
}

func (sp span) args() []any { return []any{sp.node, sp.from, sp.to} }

func (w *work) accountsOf(ctx context.Context, sp span) ([]central.Account, error) {
	from, to := sp.halves()
	rows, err := w.rows(ctx, `SELECT k.node,
		(SELECT COUNT(*) FROM statement t WHERE t.node = k.node AND `+among("t.node", "t.from_at")+`),
		(SELECT COUNT(*) FROM audit_head h WHERE h.node = k.node AND `+among("h.node", "h.at")+`),
		(SELECT COUNT(*) FROM sale s WHERE s.node = k.node AND s.kind = 'sale' AND `+among("s.node", "s.at")+`),
		(SELECT CAST(COALESCE(SUM(volume_l), 0) AS BIGINT) FROM sale s WHERE s.node = k.node AND s.kind = 'sale' AND `+among("s.node", "s.at")+`),
		(SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM sale s WHERE s.node = k.node AND s.kind = 'sale' AND `+among("s.node", "s.at")+`),
		(SELECT COUNT(*) FROM sale s WHERE s.node = k.node AND s.kind = 'refund' AND `+among("s.node", "s.at")+`),
		(SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM sale s WHERE s.node = k.node AND s.kind = 'refund' AND `+among("s.node", "s.at")+`),
		(SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM reading_count c WHERE c.node = k.node AND c.half >= ?4 AND c.half < ?5)
		FROM (SELECT DISTINCT node FROM stream_state WHERE ?1 = '' OR node = ?1) k ORDER BY 1`, append(sp.args(), from, to)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []central.Account{}
	for rows.Next() {
		var a central.Account
		if err := rows.Scan(&a.Node, &a.Statements, &a.Heads, &a.Sales, &a.VolumeL, &a.AmountFen, &a.Refunds, &a.RefundFen, &a.Readings); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// sums compares sales by their number, volume and amount. Of several statements of a day the newest counts: a sale came
// after the day was stated, by a clock that had gone back over midnight.
func (w *work) sums(ctx context.Context, sp span) ([]central.Finding, error) {
	return w.findings(ctx, central.FindingSums, `
		SELECT t.node, t.epoch, t.seq, 'sales, litres, fen: the node counts ' || t.sales || ', ' || t.volume_l || ', ' || t.amount_fen
			|| ', here are ' || COUNT(s.seq) || ', ' || COALESCE(SUM(s.volume_l), 0) || ', ' || COALESCE(SUM(s.amount_fen), 0)
		FROM statement t LEFT JOIN sale s
			ON s.node = t.node AND s.epoch = t.epoch AND s.at >= t.from_at AND s.at < t.to_at AND s.kind = 'sale'
		WHERE `+among("t.node", "t.from_at")+` AND NOT EXISTS (SELECT 1 FROM statement n
			WHERE n.node = t.node AND n.epoch = t.epoch AND n.from_at = t.from_at AND n.to_at = t.to_at AND n.seq > t.seq)
		GROUP BY t.node, t.epoch, t.seq, t.sales, t.volume_l, t.amount_fen
		HAVING COUNT(s.seq) <> t.sales OR COALESCE(SUM(s.volume_l), 0) <> t.volume_l OR COALESCE(SUM(s.amount_fen), 0) <> t.amount_fen
		ORDER BY 1, 2, 3`, sp.args()...)
}

// heads compares the hash of the records that statements and signed heads name. The chain makes one stand for all before
// it.
func (w *work) heads(ctx context.Context, sp span) ([]central.Finding, error) {
	rows, err := w.rows(ctx, `SELECT h.node, h.epoch, h.seq, h.stream, h.upto, h.sha256, r.raw FROM (
			SELECT x.node, x.epoch, x.seq, x.stream, x.upto, x.sha256, t.from_at AS at FROM statement_head x
				JOIN statement t ON t.node = x.node AND t.epoch = x.epoch AND t.seq = x.seq
			UNION ALL SELECT node, epoch, seq, stream, upto, sha256, at FROM audit_head WHERE upto > 0) h
		LEFT JOIN record r ON r.node = h.node AND r.epoch = h.epoch AND r.stream = h.stream AND r.seq = h.upto
		WHERE `+among("h.node", "h.at")+` ORDER BY 1, 2, 3, 4`, sp.args()...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []central.Finding
	for rows.Next() {
		var f central.Finding
		var stream, sha string
		var seq, upto int64
		var raw []byte
		if err := rows.Scan(&f.Node, &f.Epoch, &seq, &stream, &upto, &sha, &raw); err != nil {
			return nil, err
		}
		f.Seq = uint64(seq)
		switch {
		case raw == nil:
			f.Code, f.Text = central.FindingAbsent, fmt.Sprintf("record %s/%d is not here", stream, upto)
		case contract.Hash(raw) != sha:
			f.Code, f.Text = central.FindingHead, fmt.Sprintf("record %s/%d is another one here", stream, upto)
		default:
			continue
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// signed tells heads whose signature is not sound, and nodes that have changed their key within an epoch.
func (w *work) signed(ctx context.Context, sp span) ([]central.Finding, error) {
	bad, err := w.findings(ctx, central.FindingSignature, `SELECT DISTINCT h.node, h.epoch, h.seq, h.trouble FROM audit_head h
		WHERE h.trouble <> '' AND `+among("h.node", "h.at")+` ORDER BY 1, 2, 3`, sp.args()...)
	if err != nil {
		return nil, err
	}
	keys, err := w.findings(ctx, central.FindingKey, `SELECT k.node, k.epoch, 0, 'heads are signed by ' || COUNT(*) || ' different keys' FROM node_key k
		WHERE ?1 = '' OR k.node = ?1 GROUP BY k.node, k.epoch HAVING COUNT(*) > 1 ORDER BY 1, 2`, sp.node)
	return append(bad, keys...), err
}

// streams looks for records that do not continue the one before, for watermarks that have something missing below, and for
// what waits for a person.
func (w *work) streams(ctx context.Context, sp span) ([]central.Finding, error) {
	breaks, err := w.findings(ctx, central.FindingBreak, `SELECT r.node, r.epoch, 0, 'record ' || r.stream || '/' || r.seq || ' does not continue the record before'
		FROM record r WHERE r.chained = 0 AND `+among("r.node", "r.received")+` ORDER BY 1, 2, 4`, sp.args()...)
	if err != nil {
		return nil, err
	}
	missing, err := w.short(ctx, sp)
	if err != nil {
		return nil, err
	}
	held, err := w.findings(ctx, central.FindingQuarantine, `SELECT q.node, q.epoch, 0, q.stream || ': ' || COUNT(*) || ' in quarantine, ' || q.code
		FROM quarantine q WHERE `+among("q.node", "q.received")+` GROUP BY q.node, q.epoch, q.stream, q.code ORDER BY 1, 2, 4`, sp.args()...)
	return append(append(breaks, missing...), held...), err
}

// recent is how far below a watermark the report of a day counts: more than a node has ever to tell of one day. Without a day
// everything is counted.
const recent = 200_000

// short are watermarks that have something missing below.
func (w *work) short(ctx context.Context, sp span) ([]central.Finding, error) {
	depth := int64(recent)
	if sp.from == "" {
		depth = contract.MaxSeq
	}
	return w.findings(ctx, central.FindingShort, `SELECT m.node, m.epoch, 0, m.stream || ': ' || m.acked || ' are acknowledged, and fewer are here'
		FROM (SELECT node, epoch, stream, acked, CASE WHEN acked > ?2 THEN acked - ?2 ELSE 0 END AS low FROM stream_state WHERE ?1 = '' OR node = ?1) m
		WHERE m.acked - m.low > (SELECT COUNT(*) FROM record r
				WHERE r.node = m.node AND r.epoch = m.epoch AND r.stream = m.stream AND r.seq > m.low AND r.seq <= m.acked)
			+ (SELECT COUNT(DISTINCT q.seq) FROM quarantine q
				WHERE q.node = m.node AND q.epoch = m.epoch AND q.stream = m.stream AND q.seq > m.low AND q.seq <= m.acked)
			+ (SELECT COALESCE(SUM(CASE WHEN l.last < m.acked THEN l.last ELSE m.acked END - CASE WHEN l.first > m.low THEN l.first - 1 ELSE m.low END), 0)
				FROM lost l WHERE l.node = m.node AND l.epoch = m.epoch AND l.stream = m.stream AND l.last > m.low AND l.first <= m.acked)
		ORDER BY 1, 2, 4`, sp.node, depth)
}

// silent are nodes that sold on the day and made no statement for it.
func (w *work) silent(ctx context.Context, sp span) ([]central.Finding, error) {
	if sp.from == "" {
		return nil, nil
	}
	return w.findings(ctx, central.FindingSilent, `SELECT s.node, s.epoch, 0, COUNT(*) || ' sales and no statement' FROM sale s
		WHERE `+among("s.node", "s.at")+` AND NOT EXISTS (SELECT 1 FROM statement t WHERE t.node = s.node AND t.from_at >= ?2 AND t.from_at < ?3)
		GROUP BY s.node, s.epoch ORDER BY 1, 2`, sp.args()...)
}

func (w *work) findings(ctx context.Context, code, query string, args ...any) ([]central.Finding, error) {
	rows, err := w.rows(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []central.Finding
	for rows.Next() {
		f := central.Finding{Code: code}
		var seq int64
		if err := rows.Scan(&f.Node, &f.Epoch, &seq, &f.Text); err != nil {
			return nil, err
		}
		f.Seq = uint64(seq)
		found = append(found, f)
	}
	return found, rows.Err()
}
