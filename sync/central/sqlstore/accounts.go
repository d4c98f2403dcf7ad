package sqlstore

import (
	"context"
	"database/sql"

	"tally/sync/contract"
)

// What nodes tell about a customer's card comes in any order: one of them may have been offline for weeks. So every part
// of the state is the largest of what was said, by an order that does not depend on when it came: a card's newest order by
// issue count and sequence, everything else by the time of its record.

// cardWord is what one record says about a card.
type cardWord struct {
	account, card string
	region        uint16
	issue         uint8
	seq           uint16
	cum, qty      int64
	tag, unit     string
	meter         string
	at            string
}

// change numbers a change of what nodes are told: above all before it, also in a database that was restored from a
// backup, since the numbers grow with the clock. Changes wait for each other until the end of the transaction, so that
// none becomes visible after a higher one.
func (w *work) change(ctx context.Context) (uint64, error) {
	if w.changed > 0 {
		w.changed++
		return w.changed, nil
	}
	var n int64
	err := w.row(ctx, `UPDATE change_count SET n = CASE WHEN n >= ?1 THEN n + 1 ELSE ?1 END WHERE one = 1 RETURNING n`, w.at.UnixMilli()).Scan(&n)
	w.changed = uint64(n)
	return w.changed, err
}

// changeForAll numbers a change that concerns every node.
func (w *work) changeForAll(ctx context.Context) error {
	_, err := w.change(ctx)
	w.forAll = true
	return err
}

// counted writes down the highest number that was given.
func (w *work) counted(ctx context.Context) error {
	if w.changed == 0 {
		return nil
	}
	last := 1
	if w.forAll {
		last = 2
	}
	_, err := w.exec(ctx, "UPDATE change_count SET n = ?1 WHERE one <= ?2", int64(w.changed), int64(last))
	return err
}

