package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
)

var inZh, inEn = voice{lang: zh}, voice{lang: en}

// Every text that a template asks for is there, in both languages, and none is left over.
func TestTextsAreComplete(t *testing.T) {
	used := map[string]bool{}
	ask := regexp.MustCompile(`\bt "([^"]+)"`)
	names, _ := fs.Glob(templates, "templates/*.html")
	for _, name := range names {
		b, err := fs.ReadFile(templates, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ask.FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
			if _, ok := texts[m[1]]; !ok {
				t.Errorf("%s: no text %q", name, m[1])
			}
		}
	}
	inCode := []string{"age.", "class.", "status.", "unit.", "hour"}
	for key, b := range texts {
		if b.zh == "" || b.en == "" {
			t.Errorf("%s is not in both languages", key)
		}
		if strings.ContainsRune(b.en, '，') || strings.ContainsRune(b.en, '。') {
			t.Errorf("%s: Chinese punctuation in English", key)
		}
		code := false
		for _, p := range inCode {
			code = code || strings.HasPrefix(key, p)
		}
		if !used[key] && !code {
			t.Errorf("%s is not used", key)
		}
	}
}

// Chinese letters have no place on the English page, besides data and the names of the languages.
func TestEnglishPageIsEnglish(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Station = "C3" })
	s.f.change(func() { s.f.desks = nil; s.f.bench.Cards = nil })
	page := text(t, s.ask("GET", "/", "", cookie(s.login()), english, html))
	page = strings.NewReplacer("陈静", "", "中文", "").Replace(page)
	if han := regexp.MustCompile(`\p{Han}+`).FindAllString(page, -1); len(han) > 0 {
		t.Errorf("Chinese on the English page: %v", han)
	}
}

func TestOwnFailures(t *testing.T) {
	for code, f := range own {
		for _, l := range voices() {
			if m, _ := l.phrase(code, nil); m == "" || m == code {
				t.Errorf("%s has no message in %v", code, l)
			}
		}
		if (f[1].zh == "") != (f[1].en == "") {
			t.Errorf("%s has a hint in one language only", code)
		}
		if statusOf(code) < 400 || statusOf(code) == 409 {
			t.Errorf("%s has status %d", code, statusOf(code))
		}
	}
}

func TestAge(t *testing.T) {
	for ago, want := range map[time.Duration][2]string{
		0: {"0 秒前", "0 s ago"}, 59 * time.Second: {"59 秒前", "59 s ago"}, time.Minute: {"1 分钟前", "1 min ago"},
		90 * time.Minute: {"1 小时前", "1 h ago"}, 47 * time.Hour: {"47 小时前", "47 h ago"}, 48 * time.Hour: {"2 天前", "2 d ago"},
		-time.Second: {"时间在未来", "in the future"},
	} {
		if got := inZh.age(start, start.Add(-ago)); got != want[0] {
			t.Errorf("%s: %s", ago, got)
		}
		if got := inEn.age(start, start.Add(-ago)); got != want[1] {
			t.Errorf("%s: %s", ago, got)
		}
	}
	if inZh.age(start, time.Time{}) != "—" || when(time.Time{}) != "—" {
		t.Error("no time is not a dash")
	}
}

func TestTimesAreUTC8(t *testing.T) {
	late := time.Date(2026, 12, 31, 16, 0, 1, 0, time.UTC)
	if got := when(late); got != "2027-01-01 00:00:01" {
		t.Errorf("when: %s", got)
	}
	if clock(late) != "00:00:01" {
		t.Error("clock is not UTC+8")
	}
	if fresh(late, late.Add(-2*time.Second)) || !fresh(late.Add(time.Hour), late) {
		t.Error("yesterday's time is taken for today's")
	}
	if inZh.hour("2026-11-21T14") != "2026-11-21 14 时" || inEn.hour("garbled") != "garbled" {
		t.Error("hour of a card")
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		u    purse.Unit
		a    purse.Amount
		want string
	}{
		{purse.UnitDeciM3, 123, "12.3"}, {purse.UnitDeciM3, -5, "-0.5"}, {purse.UnitCentiM3, 123, "1.23"},
		{purse.UnitFen, 32504, "325.04"}, {"furlong", 7, "7"},
	} {
		if got := amount(c.u, c.a); got != c.want {
			t.Errorf("%d %s: %s", c.a, c.u, got)
		}
	}
	if inZh.unit(purse.UnitFen) != "元" || inZh.unit(purse.UnitDeciM3) != "m³" || places(purse.UnitDeciM3) != 1 || places(purse.UnitCentiM3) != 2 {
		t.Error("unit or places")
	}
	if receiptNo(7) != "000007" || receiptNo(12345678) != "12345678" || battery(32) != "3.2 V" {
		t.Error("receipt number or battery")
	}
}

