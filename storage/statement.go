package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"tally/counter"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Days are the business days that statements are made for.
type Days struct {
	Zone *time.Location
	Most int // statements that one call makes at most, after a long time without one
}

// statementDay is the state of statements: the last day that one was made for, "2026-11-21".
const statementDay = "statement_day"

// State emits a statement on ev for every business day that has ended since the last one, and returns how many. A day that
// was stated before one of its sales came, because the clock had gone back over midnight, is stated anew: the newest
// statement of a day counts. The first call of a ledger only notes where to begin.
func (s *Store) State(ctx context.Context, d Days) (n int, err error) {
	for all := false; !all; {
		err := s.UpdateState(ctx, func(tx StateTx) (err error) {
			_, all, err = tx.(*ledgerTx).tally(s.epoch, d.Zone, tallyStep)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	rd, err := s.Head(ctx, contract.Rd)
	if err != nil {
		return 0, err
	}
	err = s.UpdateState(ctx, func(tx StateTx) error {
		n, err = tx.(*ledgerTx).state(s, d, contract.Head{Stream: contract.Rd, Seq: rd.Seq, SHA256: rd.Hash})
		return err
	})
	return n, err
}

// state makes the statements that are due, of late days first.
func (t *ledgerTx) state(s *Store, d Days, rd contract.Head) (n int, err error) {
	to, _, err := t.tally(s.epoch, d.Zone, math.MaxInt) // what has come since the steps before
	if err != nil {
		return 0, err
	}
	today := midnight(s.opts.Now().In(d.Zone))
	last, err := t.lastStatement(today)
	if err != nil {
		return 0, err
	}
	for len(to.Late) > 0 && n < d.Most {
		day, err := time.ParseInLocation(time.DateOnly, to.Late[0], d.Zone)
		if err != nil {
			return n, fmt.Errorf("decode late day: %w: %w", err, ErrDamaged)
		}
		to.Late = to.Late[1:]
		if day.After(last) {
			continue // the clock went back behind it: it is stated when it ends
		}
		if err := t.statement(day, rd); err != nil {
			return n, err
		}
		n++
	}
	for day := last.AddDate(0, 0, 1); day.Before(today) && n < d.Most; day = day.AddDate(0, 0, 1) {
		if err := t.statement(day, rd); err != nil {
			return n, err
		}
		last = day
		n++
	}
	if err := t.SaveState(statementTally, to); err != nil {
		return n, err
	}
	return n, t.SaveState(statementDay, last.Format(time.DateOnly))
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// lastStatement is the last day that was stated, yesterday when none was or when the clock went back behind it.
func (t *ledgerTx) lastStatement(today time.Time) (time.Time, error) {
	yesterday := today.AddDate(0, 0, -1)
	var noted string
	err := t.LoadState(statementDay, &noted)
	if errors.Is(err, counter.ErrNotFound) {
		return yesterday, nil
	}
	if err != nil {
		return today, err
	}
	last, err := time.ParseInLocation(time.DateOnly, noted, today.Location())
	if err != nil {
		return today, fmt.Errorf("decode day of last statement: %w: %w", err, ErrDamaged)
	}
	if last.After(yesterday) {
		return yesterday, nil
	}
	return last, nil
}

func (t *ledgerTx) statement(day time.Time, rd contract.Head) error {
	name := day.Format(time.DateOnly)
	sum, err := t.daySum(name)
	if err != nil {
		return err
	}
	st := contract.Statement{
		From: contract.At(day), To: contract.At(day.AddDate(0, 0, 1)), Sales: sum.Sales, VolumeL: sum.VolumeL, AmountFen: sum.AmountFen,
	}
	for _, stream := range []contract.Stream{contract.Tx, contract.Ev} {
		state, err := t.w.stream(stream)
		if err != nil {
			return err
		}
		if state.Next > 1 && state.Head != "" {
			st.Heads = append(st.Heads, contract.Head{Stream: stream, Seq: state.Next - 1, SHA256: state.Head})
		}
	}
	if rd.Seq > 0 && rd.SHA256 != "" {
		st.Heads = append(st.Heads, rd)
	}
	return t.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeStatement, ID: "statement/" + name, Body: st})
}
