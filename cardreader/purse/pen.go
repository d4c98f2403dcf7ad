package purse

import (
	"errors"
	"time"

	"tally/cardreader/profile"
)

// pen stores values into the fields of one block and keeps the first error. A meaning that the block has no field for
// is left out: not every maker's card carries every value.
type pen struct {
	b   *profile.Block
	raw []byte
	err error
}

func (w *pen) int(m profile.Meaning, v int64) {
	w.put(m, func(f *profile.Field) error { return f.PutInt(w.raw, v) })
}

// most stores a setting for the meter, rounded down to what its field can say, at most the greatest that it holds. No
// order is refused for a setting: one value holds for the cards of all makers.
func (w *pen) most(m profile.Meaning, v int64) {
	w.put(m, func(f *profile.Field) error {
		step := max(f.Scale, 1)
		_, hi := f.As.Bounds(f.Len)
		if f.Bits > 0 {
			hi = 1<<f.Bits - 1
		}
		return f.PutInt(w.raw, min(v/step, hi)*step)
	})
}

// ceiling stores a ceiling of credit, rounded up to what its field can say. One that the field cannot hold is 0, none: a
// ceiling that is too low is worse than none, for the counter keeps it anyway.
func (w *pen) ceiling(m profile.Meaning, v int64) {
	w.put(m, func(f *profile.Field) error {
		step := max(f.Scale, 1)
		err := f.PutInt(w.raw, (v+step-1)/step*step)
		if errors.Is(err, profile.ErrRange) && v > 0 {
			err = f.PutInt(w.raw, 0)
		}
		return err
	})
}

func (w *pen) word(m profile.Meaning, s string) {
	w.put(m, func(f *profile.Field) error { return f.PutWord(w.raw, s) })
}

func (w *pen) digits(m profile.Meaning, s string) {
	w.put(m, func(f *profile.Field) error { return f.PutDigits(w.raw, s) })
}

func (w *pen) time(m profile.Meaning, t time.Time) {
	w.put(m, func(f *profile.Field) error { return f.PutTime(w.raw, t) })
}

func (w *pen) bytes(m profile.Meaning, b []byte) {
	w.put(m, func(f *profile.Field) error {
		raw, err := f.Bytes(w.raw)
		copy(raw, b)
		return err
	})
}

func (w *pen) put(m profile.Meaning, f func(*profile.Field) error) {
	if field := w.b.Field(m); field != nil && w.err == nil {
		w.err = f(field)
	}
}
