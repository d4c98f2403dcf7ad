package tariff

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tally/meter/quantity"
)

func day(n int) string {
	return time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly)
}

func TestCapitals(t *testing.T) {
	for fen, want := range map[quantity.Money]string{
		// As receipts of the trade print them.
		5: "伍分", 1000: "壹拾元整", 10530: "壹佰零伍元叁角整", 32504: "叁佰贰拾伍元零肆分", 1640902: "壹万陆仟肆佰零玖元零贰分",
		168032: "壹仟陆佰捌拾元叁角贰分", 10000000: "壹拾万元整",
		// The rules of zeros (支付结算办法, annex 1: 正确填写票据和结算凭证的基本规定).
		0: "零元整", 10: "壹角整", 15: "壹角伍分", 100: "壹元整", 101: "壹元零壹分", 140950: "壹仟肆佰零玖元伍角整",
		600714: "陆仟零柒元壹角肆分", 10700053: "壹拾万柒仟元伍角叁分", 1640900: "壹万陆仟肆佰零玖元整",
		100000000_00:           "壹亿元整",
		100000001_00:           "壹亿零壹元整",
		100010000_00:           "壹亿零壹万元整",
		101000000_00:           "壹亿零壹佰万元整",
		110000000_00:           "壹亿壹仟万元整",
		1000000000000_00:       "壹万亿元整",
		1000000000001_00:       "壹万亿零壹元整",
		1000100000000_00:       "壹万零壹亿元整",
		20000_00:               "贰万元整",
		20003_00:               "贰万零叁元整",
		20300_00:               "贰万零叁佰元整",
		23000_00:               "贰万叁仟元整",
		1001_00:                "壹仟零壹元整",
		1010_10:                "壹仟零壹拾元壹角整",
		quantity.Money(-10530): "负壹佰零伍元叁角整",
		math.MaxInt64:          "玖亿贰仟贰佰叁拾叁万柒仟贰佰零叁亿陆仟捌佰伍拾肆万柒仟柒佰伍拾捌元零柒分",
	} {
		if got := Capitals(fen); got != want {
			t.Errorf("%s: %s, want %s", fen, got, want)
		}
	}
}

// readCapitals reads them back: an independent reading of the same numeral.
func readCapitals(s string) (fen int64) {
	s, neg := strings.CutPrefix(s, "负")
	whole, part, hasYuan := strings.Cut(s, "元")
	if !hasYuan {
		whole, part = "", s
	}
	var total, group, digit int64
	for _, r := range whole {
		switch r {
		case '仟', '佰', '拾':
			group += digit * map[rune]int64{'仟': 1000, '佰': 100, '拾': 10}[r]
			digit = 0
		case '万':
			total += (group + digit) * 10000
			group, digit = 0, 0
		case '亿':
			total = (total + group + digit) * 1_0000_0000
			group, digit = 0, 0
		default:
			digit = int64(strings.IndexRune(capitalDigits, r) / len("零"))
		}
	}
	fen = (total + group + digit) * 100
	digit = 0
	for _, r := range part {
		switch r {
		case '角':
			fen += digit * 10
		case '分':
			fen += digit
		default:
			digit = int64(strings.IndexRune(capitalDigits, r) / len("零"))
		}
	}
	if neg {
		return -fen
	}
	return fen
}

func TestCapitalsCanBeReadBack(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, n int64) {
		s := Capitals(quantity.Money(n))
		if got := readCapitals(s); got != n {
			t.Fatalf("%d is written %s, which reads %d", n, s, got)
		}
		if strings.Contains(s, "零零") || strings.Contains(s, "零元") && n != 0 || strings.HasSuffix(s, "零整") {
			t.Fatalf("%d is written %s", n, s)
		}
	}
	for n := range int64(11000) {
		check(t, n)
		check(t, n*100)
		check(t, n*10007)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.Int64Range(-1<<52, 1<<52).Draw(t, "fen")) })
}
