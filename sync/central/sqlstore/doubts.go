package sqlstore

import (
	"context"
	"encoding/json"
	"slices"

	"tally/sync/contract"
)

// doubtLayout has the orders whose end their counter does not know, and what is said of them. A word is kept under what it
// names, so that it counts once, whenever it comes.
const doubtLayout = `
CREATE TABLE doubt (
	order_id TEXT NOT NULL, account TEXT NOT NULL, node TEXT NOT NULL, at TEXT NOT NULL,
	body TEXT NOT NULL, -- empty: its end came first
	ended SMALLINT NOT NULL,
	PRIMARY KEY (order_id));
CREATE INDEX doubt_open ON doubt (account, ended);
CREATE TABLE doubt_word (
	order_id TEXT NOT NULL, kind TEXT NOT NULL, want TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (order_id, kind, want));
`

// doubted keeps an order in doubt; of the same one the newest word counts. What has an end keeps it.
func (w *work) doubted(ctx context.Context, k key, at string, f *contract.OrderInDoubt) error {
	account, order := printable(f.Account), printable(f.Order)
	if account == "" || order == "" {
		return nil
	}
	// It says nothing of what is on the card.
	if err := w.onCard(ctx, k.node, cardWord{account: account, region: f.Region, at: at}); err != nil {
		return err
	}
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO doubt (order_id, account, node, at, body, ended) VALUES (?1, ?2, ?3, ?4, ?5, 0)
		ON CONFLICT (order_id) DO UPDATE SET account = ?2, node = ?3, at = ?4, body = ?5 WHERE doubt.at < ?4`,
		order, account, k.node, at, printable(string(body)))
	return err
}

// ended notes that an order that was in doubt has an end, told by its own counter.
func (w *work) ended(ctx context.Context, k key, account, order string) error {
	account, order = printable(account), printable(order)
	if account == "" || order == "" {
		return nil
	}
	if err := w.touch(ctx, account, k.node); err != nil {
		return err
	}
	_, err := w.exec(ctx, `INSERT INTO doubt (order_id, account, node, at, body, ended) VALUES (?1, ?2, ?3, '', '', 1)
		ON CONFLICT (order_id) DO UPDATE SET ended = 1`, order, account, k.node)
	return err
}

// witnessed keeps what another counter read on the card, which says of the card what a sale would.
func (w *work) witnessed(ctx context.Context, k key, at string, f *contract.OrderWitnessed) error {
	err := w.onCard(ctx, k.node, cardWord{
		account: printable(f.Account), region: f.Region, card: printable(f.Card), issue: f.CardIssue, seq: f.CardSeq, cum: f.CardCum, qty: f.CardQty,
		tag: printable(f.CardTag), unit: printable(f.CardUnit), at: at,
	})
	if err != nil {
		return err
	}
	return w.word(ctx, f.Order, contract.TypeOrderWitnessed, "", at, f)
}

// handed keeps who wants an order, to whom it was given, and who has returned it.
func (w *work) handed(ctx context.Context, k key, typ, at string, f *contract.HandOver) error {
	if f.Account == "" {
		return nil
	}
	if err := w.touch(ctx, printable(f.Account), k.node); err != nil {
		return err
	}
	return w.word(ctx, f.Order, typ, f.Want, at, f)
}

func (w *work) word(ctx context.Context, order, kind, want, at string, f any) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO doubt_word (order_id, kind, want, at, body) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING`,
		printable(order), kind, printable(want), at, printable(string(body)))
	return err
}

// deltaDoubts fills in the orders of the account that have no end yet. Their own node knows what they would write.
func (w *work) deltaDoubts(ctx context.Context, d *contract.AccountDelta, node string) error {
	rows, err := w.rows(ctx, `SELECT node, body FROM doubt WHERE account = ?1 AND ended = 0 AND body <> '' ORDER BY order_id`, d.Account)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var from, body string
		var o contract.OpenDoubt
		if err := rows.Scan(&from, &body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &o.Doubt); err != nil {
			return err
		}
		if from == node {
			o.Doubt.Plan = nil
		}
		d.Doubts = append(d.Doubts, o)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for i := range d.Doubts {
		if err := w.words(ctx, &d.Doubts[i]); err != nil {
			return err
		}
	}
	return nil
}

// words fills in what is said of an order in doubt.
func (w *work) words(ctx context.Context, o *contract.OpenDoubt) error {
	rows, err := w.rows(ctx, `SELECT kind, want, body FROM doubt_word WHERE order_id = ?1 ORDER BY at, want`, o.Doubt.Order)
	if err != nil {
		return err
	}
	defer rows.Close()
	var given []string
	for rows.Next() {
		var kind, want, body string
		if err := rows.Scan(&kind, &want, &body); err != nil {
			return err
		}
		switch kind {
		case contract.TypeOrderWitnessed:
			err = json.Unmarshal([]byte(body), &o.Seen)
		case contract.TypeOrderWanted:
			var h contract.HandOver
			err = json.Unmarshal([]byte(body), &h)
			o.Wanted = append(o.Wanted, h)
		case contract.TypeOrderGiven:
			given = append(given, want)
		case contract.TypeOrderReturned:
			o.Returned = append(o.Returned, want)
		}
		if err != nil {
			return err
		}
	}
	for _, g := range given {
		if !slices.Contains(o.Returned, g) {
			o.Given = g
		}
	}
	o.Wanted = slices.DeleteFunc(o.Wanted, func(h contract.HandOver) bool {
		return slices.Contains(given, h.Want) || slices.Contains(o.Returned, h.Want)
	})
	return rows.Err()
}

// project of orders in doubt; false for a record of another kind.
func (w *work) projectDoubt(ctx context.Context, k key, typ, at string, fact any) (bool, error) {
	switch f := fact.(type) {
	case *contract.OrderInDoubt:
		return true, w.doubted(ctx, k, at, f)
	case *contract.OrderWitnessed:
		return true, w.witnessed(ctx, k, at, f)
	case *contract.HandOver:
		return true, w.handed(ctx, k, typ, at, f)
	case *contract.Sale:
		if f.WasInDoubt {
			return false, w.ended(ctx, k, f.Account, f.Order)
		}
	case *contract.CardOperation:
		if f.WasInDoubt {
			return false, w.ended(ctx, k, f.Account, f.Order)
		}
	}
	return false, nil
}
