package storage

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"tally/meter"
	"tally/meter/quantity"
	"tally/sync/contract"
)

// Latest is the newest that is known of a meter. Times are cut to the millisecond, as they are stored.
type Latest struct {
	Meter   meter.ID       `json:"meter"`
	Reading *meter.Reading `json:"reading,omitempty"` // nil when it was never read
	Failure *meter.Failure `json:"failure,omitempty"` // the last failure, kept when a reading follows; nil when none
}

// snapshotEvery is after how many records the newest values are written down. Doing so with every record would rewrite a
// page for each; what came after the last time is read from the records again at the start.
const snapshotEvery = 16384

// Latest returns the newest reading and failure of every meter by number, including those acknowledged long ago. They
// are not to be changed.
func (s *Store) Latest() []Latest {
	s.readings.mu.RLock()
	defer s.readings.mu.RUnlock()
	list := make([]Latest, 0, len(s.readings.latest))
	for _, id := range slices.Sorted(maps.Keys(s.readings.latest)) {
		list = append(list, s.readings.latest[id])
	}
	return list
}

// see takes a durable value as the newest of its meter, which it belongs to from then on. Call with r.mu held.
func (r *readings) see(v Value) {
	switch {
	case v.Reading != nil:
		l := r.latest[v.Reading.Meter]
		if l.Reading != nil && slices.Contains(v.Reading.Quality, meter.Remembered) {
			return // what a meter remembers of an outage is not its newest
		}
		l.Meter, l.Reading = v.Reading.Meter, v.Reading
		r.latest[l.Meter] = l
	case v.Failure != nil:
		l := r.latest[v.Failure.Meter]
		l.Meter, l.Failure = v.Failure.Meter, v.Failure
		r.latest[l.Meter] = l
	}
}

// readingOf is the way back from what appendReading writes.
func readingOf(b contract.Reading) meter.Reading {
	r := meter.Reading{Meter: meter.ID(b.Meter), At: b.At.Time, Line: b.Line, Quality: b.Quality}
	r.Raw, _ = hex.DecodeString(b.Raw) // evidence only; what is not hex was not written by us
	for _, v := range b.Values {
		r.Values = append(r.Values, meter.Value{Name: v.Name, Number: decimalOf(v.Value), Unit: quantity.Unit(v.Unit)})
	}
	return r
}

// decimalOf reads what quantity.Decimal prints.
func decimalOf(s string) quantity.Decimal {
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || len(frac) > 18 {
		return quantity.Decimal{}
	}
	return quantity.Decimal{Unscaled: n, Scale: uint8(len(frac))}
}

// snapshotDue writes the newest values down when it is time. What the running commit itself brings is not among them yet
// and will be read from its records.
func (r *readings) snapshotDue(w *writeTx) error {
	st, err := loadState(w.tx, contract.Rd)
	if err != nil || st.Next-max(st.Seen, 1) < r.s.opts.snapshotEvery {
		return err
	}
	running, err := w.stream(contract.Rd)
	if err != nil {
		return err
	}
	running.Seen = st.Next
	w.setStream(contract.Rd, running)
	return r.snapshot(w)
}

// snapshot is for who leads: nobody else changes the newest values.
func (r *readings) snapshot(w *writeTx) error {
	for id, l := range r.latest {
		if err := w.putJSON(bLatest, []byte(id), l); err != nil {
			return err
		}
	}
	return nil
}

// loadLatest reads what was written down, and the records that came later.
func (r *readings) loadLatest(tx *bbolt.Tx) error {
	r.latest = make(map[meter.ID]Latest)
	c := tx.Bucket(bLatest).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var l Latest
		if err := json.Unmarshal(v, &l); err != nil {
			return fmt.Errorf("decode newest value of %.40q: %w: %w", k, err, ErrDamaged)
		}
		r.latest[meter.ID(k)] = l
	}
	st, err := loadState(tx, contract.Rd)
	if err != nil {
		return err
	}
	r.ahead.begin(st)
	c = tx.Bucket(bRd).Cursor()
	for k, v := c.Seek(u64(st.Seen)); k != nil; k, v = c.Next() {
		if err := r.seeRecord(v); err != nil {
			return fmt.Errorf("decode record %d: %w: %w", asU64(k), err, ErrDamaged)
		}
	}
	return nil
}

func (r *readings) seeRecord(raw []byte) error {
	var rec contract.Record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return err
	}
	if rec.Type == contract.TypeReadingFailed {
		var b contract.ReadingFailed
		err := json.Unmarshal(rec.Body, &b)
		r.see(Value{Failure: &meter.Failure{Meter: meter.ID(b.Meter), At: b.At.Time, Line: b.Line, Code: b.Code, Text: b.Text}})
		return err
	}
	var b contract.Reading
	err := json.Unmarshal(rec.Body, &b)
	reading := readingOf(b)
	r.see(Value{Reading: &reading})
	return err
}
