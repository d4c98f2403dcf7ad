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

// Rule decides about an order in doubt in the place of its own node, which is gone; the error is a central.Unruled where
// that may not be. The same decision again is the one before. Of several at once one is taken: everybody who says something
// of an order in doubt waits for the same row first.
func (s *Store) Rule(ctx context.Context, r central.Rule, now time.Time) (ruling contract.Ruling, err error) {
	err = s.within(ctx, now, func(w *work) error {
		if err := w.serialise(ctx); err != nil {
			return err
		}
		d, err := w.doubtOf(ctx, r.Order)
		if err != nil {
			return err
		}
		if same := standing(d, r); same != nil {
			ruling = *same
			return nil
		}
		if ruling, err = d.ruling(r); err != nil {
			return err
		}
		ruling.At = contract.At(w.at)
		return w.keepRuling(ctx, d, r, ruling)
	})
	if err != nil {
		return ruling, fmt.Errorf("decide about an order in doubt: %w", err)
	}
	return ruling, nil
}

// doubtOf reads an order in doubt with what is said of it.
func (w *work) doubtOf(ctx context.Context, order string) (doubt, error) {
	found, err := w.doubts(ctx, "d.order_id = ?1", order)
	switch {
	case err != nil:
		return doubt{}, err
	case len(found) == 0:
		return doubt{}, central.RuleUnknown
	}
	return found[0], nil
}

// standing is the ruling that says already what is wanted; nil when there is none.
func standing(d doubt, r central.Rule) *contract.Ruling {
	if len(d.Rulings) == 0 {
		return nil
	}
	last := d.Rulings[len(d.Rulings)-1]
	if last.Do != r.Do || last.Station != r.Station {
		return nil
	}
	if !last.Closes() && (d.Given == nil || d.Given.Want != last.Want) {
		return nil // it was returned: the counter asks anew
	}
	return &last
}

// ruling is what is decided, or why it is not. The right to write the order or to give its money back lies in one place:
// with its own node, with the counter that it was given to, or, when its own node is gone, here.
func (d doubt) ruling(r central.Rule) (contract.Ruling, error) {
	out := contract.Ruling{Do: r.Do, By: printable(r.By), Because: printable(r.Because)}
	switch {
	case d.Ended != "" || d.ended:
		return out, central.RuleEnded
	case d.closed():
		return out, central.RuleClosed
	case d.Seen != "" && r.Do != contract.RuleWritten:
		return out, central.RuleSeen
	case d.Given != nil:
		return out, central.RuleGivenOut
	}
	if err := d.lost(r.NodeIsLost); err != nil {
		return out, err
	}
	switch r.Do {
	case contract.RuleGiven:
		return d.giving(r, out)
	case contract.RuleWritten:
		if !slices.Contains([]string{"buy", "refund", "make_up"}, d.Op) {
			return out, central.RuleNotCard
		}
	case contract.RuleRefunded, contract.RuleNotWritten:
	default:
		return out, fmt.Errorf("no such decision: %.20q", r.Do)
	}
	return out, nil
}

// closed: the centre has said that nobody writes the order any more.
func (d doubt) closed() bool {
	return len(d.Rulings) > 0 && d.Rulings[len(d.Rulings)-1].Closes()
}

// lost refuses to take the right from a node that may be there. One that says to be there and has not been heard of for as
// long as lost ones is what a broker remembers of it: a node that is there says so every minute.
func (d doubt) lost(said bool) error {
	lately := d.Heard != nil && d.now.Sub(d.Heard.Time) < central.LostAfter
	switch {
	case d.Replaced && !said:
		return central.RuleReplaced
	case d.Replaced:
		return nil
	case d.Online && lately:
		return central.RuleOnline
	case lately && !said:
		return central.RuleHeard
	}
	return nil
}