// A reading shows every digit that the meter gave, in its unit; what is missing is a dash, never a zero.
func TestVolumeOfAReading(t *testing.T) {
	for _, c := range []struct {
		n    quantity.Decimal
		u    quantity.Unit
		want string
	}{
		{quantity.Decimal{Unscaled: 55667700, Scale: 2}, quantity.UnitCubicMetre, "556677.00"},
		{quantity.Decimal{Unscaled: 1234567}, quantity.UnitLitre, "1234.567"},
		{quantity.Decimal{Unscaled: 15, Scale: 1}, quantity.UnitKWh, "1.5 kWh"},
	} {
		r := &meter.Reading{Values: []meter.Value{{Name: meter.Volume, Number: c.n, Unit: c.u}}}
		if got := volume(r); got != c.want {
			t.Errorf("%v %s: %s", c.n, c.u, got)
		}
	}
	if got := volume(&meter.Reading{}); got != "—" {
		t.Errorf("no value is %s", got)
	}
}

// A dead meter is said to be so in words, beside the last good reading with its own old time.
func TestDeadMeterIsSaidToBeDead(t *testing.T) {
	s := newSite(t)
	page := text(t, s.ask("GET", "/", "", cookie(s.login()), html))
	_, row, _ := strings.Cut(page, `data-meter="202600000103"`)
	row, _, _ = strings.Cut(row, "</tbody>")
	for _, want := range []string{"556.677", "2026-11-21 11:05:33", "3 小时前", "不通", "表无应答", "2026-11-21 14:04:33"} {
		if !strings.Contains(row, want) {
			t.Errorf("the dead meter's row lacks %s: %s", want, row)
		}
	}
}

// Where no reader can be used at all the page says why, and does not ask for a reader.
func TestTroubleWithTheReaders(t *testing.T) {
	var trouble *counter.Refusal
	s := newSite(t, func(o *Options) { o.Trouble = func() *counter.Refusal { return trouble } })
	s.f.desks = nil
	me := cookie(s.login())
	if p := text(t, s.ask("GET", "/", "", me, html)); !strings.Contains(p, "请连接读卡器") {
		t.Error("no reader, and nobody is asked for one")
	}
	trouble = &counter.Refusal{Code: "no_service"}
	p := text(t, s.ask("GET", "/", "", me, html))
	if !strings.Contains(p, "智能卡服务没有运行") || strings.Contains(p, "请连接读卡器") {
		t.Error("the page does not say that the service is away")
	}
	if p = text(t, s.ask("GET", "/", "", me, html, english)); !strings.Contains(p, "The smart-card service is not running.") {
		t.Error("nor in English")
	}
}

// A meter that was never read says what went wrong, and when it was tried last; nothing is said of times that are not known.
func TestFailureOfAMeterWithoutAReading(t *testing.T) {
	s := newSite(t)
	s.f.meters = []MeterView{{ID: "202600000104", Failure: &meter.Failure{At: start.Add(-26 * time.Hour), Code: "checksum"}}}
	_, row, _ := strings.Cut(text(t, s.ask("GET", "/", "", cookie(s.login()), html)), `data-meter="202600000104"`)
	row, _, _ = strings.Cut(row, "</tbody>")
	for _, want := range []string{"尚无读数", "抄表失败", "应答校验错误", "上次尝试 2026-11-20 12:05:33"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row lacks %s: %s", want, row)
		}
	}
	for _, not := range []string{"不通", "始于", "下次尝试", "0001-"} {
		if strings.Contains(row, not) {
			t.Errorf("the row says %s: %s", not, row)
		}
	}
}

// Everything that a desk can be has words in both languages.
func TestEveryPhaseHasWords(t *testing.T) {
	for _, p := range []counter.Phase{counter.NoReader, counter.Empty, counter.Reading, counter.Ready, counter.Writing, counter.Failed} {
		if inZh.word("phase", string(p)) == string(p) || inEn.word("phase", string(p)) == inZh.word("phase", string(p)) {
			t.Errorf("phase %s has no words", p)
		}
	}
}
