package cjt188

import (
	"slices"
	"time"

	"tally/meter"
	"tally/meter/telegram"
)

// clock takes seven BCD bytes. A clock that cannot be a date is a problem of its own and spoils no other value: meters
// without a clock send zeros, and some send month 13.
func (d *decoder) clock() {
	from := d.at
	b := d.take(7)
	if b == nil {
		return
	}
	order := d.variant.Clock
	low, lowOK := clockOf(b, false)
	high, highOK := clockOf(b, true)
	at, ok := low, lowOK
	switch {
	case order == HighFirst || order == ClockAuto && highOK && !lowOK:
		at, ok = high, highOK
	case order == ClockAuto && highOK && lowOK && !low.Equal(high):
		d.note(from, telegram.Ambiguous, b, "clock may be low or high byte first; read as the standard says")
	}
	if !ok {
		text := "clock is no date and time"
		if idle(b) || ones(b) {
			text = "meter has no clock, or it was never set"
		}
		d.note(from, telegram.Clock, b, text)
		return
	}
	d.add(telegram.Value{Name: "clock", At: at})
}

func (d *decoder) note(offset int, code string, got []byte, text string) {
	d.Problems = append(d.Problems, &telegram.Problem{Code: code, Offset: offset, Got: telegram.Hex(got...), Text: text, Class: meter.ErrImplausible, Note: true})
}

func idle(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }

// clockOf reads second, minute, hour, day, month, year, century. The clock is the meter's local time, given here as if
// it were UTC: the meter does not say which zone it is in.
func clockOf(b []byte, highFirst bool) (time.Time, bool) {
	var f [7]int
	for i := range f {
		c := b[i]
		if highFirst {
			c = b[6-i]
		}
		n, p := telegram.Digits([]byte{c})
		if p != nil {
			return time.Time{}, false
		}
		f[i] = int(n)
	}
	year := f[6]*100 + f[5]
	t := time.Date(year, time.Month(f[4]), f[3], f[2], f[1], f[0], 0, time.UTC)
	ok := year >= 1990 && year < 2100 && f[4] >= 1 && f[4] <= 12 && t.Day() == f[3] && f[3] >= 1 && f[2] < 24 && f[1] < 60 && f[0] < 60
	return t, ok
}

// appendClock writes a clock, low byte first.
func appendClock(b []byte, t time.Time) []byte {
	for _, n := range []int{t.Second(), t.Minute(), t.Hour(), t.Day(), int(t.Month()), t.Year() % 100, t.Year() / 100} {
		b = append(b, byte(n/10<<4|n%10))
	}
	return b
}
