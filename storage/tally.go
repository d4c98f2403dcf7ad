package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tally/counter"
	"tally/sync/contract"
)

// statementTally is the state of what has been added up: each record of tx once, whatever its time says. What a clock that
// was set back or ahead has put out of the order of time is found that way, and no statement reads the ledger again.
const statementTally = "statement_tally"

// tallyStep is how many records one commit adds up, so that a sale never waits long behind the first tally of an old ledger.
const tallyStep = 5000

// tallied is how far the tally is.
type tallied struct {
	Epoch string   `json:"epoch"`
	Next  uint64   `json:"next"`           // number of the first record of tx that is not added up
	Since uint64   `json:"since"`          // the records below were there before the first tally: they restate no day
	Late  []string `json:"late,omitempty"` // days that were stated already when one of their sales came
}

// daySum is what a business day has sold, kept under the name of its day.
type daySum struct {
	Sales     int64 `json:"sales"`
	VolumeL   int64 `json:"volume_l"`
	AmountFen int64 `json:"amount_fen"`
}

func daySumOf(day string) string { return "statement/" + day }

// tally adds up to most records that have come since the last time, and says whether that was all.
func (t *ledgerTx) tally(epoch string, zone *time.Location, most int) (to tallied, all bool, err error) {
	st, err := t.w.stream(contract.Tx)
	if err != nil {
		return to, false, err
	}
	if to, err = t.tallied(epoch, st); err != nil {
		return to, false, err
	}
	noted := "" // compares below every day
	if err := t.LoadState(statementDay, &noted); err != nil && !errors.Is(err, counter.ErrNotFound) {
		return to, false, err
	}
	days := make(map[string]daySum)
	c := t.w.tx.Bucket(bTx).Cursor()
	for k, v := c.Seek(u64(to.Next)); k != nil && most > 0; k, v = c.Next() {
		day, err := t.add(days, v, zone)
		if err != nil {
			return to, false, fmt.Errorf("tally tx %d: %w", asU64(k), err)
		}
		to.Next = asU64(k) + 1
		if day != "" && day <= noted && asU64(k) >= to.Since && !slices.Contains(to.Late, day) {
			to.Late = append(to.Late, day)
		}
		most--
	}
	for day, sum := range days {
		if err := t.SaveState(daySumOf(day), sum); err != nil {
			return to, false, err
		}
	}
	slices.Sort(to.Late)
	return to, most > 0, t.SaveState(statementTally, to)
}

// tallied loads how far the tally is. A restored ledger numbers its records anew and a centre compares within an epoch, so
// there everything begins again.
func (t *ledgerTx) tallied(epoch string, st streamState) (to tallied, err error) {
	err = t.LoadState(statementTally, &to)
	switch {
	case errors.Is(err, counter.ErrNotFound):
		return tallied{Epoch: epoch, Since: st.Next}, nil
	case err != nil || to.Epoch == epoch:
		return to, err
	}
	var stale [][]byte
	c := t.w.tx.Bucket(bState).Cursor()
	prefix := stateKey(daySumOf(""))
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		stale = append(stale, slices.Clone(k))
	}
	for _, k := range stale {
		if err := t.w.delete(bState, k); err != nil {
			return to, err
		}
	}
	return tallied{Epoch: epoch}, nil
}

// add adds a record to its day, if it is a sale; the day is empty otherwise.
func (t *ledgerTx) add(days map[string]daySum, raw []byte, zone *time.Location) (day string, err error) {
	var rec contract.Record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return "", fmt.Errorf("decode record: %w: %w", err, ErrDamaged)
	}
	if rec.Type != contract.TypeSale {
		return "", nil
	}
	var sale contract.Sale
	if err := json.Unmarshal(rec.Body, &sale); err != nil {
		return "", fmt.Errorf("decode sale: %w: %w", err, ErrDamaged)
	}
	day = rec.At.In(zone).Format(time.DateOnly)
	sum, known := days[day]
	if !known {
		if sum, err = t.daySum(day); err != nil {
			return "", err
		}
	}
	days[day] = daySum{sum.Sales + 1, sum.VolumeL + sale.VolumeL, sum.AmountFen + sale.AmountFen}
	return day, nil
}

// daySum is what a day has sold so far, by the tally.
func (t *ledgerTx) daySum(day string) (sum daySum, err error) {
	if err = t.LoadState(daySumOf(day), &sum); errors.Is(err, counter.ErrNotFound) {
		err = nil
	}
	return sum, err
}
