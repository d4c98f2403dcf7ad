package dlt645

import (
	"tally/meter/quantity"
	"tally/meter/telegram"
)

// form is how the bytes of a value are to be understood.
type form byte

const (
	formNumber  form = iota // BCD, low byte first
	formDemand              // BCD, then minute, hour, day, month, year when it was
	formText                // ASCII, last character first
	formDigits              // a number that is a name: twelve digits
	formDate                // day of week, day, month, year
	formTime                // second, minute, hour
	formClock               // second, minute, hour, day of week, day, month, year
	formMoment              // minute, hour, day, month, year
	formYearly              // minute, hour, day, month
	formMonthly             // hour, day
	formFlags               // bits
)

// shape is how one value of an item is coded.
type shape struct {
	name     string
	bytes    int
	scale    uint8
	unit     quantity.Unit
	signed   bool // the highest bit is the sign
	form     form
	tariff   uint64
	storage  uint64
	function telegram.Function // empty is instantaneous
}

// shapeOf finds how an item of one value is coded.
func shapeOf(i Item) (shape, bool) {
	s, ok := shapesOf(i, 0)
	if !ok || len(s) != 1 {
		return shape{}, false
	}
	return s[0], true
}

// shapesOf finds how an item is coded that takes n bytes; n counts only for the items that are as long as the meter has
// values for them.
func shapesOf(i Item, n int) ([]shape, bool) {
	if i.Edition == Edition1997 {
		return shapes1997(uint16(i.Code), n)
	}
	return shapes2007(i.Code, n)
}

// row repeats a shape as often as n bytes hold it: first as it is, then changed by each.
func row(s shape, n int, each func(s *shape, i int)) []shape {
	var out []shape
	for i := range max(n/s.bytes, 1) {
		next := s
		each(&next, i)
		out = append(out, next)
	}
	return out
}

func byTariff(s *shape, i int)  { s.tariff = uint64(i) }
func byStorage(s *shape, i int) { s.storage = uint64(i) }

// phases in their order.
var phases = [4]string{"", "_a", "_b", "_c"}
