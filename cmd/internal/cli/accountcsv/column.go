package accountcsv

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tally/counter"
	"tally/meter/quantity"
)

// column is one column that a file may have.
type column struct {
	name     string
	required bool
	about    text
	// read checks a cell that is not empty and keeps its value.
	read func(l *line, cell string)
	// update moves the column's value to an account that exists already; nil when an import leaves that alone.
	update func(to *counter.Account, from counter.Account)
}

// columns are all columns, in the order of the help.
func columns() []column {
	return []column{
		{"no", true, text{"customer number, unique", "客户号，不得重复"},
			func(l *line, s string) { l.account.No = l.number("no", s) }, nil},
		{"name", true, text{"of the customer", "客户姓名"},
			func(l *line, s string) { l.account.Name = l.text("name", s) },
			func(to *counter.Account, from counter.Account) { to.Name = from.Name }},
		{"address", false, text{"where the meter is", "用气（水）地址"},
			func(l *line, s string) { l.account.Address = l.text("address", s) },
			func(to *counter.Account, from counter.Account) { to.Address = from.Address }},
		{"phone", false, text{"of the customer", "联系电话"},
			func(l *line, s string) { l.account.Phone = l.text("phone", s) },
			func(to *counter.Account, from counter.Account) { to.Phone = from.Phone }},
		{"price_class", true, text{"class of a tariff in the configuration", "价格类别，须在配置的价格表中"},
			(*line).class, func(to *counter.Account, from counter.Account) { to.PriceClass = from.PriceClass }},
		{"medium", false, text{"what the customer buys: gas or water; gas when empty", "所购介质：gas（燃气）或 water（水）；空则为 gas"},
			(*line).medium, func(to *counter.Account, from counter.Account) { to.Water = from.Water }},
		{"region", false, text{"of the card, four hexadecimal digits; that of the counter when empty", "卡片区域号，四位十六进制数；空则为柜台的区域"},
			(*line).cardRegion, nil},
		{"card", false, text{"card number with its leading zeros; empty for a customer without a card", "卡号，保留前导零；无卡客户留空"},
			(*line).card, nil},
		{"card_seq", false, text{"sequence of the newest order on a card taken over from another system; 0 or empty for a card without one", "从其他系统接收的卡上最新订单的序号；卡上无订单时为 0 或留空"},
			(*line).cardSeq, nil},
		{"meter", false, text{"number of the meter", "表号"},
			func(l *line, s string) { l.account.Meter = l.number("meter", s) },
			func(to *counter.Account, from counter.Account) { to.Meter = from.Meter }},
		{"bought_m3", false, text{"bought in the running tier period so far; 0 when empty", "本阶梯周期已购量；空则为 0"},
			func(l *line, s string) { l.account.Bought = l.volume("bought_m3", s) }, nil},
		{"period_start", false, text{"first day of that period, as 2026-01-01; by the tariff when empty", "该周期首日，如 2026-01-01；空则按价格表"},
			(*line).periodStart, nil},
		{"max_purchase_m3", false, text{"most for one purchase; 0 or empty for no limit", "单次购买上限；0 或空为不限"},
			func(l *line, s string) { l.account.MaxPurchase = l.volume("max_purchase_m3", s) },
			func(to *counter.Account, from counter.Account) { to.MaxPurchase = from.MaxPurchase }},
		{"hoard_m3", false, text{"most credit that the meter accepts; 0 or empty for no limit", "表内囤积上限；0 或空为不限"},
			func(l *line, s string) { l.account.Hoard = l.volume("hoard_m3", s) },
			func(to *counter.Account, from counter.Account) { to.Hoard = from.Hoard }},
	}
}

// About lists the columns with what stands in them, for a help text.
func About(lang string) (names, abouts []string) {
	for _, c := range columns() {
		names, abouts = append(names, c.name), append(abouts, c.about.In(lang))
	}
	return names, abouts
}

func names() string {
	all, _ := About("en")
	return strings.Join(all, ", ")
}

// maxText bounds a cell in bytes: far more than an address needs, and no one fills the ledger with a single row.
const maxText = 512

// maxVolume bounds a volume to what a meter's register could show.
const maxVolume = 99_999_999 * quantity.CubicMetre

// line is one row that is being read.
type line struct {
	rules    *Rules
	account  counter.Account
	reported func(column, code string, args ...any)
}

// cell checks what holds for every column and hands the rest to the column.
func (l *line) cell(c column, s string) {
	switch {
	case s == "" && c.required:
		l.reported(c.name, codeEmpty)
	case s == "":
	case strings.TrimSpace(s) != s:
		l.reported(c.name, codeSpace)
	default:
		c.read(l, s)
	}
}

// text is one line that people read.
func (l *line) text(column, s string) string {
	control := func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
		l.reported(column, codeText, maxText)
	}
	return s
}

func (l *line) number(column, s string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if len(s) > 64 || strings.Trim(s, letters+digits+"_.-") != "" {
		l.reported(column, codeNumber)
		return ""
	}
	return s
}

const digits = "0123456789"

func (l *line) class(s string) {
	classes := l.rules.classes()
	if !slices.Contains(classes, s) {
		l.reported("price_class", codeClass, strings.Join(classes, ", "))
	}
	l.account.PriceClass = s
}

func (l *line) medium(s string) {
	if s != "gas" && s != "water" {
		l.reported("medium", codeMedium)
	}
	l.account.Water = s == "water"
}

func (l *line) cardRegion(s string) {
	b, err := hex.DecodeString(s)
	switch {
	case err != nil || len(b) != 2:
		l.reported("region", codeRegion)
	case uint16(b[0])<<8|uint16(b[1]) != l.rules.Region:
		l.reported("region", codeOtherRegion, l.rules.Region)
	}
}

func (l *line) cardSeq(s string) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || strings.Trim(s, digits) != "" {
		l.reported("card_seq", codeSeq)
		return
	}
	l.account.CardSeq = uint16(n)
}

func (l *line) card(s string) {
	if len(s) != l.rules.CardDigits || strings.Trim(s, digits) != "" {
		l.reported("card", codeCard, l.rules.CardDigits)
		return
	}
	l.account.Card.Region, l.account.Card.No = l.rules.Region, s
}

func (l *line) volume(column, s string) quantity.Volume {
	v, err := quantity.ParseVolume(s)
	if err != nil || v < 0 || v > maxVolume {
		l.reported(column, codeVolume, maxVolume.String())
		return 0
	}
	return v
}

func (l *line) periodStart(s string) {
	day, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil || day.Format(time.DateOnly) != s:
		l.reported("period_start", codeDay)
	case s > l.rules.Today:
		l.reported("period_start", codeFuture, l.rules.Today)
	}
	l.account.PeriodStart = s
}
