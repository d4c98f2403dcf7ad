package sqlstore

import (
	"context"
	"strings"

	"tally/sync/central"
	"tally/sync/contract"
)

// project writes the tables that people read. It runs for a record that was just stored, within the same transaction.
func (w *work) project(ctx context.Context, k key, it *central.Item) error {
	at := stamp(it.Record.At.Time)
	if done, err := w.projectDoubt(ctx, k, it.Seq, it.Record.Type, at, it.Fact); done || err != nil {
		return err
	}
	switch f := it.Fact.(type) {
	case *contract.Sale:
		if err := w.sale(ctx, k, it, f); err != nil {
			return err
		}
		return w.tradedOn(ctx, k, it.Record.Type, stamp(it.Record.At.Time), f)
	case *contract.CardOperation:
		return w.madeCard(ctx, k, it.Record.Type, stamp(it.Record.At.Time), f)
	case *contract.CardReport:
		return w.reported(ctx, k, it.Record.Type, stamp(it.Record.At.Time), f)
	case *contract.SaleLock:
		return w.lockWord(ctx, k, it.Record.Type, stamp(it.Record.At.Time), f)
	case *contract.AuditHeads:
		return w.auditHeads(ctx, k, it, f)
	case *contract.CommandResult:
		return w.answered(ctx, k, f)
	case *contract.ReadingsLost:
		_, err := w.exec(ctx, `INSERT INTO lost (node, epoch, stream, first, last, why, reported)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`, k.node, k.epoch, string(contract.Rd), int64(f.First),
			int64(f.Last), printable(f.Why), stamp(it.Record.At.Time))
		rd := key{k.node, k.epoch, contract.Rd}
		w.freed[rd] = max(w.freed[rd], f.Last)
		return err
	case *contract.Statement:
		return w.statement(ctx, k, it, f)
	case *contract.Reading:
		return w.reading(ctx, k, it, f)
	case *contract.ReadingFailed:
		_, err := w.exec(ctx, `INSERT INTO reading (node, epoch, seq, n, meter, at, line, quality, code, text)
			VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, '', ?7, ?8)`, k.node, k.epoch, int64(it.Seq), printable(f.Meter),
			stamp(f.At.Time), printable(f.Line), printable(f.Code), printable(f.Text))
		return err
	}
	return nil
}

func (w *work) sale(ctx context.Context, k key, it *central.Item, f *contract.Sale) error {
	_, err := w.exec(ctx, `INSERT INTO sale (node, epoch, seq, kind, at, order_id, account, region, card, meter, operator,
		station, receipt, volume_l, amount_fen, currency, card_seq, card_cum, card_unit, intent_at, was_in_doubt)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)`,
		k.node, k.epoch, int64(it.Seq), it.Record.Type, stamp(it.Record.At.Time), printable(f.Order), printable(f.Account),
		int64(f.Region), printable(f.Card), printable(f.Meter), printable(f.Operator), printable(f.Station), int64(f.Receipt),
		f.VolumeL, f.AmountFen, printable(f.Currency), int64(f.CardSeq), f.CardCum, printable(f.CardUnit),
		stamp(f.IntentAt.Time), int64(count(f.WasInDoubt)))
	return err
}

func (w *work) reading(ctx context.Context, k key, it *central.Item, f *contract.Reading) error {
	for n, v := range f.Values {
		_, err := w.exec(ctx, `INSERT INTO reading (node, epoch, seq, n, meter, at, line, name, value, unit, quality)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`, k.node, k.epoch, int64(it.Seq), int64(n), printable(f.Meter),
			stamp(f.At.Time), printable(f.Line), printable(v.Name), printable(v.Value), printable(v.Unit),
			printable(strings.Join(f.Quality, ",")))
		if err != nil {
			return err
		}
	}
	return nil
}

// printable takes out what one of the databases refuses in a text. The bytes as they came are in record.raw.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
