package decode

import (
	"time"

	"tally/meter/telegram"
)

// Line is the stable form of a report for other programs. Every key is always there; what does not apply is empty.
type Line struct {
	Protocol string          `json:"protocol"`
	OK       bool            `json:"ok"`
	Frame    telegram.Fields `json:"frame"`
	Values   []LineValue     `json:"values"`
	Problems []LineProblem   `json:"problems"`
}

// LineValue is one value. Value is a decimal number as text, so that nobody's float rounds it; a word or a time where
// the value is none.
type LineValue struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	Unit     string `json:"unit"`
	Storage  uint64 `json:"storage"`
	Tariff   uint64 `json:"tariff"`
	Subunit  uint64 `json:"subunit,omitempty"`
	Function string `json:"function"`
	At       string `json:"at"` // the meter's own time, without a zone
}

// LineProblem is one problem. Offset counts bytes from the first one given; for code "hex" characters of the text.
type LineProblem struct {
	Code   string `json:"code"`
	Offset int    `json:"offset"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Text   string `json:"text"`
}

// NewLine gives the stable form of a report.
func NewLine(r telegram.Report) Line {
	l := Line{Protocol: r.Protocol, OK: r.OK(), Frame: r.Frame, Values: []LineValue{}, Problems: []LineProblem{}}
	if l.Frame == nil {
		l.Frame = telegram.Fields{}
	}
	for _, v := range r.Values {
		l.Values = append(l.Values, NewValue(v))
	}
	for _, p := range r.Problems {
		l.Problems = append(l.Problems, LineProblem{p.Code, p.Offset, p.Want, p.Got, p.Text})
	}
	return l
}

// NewValue gives the stable form of one value.
func NewValue(v telegram.Value) LineValue {
	j := LineValue{
		Name: v.Name, Value: v.Number.String(), Unit: string(v.Unit), Storage: v.Storage, Tariff: v.Tariff, Subunit: v.Subunit, Function: string(v.Function),
	}
	if j.Function == "" {
		j.Function = string(telegram.Instantaneous)
	}
	if !v.At.IsZero() {
		j.At = Stamp(v.At)
	}
	switch {
	case v.Text != "":
		j.Value = v.Text
	case j.At != "" && v.Unit == "" && v.Number.Unscaled == 0:
		j.Value = j.At
	}
	return j
}

// Stamp prints a meter's own time, which has no zone.
func Stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05") }
