package profile

import (
	"fmt"
	"time"
)

// bcdTimeLayouts gives the text of a BCD time by the number of its bytes.
var bcdTimeLayouts = [...]string{3: "2006-01-02", 4: "2006-01-02T15", 5: "2006-01-02T15:04", 6: "2006-01-02T15:04:05"}

// TimeText reads a BCD time of 3 to 6 bytes as text of just that precision, "2026-11-21T14". All bytes FF are the empty
// text: not set. A date that does not exist is ErrEncoding.
func TimeText(b []byte) (string, error) {
	if !BCDTime.fits(len(b)) {
		return "", fmt.Errorf("time of %d bytes: %w", len(b), ErrEncoding)
	}
	if allFF(b) {
		return "", nil
	}
	var part [6]int
	for i, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return "", fmt.Errorf("time %x: %w", b, ErrEncoding)
		}
		part[i] = int(x>>4)*10 + int(x&15)
	}
	t := time.Date(2000+part[0], time.Month(part[1]), part[2], part[3], part[4], part[5], 0, time.UTC)
	back := make([]byte, len(b))
	// time.Date carries 31 February over into March; only a date that survives the way back exists.
	if err := PutTime(back, t); err != nil || string(back) != string(b) {
		return "", fmt.Errorf("time %x: %w", b, ErrEncoding)
	}
	return t.Format(bcdTimeLayouts[len(b)]), nil
}

// PutTime stores the wall-clock time of t, in t's own zone, in 3 to 6 bytes. What is finer is cut off.
func PutTime(b []byte, t time.Time) error {
	if !BCDTime.fits(len(b)) {
		return fmt.Errorf("time of %d bytes: %w", len(b), ErrEncoding)
	}
	y := t.Year() - 2000
	if y < 0 || y > 99 {
		return fmt.Errorf("year %d in two digits: %w", t.Year(), ErrRange)
	}
	part := [6]int{y, int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second()}
	for i := range b {
		b[i] = byte(part[i]/10<<4 | part[i]%10)
	}
	return nil
}

func allFF(b []byte) bool {
	for _, x := range b {
		if x != 0xFF {
			return false
		}
	}
	return true
}
