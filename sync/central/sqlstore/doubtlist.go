package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// Doubts lists the orders in doubt whose own node has not told an end, oldest first; with all also those that have one and
// that the centre had decided about.
func (s *Store) Doubts(ctx context.Context, all bool) ([]central.Doubt, error) {
	which := "d.ended = 0"
	if all {
		which = "(d.ended = 0 OR EXISTS (SELECT 1 FROM ruling r WHERE r.order_id = d.order_id))"
	}
	out := []central.Doubt{}
	err := s.reading(ctx, func(w *work) error {
		found, err := w.doubts(ctx, which)
		for _, d := range found {
			out = append(out, d.Doubt)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list orders in doubt: %w", err)
	}
	return out, nil
}

// doubt is an order in doubt with what people do not see.
type doubt struct {
	central.Doubt
	order contract.OrderInDoubt
	ended bool
	now   time.Time // of the transaction

	epoch               string // of the record that told of it
	seq                 int64
	nodeEpoch           string // of the node now
	endedRecord, endedT string // the record of its end, and when that came
	endedEpoch          string
	endedAt             string
	words               []word
	witness             *contract.OrderWitnessed
	returned            []string // wants
}

// word is one thing that was said of an order.
type word struct{ kind, want, at, body, node, told string }

// doubts reads orders in doubt and all that was said of them.
func (w *work) doubts(ctx context.Context, where string, args ...any) ([]doubt, error) {
	rows, err := w.rows(ctx, `SELECT d.order_id, d.account, d.node, d.body, d.ended, d.epoch, d.seq, d.told, d.ended_as, d.ended_epoch, d.ended_seq, d.ended_at,
		d.ended_told, COALESCE(n.online, 0), COALESCE(n.epoch, ''), COALESCE(n.received, '')
		FROM doubt d LEFT JOIN node n ON n.node = d.node WHERE d.body <> '' AND `+where+` ORDER BY d.at, d.order_id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []doubt
	for rows.Next() {
		d, err := w.scanDoubt(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for i := range out {
		if err := w.further(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *work) scanDoubt(row scanner) (doubt, error) {
	d := doubt{now: w.at}
	var body, told, heard string
	var ended, endedSeq, online int64
	err := row.Scan(&d.Order, &d.Account, &d.Node, &body, &ended, &d.epoch, &d.seq, &told, &d.Ended, &d.endedEpoch, &endedSeq, &d.endedAt,
		&d.endedT, &online, &d.nodeEpoch, &heard)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal([]byte(body), &d.order); err != nil {
		return d, err
	}
	o := d.order
	d.ended, d.Online, d.Heard = ended == 1, online == 1, maybe(max(heard, told))
	d.endedRecord = fmt.Sprintf("%s/%d", contract.Tx, endedSeq)
	d.Op, d.Region, d.Card, d.VolumeL, d.Since, d.Station, d.Why, d.Judged = o.Op, o.Region, o.Card, o.VolumeL, o.IntentAt, o.Station, o.Why, len(o.Plan) > 0
	return d, nil
}

// further fills in what was said and decided of an order, and whether its node still has it.
func (w *work) further(ctx context.Context, d *doubt) (err error) {
	if d.Rulings, err = w.rulings(ctx, d.Order); err != nil {
		return err
	}
	if d.words, err = w.said(ctx, d.Order); err != nil {
		return err
	}
	if err := d.hear(); err != nil {
		return err
	}
	d.Replaced, err = w.replaced(ctx, *d)
	return err
}

func (w *work) said(ctx context.Context, order string) ([]word, error) {
	rows, err := w.rows(ctx, "SELECT kind, want, at, body, node, told FROM doubt_word WHERE order_id = ?1 ORDER BY at, want", order)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []word
	for rows.Next() {
		var x word
		if err := rows.Scan(&x.kind, &x.want, &x.at, &x.body, &x.node, &x.told); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// hear sorts what was said.
func (d *doubt) hear() error {
	var given, returned []contract.HandOver
	for _, x := range d.words {
		switch x.kind {
		case contract.TypeOrderWitnessed:
			seen, err := decode[contract.OrderWitnessed](x.body)
			if err != nil {
				return err
			}
			d.Seen, d.witness = seen.Station, &seen
		case contract.TypeOrderRuled:
			a, err := decode[contract.OrderRuled](x.body)
			if err != nil {
				return err
			}
			d.Answers = append(d.Answers, a)
		default:
			h, err := decode[contract.HandOver](x.body)
			if err != nil {
				return err
			}
			switch x.kind {
			case contract.TypeOrderWanted:
				d.Wanted = append(d.Wanted, h)
			case contract.TypeOrderGiven:
				given = append(given, h)
			case contract.TypeOrderReturned:
				returned = append(returned, h)
			}
		}
	}
	in := func(list []contract.HandOver, want string) bool {
		return slices.ContainsFunc(list, func(h contract.HandOver) bool { return h.Want == want })
	}
	for _, g := range given { // the last that was not returned
		if !in(returned, g.Want) {
			d.Given = &g
		}
	}
	for _, r := range returned {
		d.Returned, d.returned = append(d.Returned, r.Station), append(d.returned, r.Want)
	}
	d.Wanted = slices.DeleteFunc(d.Wanted, func(h contract.HandOver) bool { return in(given, h.Want) || in(returned, h.Want) })
	return nil
}

// replaced says whether the node provably runs on a ledger that does not have the order: it was set up anew, or restored
// from a backup of before the order. The first record of its epoch says which; until that is here nothing is proven.
func (w *work) replaced(ctx context.Context, d doubt) (bool, error) {
	if d.epoch == "" || d.nodeEpoch == "" || d.epoch == d.nodeEpoch {
		return false, nil
	}
	var typ string
	var raw []byte
	err := w.row(ctx, "SELECT type, raw FROM record WHERE node = ?1 AND epoch = ?2 AND stream = ?3 AND seq = 1", d.Node, d.nodeEpoch, string(contract.Ev)).Scan(&typ, &raw)
	if err != nil {
		return false, ignoreNoRows(err)
	}
	if typ != contract.TypeLedgerRestored {
		return true, nil
	}
	r, err := contract.ParseRecord(raw)
	if err != nil {
		return false, err
	}
	note, err := decode[contract.LedgerRestored](string(r.Body))
	if err != nil {
		return false, nil // nothing is proven by what cannot be read
	}
	old, ok := note.Streams[contract.Tx]
	// The word of it was not in the backup, nor was its intent, which lies before the word.
	return ok && note.OldEpoch == d.epoch && uint64(d.seq) > old.To && d.order.IntentAt.After(note.BackupAt.Time), nil
}
