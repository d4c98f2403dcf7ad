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
func (w *work) doubted(ctx context.Context, k key, seq uint64, at string, f *contract.OrderInDoubt) error {
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
	_, err = w.exec(ctx, `INSERT INTO doubt (order_id, account, node, at, body, ended, epoch, seq, told) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8)
		ON CONFLICT (order_id) DO UPDATE SET account = ?2, node = ?3, at = ?4, body = ?5, epoch = ?6, seq = ?7, told = ?8 WHERE doubt.at < ?4`,
		order, account, k.node, at, printable(string(body)), k.epoch, int64(seq), w.now)
	if err != nil {
		return err
	}
	return w.unheard(ctx, account, order)
}

// ended notes that an order that was in doubt has an end, told by its own counter.
func (w *work) ended(ctx context.Context, k key, seq uint64, typ, at, account, order string) error {
	account, order = printable(account), printable(order)
	if account == "" || order == "" {
		return nil
	}
	if err := w.touch(ctx, account, k.node); err != nil {
		return err
	}
	_, err := w.exec(ctx, `INSERT INTO doubt (order_id, account, node, at, body, ended, ended_as, ended_epoch, ended_seq, ended_at, ended_told)
		VALUES (?1, ?2, ?3, '', '', 1, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (order_id) DO UPDATE
		SET ended = 1, ended_as = ?4, ended_epoch = ?5, ended_seq = ?6, ended_at = ?7, ended_told = ?8 WHERE doubt.ended_as = ''`,
		order, account, k.node, typ, k.epoch, int64(seq), at, w.now)
	if err != nil {
		return err
	}
	return w.unheard(ctx, account, order)
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
	return w.word(ctx, k, f.Order, contract.TypeOrderWitnessed, "", at, f)
}

// handed keeps who wants an order, to whom it was given, and who has returned it.
func (w *work) handed(ctx context.Context, k key, typ, at string, f *contract.HandOver) error {
	if f.Account == "" {
		return nil
	}
	if err := w.touch(ctx, printable(f.Account), k.node); err != nil {
		return err
	}
	return w.word(ctx, k, f.Order, typ, f.Want, at, f)
}

// word keeps one thing that is said of an order; a key without a node is the centre's own.
func (w *work) word(ctx context.Context, k key, order, kind, want, at string, f any) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO doubt_word (order_id, kind, want, at, body, node, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
		printable(order), kind, printable(want), at, printable(string(body)), k.node, w.now)
	return err
}

// deltaDoubts fills in the orders of the account that have no end yet, and for their own node those whose ruling it has not
// answered. That one knows what they would write, unless it runs on another ledger.
func (w *work) deltaDoubts(ctx context.Context, d *contract.AccountDelta, node string) error {
	found, err := w.doubts(ctx, `d.account = ?1 AND (d.ended = 0 OR d.node = ?2 AND EXISTS (SELECT 1 FROM ruling r WHERE r.order_id = d.order_id))`,
		d.Account, node)
	if err != nil {
		return err
	}
	for _, f := range found {
		if o, tell := f.tell(node); tell {
			d.Doubts = append(d.Doubts, o)
		}
	}
	return nil
}

// tell is what a node is told of an order in doubt.
func (d doubt) tell(node string) (contract.OpenDoubt, bool) {
	own := d.Node == node
	o := contract.OpenDoubt{Doubt: d.order, Seen: d.witness, Wanted: d.Wanted, Returned: d.returned}
	if own && (d.epoch == "" || d.epoch == d.nodeEpoch || d.nodeEpoch == "") {
		o.Doubt.Plan = nil
	}
	if d.Given != nil {
		o.Given = d.Given.Want
	}
	if n := len(d.Rulings); n > 0 {
		o.Ruled = &d.Rulings[n-1]
	}
	switch {
	case d.ended:
		return o, own && !d.answered()
	case d.closed():
		return o, own
	}
	return o, true
}

// answered reports whether its own node has heard of the newest ruling.
func (d doubt) answered() bool {
	n := len(d.Rulings)
	return n == 0 || slices.ContainsFunc(d.Answers, func(a contract.OrderRuled) bool {
		return contract.Ruling{Do: a.Do, Want: a.Want}.Name() == d.Rulings[n-1].Name()
	})
}

// project of orders in doubt; false for a record of another kind.
func (w *work) projectDoubt(ctx context.Context, k key, seq uint64, typ, at string, fact any) (bool, error) {
	switch f := fact.(type) {
	case *contract.OrderInDoubt:
		return true, w.doubted(ctx, k, seq, at, f)
	case *contract.OrderWitnessed:
		return true, w.witnessed(ctx, k, at, f)
	case *contract.HandOver:
		return true, w.handed(ctx, k, typ, at, f)
	case *contract.OrderRuled:
		return true, w.ruledBy(ctx, k, at, f)
	case *contract.Sale:
		if f.WasInDoubt {
			return false, w.ended(ctx, k, seq, typ, at, f.Account, f.Order)
		}
	case *contract.CardOperation:
		if f.WasInDoubt {
			return false, w.ended(ctx, k, seq, typ, at, f.Account, f.Order)
		}
	}
	return false, nil
}