// touch notes that node has changed account.
func (w *work) touch(ctx context.Context, account, node string) error {
	n, err := w.change(ctx)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO account_touch (account, node, n) VALUES (?1, ?2, ?3)
		ON CONFLICT (account, node) DO UPDATE SET n = ?3`, account, node, int64(n))
	return err
}

// onCard keeps what a record says of a card that was read back.
func (w *work) onCard(ctx context.Context, node string, c cardWord) error {
	if c.account == "" {
		return nil
	}
	if err := w.touch(ctx, c.account, node); err != nil {
		return err
	}
	if c.card != "" {
		if err := w.cardState(ctx, c); err != nil {
			return err
		}
	}
	_, err := w.exec(ctx, `INSERT INTO account_state (account, region, meter, meter_at, cardless, cardless_at) VALUES (?1, ?2, ?3, ?4, 0, '')
		ON CONFLICT (account) DO UPDATE SET
			meter = CASE WHEN account_state.meter_at <= ?4 AND ?3 <> '' THEN ?3 ELSE account_state.meter END,
			meter_at = CASE WHEN account_state.meter_at <= ?4 AND ?3 <> '' THEN ?4 ELSE account_state.meter_at END,
			region = CASE WHEN account_state.region = 0 THEN ?2 ELSE account_state.region END`,
		c.account, int64(c.region), c.meter, c.at)
	return err
}

func (w *work) cardState(ctx context.Context, c cardWord) error {
	fresh, err := w.exec(ctx, `INSERT INTO card_state (account, region, card, issue, seq, cum, qty, tag, unit, at, dead, dead_why, lost, lost_at)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, -1, '', '', '') ON CONFLICT DO NOTHING`,
		c.account, int64(c.region), c.card, int64(c.issue), int64(c.seq), c.cum, c.qty, c.tag, c.unit, c.at)
	if err != nil || fresh {
		return err
	}
	var issue, seq int64
	var at string
	err = w.row(ctx, `SELECT issue, seq, at FROM card_state WHERE account = ?1 AND region = ?2 AND card = ?3`,
		c.account, int64(c.region), c.card).Scan(&issue, &seq, &at)
	if err != nil {
		return err
	}
	if newerOrder(c.issue, c.seq, c.at, uint8(issue), uint16(seq), at) {
		_, err = w.exec(ctx, `UPDATE card_state SET issue = ?1, seq = ?2, cum = ?3, qty = ?4, tag = ?5, unit = ?6
			WHERE account = ?7 AND region = ?8 AND card = ?9`,
			int64(c.issue), int64(c.seq), c.cum, c.qty, c.tag, c.unit, c.account, int64(c.region), c.card)
	}
	if err == nil && c.at > at {
		_, err = w.exec(ctx, `UPDATE card_state SET at = ?1 WHERE account = ?2 AND region = ?3 AND card = ?4`,
			c.at, c.account, int64(c.region), c.card)
	}
	return err
}

// newerOrder compares two orders of one card. A sequence of 16 bits goes round, so it is compared as a serial number (RFC
// 1982); the same sequence again is a make-up, where the later record counts.
func newerOrder(issue uint8, seq uint16, at string, thanIssue uint8, thanSeq uint16, thanAt string) bool {
	switch {
	case issue != thanIssue:
		return issue > thanIssue
	case seq != thanSeq:
		return int16(seq-thanSeq) > 0
	}
	return at > thanAt
}

// boughtIn adds to what an account has bought in a period at a node; refunds are negative.
func (w *work) boughtIn(ctx context.Context, node, account, period string, volume int64) error {
	if account == "" || period == "" || volume == 0 {
		return nil
	}
	_, err := w.exec(ctx, `INSERT INTO bought (account, period, node, volume_l) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (account, period, node) DO UPDATE SET volume_l = bought.volume_l + ?4`, account, period, node, volume)
	return err
}

// tradedOn is what a finished order of any kind means for other nodes. One that was given up has left the card as it was.
func (w *work) tradedOn(ctx context.Context, k key, typ, at string, f *contract.Sale) error {
	switch typ {
	case contract.TypeSale, contract.TypeRefund, contract.TypeMakeUp:
	default:
		return nil
	}
	err := w.onCard(ctx, k.node, cardWord{
		account: printable(f.Account), region: f.Region, card: printable(f.Card), issue: f.CardIssue, seq: f.CardSeq, cum: f.CardCum,
		qty: f.CardQty, tag: printable(f.CardTag), unit: printable(f.CardUnit), meter: printable(f.Meter), at: at,
	})
	if err != nil || typ == contract.TypeMakeUp {
		return err
	}
	return w.boughtIn(ctx, k.node, printable(f.Account), printable(f.Period), f.VolumeL)
}

// delta is what node is told of an account.
func (w *work) delta(ctx context.Context, node, account string, version uint64) (contract.AccountDelta, error) {
	d := contract.AccountDelta{Account: account, Version: version}
	var region, cardless int64
	var cardlessAt string
	err := w.row(ctx, `SELECT region, meter, cardless, cardless_at FROM account_state WHERE account = ?1`, account).
		Scan(&region, &d.Meter, &cardless, &cardlessAt)
	if err != nil && err != sql.ErrNoRows {
		return d, err
	}
	d.Region, d.Cardless = uint16(region), cardless == 1
	if err := w.deltaCards(ctx, &d, cardlessAt); err != nil {
		return d, err
	}
	if err := w.deltaDoubts(ctx, &d, node); err != nil {
		return d, err
	}
	err = w.row(ctx, `SELECT period, CAST(SUM(volume_l) AS BIGINT) FROM bought WHERE account = ?1 GROUP BY period ORDER BY period DESC LIMIT 1`,
		account).Scan(&d.PeriodStart, &d.BoughtL)
	return d, ignoreNoRows(err)
}

// deltaCards fills in the card that was used or issued last, and those that are dead.
func (w *work) deltaCards(ctx context.Context, d *contract.AccountDelta, cardlessAt string) error {
	rows, err := w.rows(ctx, `SELECT region, card, issue, seq, cum, qty, tag, unit, at, dead, dead_why, lost FROM card_state
		WHERE account = ?1 ORDER BY at DESC, card`, d.Account)
	if err != nil {
		return err
	}
	defer rows.Close()
	for first := true; rows.Next(); {
		var region, issue, seq, dead int64
		var c contract.AccountDelta
		var at, why, lost string
		if err := rows.Scan(&region, &c.Card, &issue, &seq, &c.CardCum, &c.CardQty, &c.CardTag, &c.CardUnit, &at, &dead, &why, &lost); err != nil {
			return err
		}
		if d.Cardless { // its issue count says which cards are meant
			d.CardIssue = max(d.CardIssue, uint8(issue))
		}
		if dead >= 0 {
			d.Dead = append(d.Dead, contract.DeadCard{Region: uint16(region), Card: c.Card, Issue: uint8(dead), Why: why})
		}
		if dead >= issue || !first || d.Cardless && at <= cardlessAt {
			continue
		}
		first, d.Cardless = false, false
		d.Region, d.Card, d.CardIssue, d.CardSeq = uint16(region), c.Card, uint8(issue), uint16(seq)
		d.CardCum, d.CardQty, d.CardTag, d.CardUnit, d.Lost = c.CardCum, c.CardQty, c.CardTag, c.CardUnit, lostMark(lost)
	}
	return rows.Err()
}
