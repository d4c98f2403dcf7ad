package sqlstore

import (
	"context"
	"encoding/json"

	"tally/sync/contract"
)

// Why a card is dead, as nodes say it.
const (
	deadReplaced = "replaced"
	deadRetired  = "retired"
)

// made are the operations after which a customer has another card, or none.
var made = map[string]bool{
	contract.TypeCardIssue: true, contract.TypeCardReissue: true, contract.TypeMeterChange: true, contract.TypeCardRetired: true,
}

// madeCard is what a card that was made, changed or retired means for other nodes.
func (w *work) madeCard(ctx context.Context, k key, typ, at string, f *contract.CardOperation) error {
	c := cardWord{
		account: printable(f.Account), region: f.Region, card: printable(f.Card), issue: f.CardIssue, seq: f.CardSeq, cum: f.CardCum,
		qty: f.CardQty, tag: printable(f.CardTag), unit: printable(f.CardUnit), meter: printable(f.Meter), at: at,
	}
	if c.account == "" || !made[typ] {
		return nil // a card of the utility's own, or one that was given up or has other prices
	}
	if err := w.onCard(ctx, k.node, c); err != nil {
		return err
	}
	if typ == contract.TypeCardRetired {
		if err := w.bury(ctx, c, f.CardIssue, deadRetired); err != nil {
			return err
		}
		_, err := w.exec(ctx, `UPDATE account_state SET cardless = 1, cardless_at = ?1 WHERE account = ?2 AND cardless_at < ?1`, at, c.account)
		return err
	}
	if f.OldCard == "" || f.OldCard == f.Card && f.OldRegion == f.Region {
		return nil // the same number with a higher issue count kills what was before it
	}
	old := cardWord{account: c.account, region: f.OldRegion, card: printable(f.OldCard), issue: f.OldIssue}
	return w.bury(ctx, old, f.OldIssue, deadReplaced)
}

// bury notes that a card must not be used any more, up to an issue count.
func (w *work) bury(ctx context.Context, c cardWord, issue uint8, why string) error {
	_, err := w.exec(ctx, `INSERT INTO card_state (account, region, card, issue, seq, cum, qty, tag, unit, at, dead, dead_why, lost, lost_at)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, '', '')
		ON CONFLICT (account, region, card) DO UPDATE SET dead = ?11, dead_why = ?12 WHERE card_state.dead < ?11`,
		c.account, int64(c.region), c.card, int64(c.issue), int64(c.seq), c.cum, c.qty, c.tag, c.unit, c.at, int64(issue), why)
	return err
}

// reported notes that a card is lost, or was found again; the latest word counts.
func (w *work) reported(ctx context.Context, k key, typ, at string, f *contract.CardReport) error {
	mark := ""
	if typ == contract.TypeCardLost {
		raw, err := json.Marshal(contract.Mark{Reason: printable(f.Reason), By: printable(f.By), At: f.At})
		if err != nil {
			return err
		}
		mark = string(raw)
	}
	account, card := printable(f.Account), printable(f.Card)
	// A report knows nothing of orders: it must not look newer than any.
	if err := w.onCard(ctx, k.node, cardWord{account: account, region: f.Region, card: card, at: at}); err != nil {
		return err
	}
	_, err := w.exec(ctx, `UPDATE card_state SET lost = ?1, lost_at = ?2 WHERE account = ?3 AND region = ?4 AND card = ?5 AND lost_at < ?2`,
		mark, at, account, int64(f.Region), card)
	return err
}

// lostMark reads what reported has kept; nil when the card is not lost.
func lostMark(text string) *contract.Mark {
	var m contract.Mark
	if text == "" || json.Unmarshal([]byte(text), &m) != nil {
		return nil
	}
	return &m
}
