package dlt645

import (
	"fmt"
	"time"

	"tally/meter"
	"tally/meter/telegram"
)

// times read the forms of dates and times. The time is the meter's own, given as if it were UTC.
var times = map[form]func(*telegram.Value, []byte) *telegram.Problem{
	formDate: date, formTime: clock, formClock: full, formMoment: moment, formYearly: yearly, formMonthly: monthly,
}

func notADate(b []byte) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Clock, Got: telegram.Hex(b...), Text: "is no date or time", Class: meter.ErrImplausible}
}

// calendar makes a date of year, month, day; false if there is no such day.
func calendar(year, month, day, hour, minute, second int64) (time.Time, bool) {
	t := time.Date(2000+int(year), time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	return t, month >= 1 && month <= 12 && int64(t.Day()) == day && hour < 24 && minute < 60 && second < 60
}

// date reads day of week, day, month, year.
func date(v *telegram.Value, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	t, ok := calendar(n/1_000_000, n/10_000%100, n/100%100, 0, 0, 0)
	if !ok {
		return notADate(b)
	}
	v.At, v.Text = t, t.Format(time.DateOnly)
	return nil
}

// clock reads second, minute, hour.
func clock(v *telegram.Value, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	hour, minute, second := n/10_000, n/100%100, n%100
	if hour > 23 || minute > 59 || second > 59 {
		return notADate(b)
	}
	v.Text = fmt.Sprintf("%02d:%02d:%02d", hour, minute, second)
	return nil
}

// full reads second, minute, hour, day of week, day, month, year.
func full(v *telegram.Value, b []byte) *telegram.Problem {
	day, p := telegram.Digits(b[4:])
	if p != nil {
		return p.At(4)
	}
	n, p := telegram.Digits(b[:3])
	if p != nil {
		return p
	}
	t, ok := calendar(day/10_000, day/100%100, day%100, n/10_000, n/100%100, n%100)
	if !ok {
		return notADate(b)
	}
	v.At = t
	return nil
}

// moment reads minute, hour, day, month, year.
func moment(v *telegram.Value, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	t, ok := calendar(n/100_000_000, n/1_000_000%100, n/10_000%100, n/100%100, n%100, 0)
	if !ok {
		return notADate(b)
	}
	v.At = t
	return nil
}

// yearly reads minute, hour, day, month.
func yearly(v *telegram.Value, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	month, day, hour, minute := n/1_000_000, n/10_000%100, n/100%100, n%100
	if _, ok := calendar(0, month, day, hour, minute, 0); !ok && n != 0 { // 2000 has a 29th of February
		return notADate(b)
	}
	v.Text = fmt.Sprintf("%02d-%02dT%02d:%02d", month, day, hour, minute)
	return nil
}

// monthly reads hour, day.
func monthly(v *telegram.Value, b []byte) *telegram.Problem {
	n, p := telegram.Digits(b)
	if p != nil {
		return p
	}
	if day, hour := n/100, n%100; day > 31 && day != 99 || hour > 23 && hour != 99 {
		return notADate(b)
	}
	v.Text = fmt.Sprintf("%02dT%02d", n/100, n%100)
	return nil
}
