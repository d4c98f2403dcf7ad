package web

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
)

// lang is a language of the page.
type lang string

const (
	zh lang = "zh"
	en lang = "en"
)

// langOf: what was chosen with the switch; else the first language of the configuration, and for a program what it asks
// for. The page's own requests follow the page, whatever language the browser speaks.
func (h *Handler) langOf(r *http.Request) lang {
	if ck, err := r.Cookie(langCookie); err == nil && (ck.Value == string(zh) || ck.Value == string(en)) {
		return lang(ck.Value)
	}
	program := strings.HasPrefix(r.URL.Path, "/api/") && !wantsHTML(r)
	if program && strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "en") {
		return en
	}
	return lang(h.o.Lang)
}

// Tag is the language as in an HTML lang attribute.
func (l lang) Tag() string {
	if l == zh {
		return "zh-CN"
	}
	return "en"
}

// hall is the time of service halls, UTC+8 without summer time.
var hall = time.FixedZone("UTC+8", 8*60*60)

func (v voice) funcs() template.FuncMap {
	return template.FuncMap{
		"t": v.text, "word": v.word, "asset": assetURL,
		"m3": quantity.Volume.String, "yuan": quantity.Money.String, "price": quantity.Price.String,
		"when": when, "clock": clock, "age": v.age, "fresh": fresh,
		"amount": amount, "unit": v.unit, "places": places, "volume": volume, "receiptNo": receiptNo,
		"battery": battery, "hour": v.hour, "path": apiPath, "stamp": stamp, "hands": withHands,
		"kinds": kinds, "dead": dead,
	}
}

// when prints an instant absolutely.
func when(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.In(hall).Format("2006-01-02 15:04:05")
}

// hour prints the time of an order on a card, which knows no minutes: "2026-11-21T14".
func (v voice) hour(s string) string {
	date, h, ok := strings.Cut(s, "T")
	if !ok {
		return s
	}
	return date + " " + h + " " + v.text("hour")
}

func clock(t time.Time) string { return t.In(hall).Format("15:04:05") }

// fresh reports whether t is at most a day old, so that its clock time alone says enough.
func fresh(now, t time.Time) bool {
	return now.Sub(t) < 24*time.Hour && now.In(hall).Day() == t.In(hall).Day()
}

// age says how long ago t was, in the largest unit that fits.
func (v voice) age(now, t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	d := now.Sub(t)
	if d < 0 {
		return v.text("age.future") // a clock was set; hiding it as "now" would be a lie
	}
	n, key := int(d/(24*time.Hour)), "age.days"
	switch {
	case d < time.Minute:
		n, key = int(d/time.Second), "age.seconds"
	case d < time.Hour:
		n, key = int(d/time.Minute), "age.minutes"
	case d < 48*time.Hour:
		n, key = int(d/time.Hour), "age.hours"
	}
	return strings.ReplaceAll(v.text(key), "{n}", strconv.Itoa(n))
}

// amount prints a card's own amount in m³ or yuan.
func amount(u purse.Unit, a purse.Amount) string {
	if u == purse.UnitFen {
		return quantity.Money(a).String()
	}
	if v := u.Litres(); v > 0 {
		return (quantity.Volume(a) * v).Fixed(places(u))
	}
	return strconv.FormatInt(int64(a), 10)
}

// unit is what amount counts in.
func (v voice) unit(u purse.Unit) string {
	if u == purse.UnitFen {
		return v.text("unit.yuan")
	}
	return "m³"
}

// places is how many decimals of a cubic metre a card can carry.
func places(u purse.Unit) int {
	if u == purse.UnitDeciM3 {
		return 1
	}
	return 2
}

// dead counts the meters that are given up for now.
func dead(all []MeterView) (n int) {
	for _, m := range all {
		if m.Dead {
			n++
		}
	}
	return n
}

// volume prints the billed value of a reading with every digit that the meter gave, and its unit.
func volume(r *meter.Reading) string {
	v, ok := r.Find(meter.Volume)
	if !ok {
		return "—"
	}
	switch v.Unit {
	case quantity.UnitCubicMetre:
		return v.Number.String()
	case quantity.UnitLitre:
		if n, err := v.Number.Volume(v.Unit); err == nil {
			return n.Fixed(3)
		}
	}
	return v.Number.String() + " " + string(v.Unit)
}

// receiptNo pads a number so that a stack of receipts sorts by eye.
func receiptNo(n uint64) string {
	s := strconv.FormatUint(n, 10)
	return strings.Repeat("0", max(0, 6-len(s))) + s
}

// battery prints tenths of a volt.
func battery(dv uint8) string {
	return strconv.Itoa(int(dv/10)) + "." + strconv.Itoa(int(dv%10)) + " V"
}

// failure puts a refusal into words.
func (v voice) failure(r *counter.Refusal) Failure {
	f := Failure{Code: r.Code, Args: r.Args}
	f.Message, f.Hint = v.phrase(r.Code, r.Args)
	return f
}
