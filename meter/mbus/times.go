package mbus

import (
	"fmt"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/telegram"
)

// time reads types G (date, 2 bytes), J (time, 3), F (date and time, 4) and I (with seconds, 6) of EN 13757-3, annex A.
// The time is the meter's own, given as if it were UTC.
func (h info) time(v *telegram.Value, b []byte) *telegram.Problem {
	if h.coding > 7 {
		return wrongTime(0, b, "no type of time is coded like this")
	}
	switch len(b) {
	case 2:
		return dated(v, b, 0, 0, 0, 0)
	case 3:
		return timeOfDay(v, b)
	case 4:
		return typeF(v, b)
	case 6:
		return typeI(v, b)
	}
	return wrongTime(0, b, "no type of time has this length")
}

func typeF(v *telegram.Value, b []byte) *telegram.Problem {
	if p := unset(b); p != nil {
		return p
	}
	if b[0]&0x80 != 0 {
		return wrongTime(0, b, "meter says that its time is not valid")
	}
	minute, hour := int(b[0]&0x3F), int(b[1]&0x1F)
	if recurring(v, b[2:], hour, minute) {
		return nil
	}
	if hour > 23 || minute > 59 {
		return wrongTime(0, b, "is no time")
	}
	return behind(2, dated(v, b[2:], int(b[1]>>5&3), hour, minute, 0))
}

func typeI(v *telegram.Value, b []byte) *telegram.Problem {
	if p := unset(b); p != nil {
		return p
	}
	if b[1]&0x80 != 0 {
		return wrongTime(1, b, "meter says that its time is not valid")
	}
	second, minute, hour := int(b[0]&0x3F), int(b[1]&0x3F), int(b[2]&0x1F)
	if hour > 23 || minute > 59 || second > 59 {
		return wrongTime(0, b, "is no time")
	}
	return behind(3, dated(v, b[3:5], 0, hour, minute, second))
}

// behind moves a problem of a part that begins at offset n.
func behind(n int, p *telegram.Problem) *telegram.Problem {
	if p == nil {
		return nil
	}
	return p.At(n)
}

// timeOfDay reads type J.
func timeOfDay(v *telegram.Value, b []byte) *telegram.Problem {
	second, minute, hour := int(b[0]&0x3F), int(b[1]&0x3F), int(b[2]&0x1F)
	if hour > 23 || minute > 59 || second > 59 {
		return wrongTime(0, b, "is no time")
	}
	v.Text = fmt.Sprintf("%02d:%02d:%02d", hour, minute, second)
	return nil
}

// dated reads the two bytes of a date, type G. hundreds counts centuries from 1900; 0 is also sent by meters that know
// two digits only, whose years up to 80 are 20xx (annex A, type F).
func dated(v *telegram.Value, date []byte, hundreds, hour, minute, second int) *telegram.Problem {
	if p := unset(date); p != nil {
		return p
	}
	day, month, year := calendar(date)
	if recurring(v, date, hour, minute) {
		return nil
	}
	if year > 99 {
		return wrongTime(0, date, "is no date")
	}
	switch {
	case hundreds > 0:
		year += 1900 + 100*hundreds
	case year <= 80:
		year += 2000
	default:
		year += 1900
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if month < 1 || month > 12 || t.Day() != day {
		return wrongTime(0, date, "is no date")
	}
	v.At = t
	return nil
}

func calendar(date []byte) (day, month, year int) {
	return int(date[0] & 0x1F), int(date[1] & 0x0F), int(date[0]>>5) | int(date[1]>>4)<<3
}

// What stands for "every" in types F and G (annex A).
const (
	everyMinute = 63
	everyHour   = 31
	everyDay    = 0
	everyMonth  = 15
	everyYear   = 127
)

// recurring reads a date that comes back every year, month or day, such as a due date; its open parts are printed as *.
func recurring(v *telegram.Value, date []byte, hour, minute int) bool {
	day, month, year := calendar(date)
	if year != everyYear || month != everyMonth && (month < 1 || month > 12) || hour > 23 && hour != everyHour || minute > 59 && minute != everyMinute {
		return false
	}
	part := func(n, every int) string {
		if n == every {
			return "*"
		}
		return fmt.Sprintf("%02d", n)
	}
	v.Text = "*-" + part(month, everyMonth) + "-" + part(day, everyDay) + "T" + part(hour, everyHour) + ":" + part(minute, everyMinute)
	return true
}

// unset recognises what meters send that have no date: all ones, as the standard says, or all zeros.
func unset(b []byte) *telegram.Problem {
	for _, fill := range []byte{0x00, 0xFF} {
		if !slices.ContainsFunc(b, func(c byte) bool { return c != fill }) {
			p := wrongTime(0, b, "date is not set")
			p.Note = true
			return p
		}
	}
	return nil
}

func wrongTime(offset int, b []byte, text string) *telegram.Problem {
	return &telegram.Problem{Code: telegram.Clock, Offset: offset, Got: telegram.Hex(b...), Text: text, Class: meter.ErrImplausible}
}