// giving agrees to what a counter has asked for.
func (d doubt) giving(r central.Rule, out contract.Ruling) (contract.Ruling, error) {
	if !d.Judged || d.Op != "buy" && d.Op != "make_up" {
		return out, central.RuleNotToGive
	}
	i := slices.IndexFunc(d.Wanted, func(h contract.HandOver) bool { return h.Station == r.Station })
	if i < 0 {
		return out, central.RuleNotAsked
	}
	out.Want, out.Station = d.Wanted[i].Want, r.Station
	return out, nil
}

// keepRuling makes a decision known: to the counter that waits for it, and to the order's own node, should it come back.
func (w *work) keepRuling(ctx context.Context, d doubt, r central.Rule, ruling contract.Ruling) error {
	heard := ""
	if d.Heard != nil {
		heard = stamp(d.Heard.Time)
	}
	_, err := w.exec(ctx, `INSERT INTO ruling (order_id, n, do_what, want, station, by_whom, because, at, heard, forced)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`, d.Order, int64(len(d.Rulings)+1), ruling.Do, ruling.Want, ruling.Station,
		ruling.By, ruling.Because, w.now, heard, int64(count(r.NodeIsLost)))
	if err != nil {
		return err
	}
	switch ruling.Do {
	case contract.RuleGiven:
		h := contract.HandOver{Order: d.Order, Account: d.Account, Want: ruling.Want, Station: ruling.Station, Operator: ruling.By}
		if err := w.word(ctx, key{}, d.Order, contract.TypeOrderGiven, ruling.Want, w.now, h); err != nil {
			return err
		}
	case contract.RuleWritten: // it is on the card, whoever has read it
		if err := w.onCard(ctx, "", d.card(w.now)); err != nil {
			return err
		}
	}
	return w.touch(ctx, d.Account, "")
}

// card is what an order says of its card when it is written.
func (d doubt) card(at string) cardWord {
	o := d.order
	return cardWord{
		account: d.Account, region: o.Region, card: printable(o.Card), issue: o.CardIssue, seq: o.CardSeq, cum: o.CardCum, qty: o.CardQty,
		tag: printable(o.CardTag), unit: printable(o.CardUnit), at: at,
	}
}

// unheard numbers an order's account as changed when its node says something of it and has not answered a ruling: it could
// not obey before, and is told again.
func (w *work) unheard(ctx context.Context, account, order string) error {
	var n int64
	err := w.row(ctx, `SELECT COUNT(*) FROM ruling r WHERE r.order_id = ?1 AND r.n = (SELECT MAX(n) FROM ruling WHERE order_id = ?1) AND NOT `+answered, order).Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	return w.touch(ctx, account, "")
}

// answered: the order's own node has heard of ruling r.
const answered = `EXISTS (SELECT 1 FROM doubt_word a WHERE a.order_id = r.order_id AND a.kind = '` + contract.TypeOrderRuled + `' AND a.want = r.do_what || ' ' || r.want)`

// rulings are what was decided about an order, oldest first.
func (w *work) rulings(ctx context.Context, order string) ([]contract.Ruling, error) {
	rows, err := w.rows(ctx, "SELECT do_what, want, station, by_whom, because, at FROM ruling WHERE order_id = ?1 ORDER BY n", order)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []contract.Ruling
	for rows.Next() {
		var r contract.Ruling
		var at string
		if err := rows.Scan(&r.Do, &r.Want, &r.Station, &r.By, &r.Because, &at); err != nil {
			return nil, err
		}
		r.At = moment(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

// ruledBy keeps a node's answer to a ruling.
func (w *work) ruledBy(ctx context.Context, k key, at string, f *contract.OrderRuled) error {
	if f.Account == "" {
		return nil
	}
	if err := w.touch(ctx, printable(f.Account), k.node); err != nil {
		return err
	}
	return w.word(ctx, k, f.Order, contract.TypeOrderRuled, contract.Ruling{Do: f.Do, Want: f.Want}.Name(), at, f)
}

// decode is for bodies that were stored by word.
func decode[T any](body string) (v T, err error) {
	err = json.Unmarshal([]byte(body), &v)
	return v, err
}
