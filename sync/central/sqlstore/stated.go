package sqlstore

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"

	"tally/sync/central"
	"tally/sync/contract"
)

// statement keeps what a node says that it has sold.
func (w *work) statement(ctx context.Context, k key, it *central.Item, f *contract.Statement) error {
	_, err := w.exec(ctx, `INSERT INTO statement (node, epoch, seq, from_at, to_at, sales, volume_l, amount_fen)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, k.node, k.epoch, int64(it.Seq), stamp(f.From.Time), stamp(f.To.Time),
		f.Sales, f.VolumeL, f.AmountFen)
	for n, h := range f.Heads {
		if err != nil {
			break
		}
		_, err = w.exec(ctx, `INSERT INTO statement_head (node, epoch, seq, n, stream, upto, sha256)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`, k.node, k.epoch, int64(it.Seq), int64(n), printable(string(h.Stream)),
			int64(h.Seq), printable(h.SHA256))
	}
	return err
}

// auditHeads keeps signed heads with what is wrong with their signature. The first key of an epoch is believed; a further
// one is a finding, since whoever writes a chain anew can sign it only with a key of their own.
func (w *work) auditHeads(ctx context.Context, k key, it *central.Item, f *contract.AuditHeads) error {
	trouble := ""
	pub, err := hex.DecodeString(f.Key)
	if err != nil {
		pub = nil
	}
	if err := f.Verify(ed25519.PublicKey(pub), k.node, k.epoch); err != nil {
		trouble = err.Error()
	} else if _, err := w.exec(ctx, `INSERT INTO node_key (node, epoch, key, since) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`,
		k.node, k.epoch, f.Key, w.now); err != nil {
		return err
	}
	for _, s := range contract.Streams {
		h, named := f.Heads[s]
		if !named || h.Seq > contract.MaxSeq {
			continue
		}
		if _, err := w.exec(ctx, `INSERT INTO audit_head (node, epoch, seq, stream, upto, sha256, at, trouble) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
			k.node, k.epoch, int64(it.Seq), string(s), int64(h.Seq), printable(h.Hash), stamp(it.Record.At.Time), printable(trouble)); err != nil {
			return err
		}
	}
	return nil
}
