package purse

import (
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
