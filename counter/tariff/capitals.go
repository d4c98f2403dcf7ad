package tariff

import (
	"strings"

	"tally/meter/quantity"
)

const capitalDigits = "零壹贰叁肆伍陆柒捌玖"

// Capitals writes an amount in capital Chinese numerals (大写) as on a receipt: 105.30 is 壹佰零伍元叁角整. A zero inside
// the yuan, or between them and the fen, is written once however many there are; a trailing one is not. Whole yuan and
// whole jiao end in 整. A negative amount begins with 负.
func Capitals(m quantity.Money) string {
	sign, n := "", uint64(m)
	if m < 0 {
		sign, n = "负", -n
	}
	yuan, jiao, fen := n/100, int(n/10%10), int(n%10)
	if n == 0 {
		return "零元整"
	}
	var b strings.Builder
	b.WriteString(sign)
	if yuan > 0 {
		b.WriteString(wholeCapitals(yuan) + "元")
	}
	switch {
	case jiao > 0:
		b.WriteString(digitCapital(jiao) + "角")
	case fen > 0 && yuan > 0:
		b.WriteString("零")
	}
	if fen > 0 {
		b.WriteString(digitCapital(fen) + "分")
	} else {
		b.WriteString("整")
	}
	return b.String()
}

// wholeCapitals writes groups of four digits (个, 万, 亿, 万亿, 亿亿). A group that is left out, or one with a leading zero
// after a higher one, leaves one 零.
func wholeCapitals(n uint64) string {
	if n >= 1_0000_0000 {
		return joinCapitals(wholeCapitals(n/1_0000_0000)+"亿", n%1_0000_0000, 1000_0000)
	}
	if n >= 1_0000 {
		return joinCapitals(thousandCapitals(int(n/1_0000))+"万", n%1_0000, 1000)
	}
	return thousandCapitals(int(n))
}

func joinCapitals(high string, rest, full uint64) string {
	switch {
	case rest == 0:
		return high
	case rest < full:
		return high + "零" + wholeCapitals(rest)
	}
	return high + wholeCapitals(rest)
}

// thousandCapitals writes 1–9999.
func thousandCapitals(n int) string {
	var b strings.Builder
	gap := false
	for i, unit := range []string{"仟", "佰", "拾", ""} {
		digit := n / [...]int{1000, 100, 10, 1}[i] % 10
		if digit == 0 {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteString("零")
		}
		gap = false
		b.WriteString(digitCapital(digit) + unit)
	}
	return b.String()
}

func digitCapital(d int) string { return string([]rune(capitalDigits)[d]) }
