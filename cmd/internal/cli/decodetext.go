package cli

import (
	"fmt"
	"strings"

	"tally/meter/decode"
	"tally/meter/telegram"
)

// frameText is a report in lines.
func (a *app) frameText(r telegram.Report) string {
	var t table
	verdict := a.t("good", "正常")
	if !r.OK() {
		verdict = a.t("bad", "有误")
	}
	t.row(a.t("frame", "报文"), strings.TrimSpace(plain(r.Protocol)+"  "+verdict))
	for _, f := range r.Frame {
		t.row(a.frameField(f.Name), plain(a.framePart(f.Value)))
	}
	for _, v := range r.Values {
		t.row(a.valueName(v), a.valueText(v))
	}
	for _, p := range r.Problems {
		kind := a.t("problem", "问题")
		if p.Note {
			kind = a.t("note", "说明")
		}
		t.row(kind, a.frameProblem(p))
	}
	return t.String()
}

func (a *app) frameField(name string) string {
	if zh := frameFields[name]; a.lang == "zh" && zh != "" {
		return zh
	}
	return plain(strings.ReplaceAll(name, "_", " "))
}

func (a *app) framePart(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return a.t("yes", "是")
		}
		return a.t("no", "否")
	case string:
		return a.frameWord(v)
	case []string:
		if len(v) == 0 {
			return a.t("none", "无")
		}
		return strings.ReplaceAll(strings.Join(v, ", "), "_", " ")
	case []int:
		return strings.Trim(fmt.Sprint(v), "[]")
	}
	return fmt.Sprint(v)
}

// valueName names a value with what tells it from others of its kind.
func (a *app) valueName(v telegram.Value) string {
	name := a.frameName(v.Name)
	for _, n := range []struct {
		n      uint64
		en, zh string
	}{{v.Storage, "stored %d", "存储 %d"}, {v.Tariff, "tariff %d", "费率 %d"}, {v.Subunit, "unit %d", "子单元 %d"}} {
		if n.n != 0 {
			name += a.t(", ", "，") + a.f(n.en, n.zh, n.n)
		}
	}
	switch v.Function {
	case telegram.Maximum:
		name += a.t(", maximum", "，最大值")
	case telegram.Minimum:
		name += a.t(", minimum", "，最小值")
	case telegram.Error:
		name += a.t(", in error state", "，故障时")
	}
	return name
}

func (a *app) valueText(v telegram.Value) string {
	l := decode.NewValue(v)
	text := strings.TrimSpace(plain(a.frameWord(l.Value)) + " " + sign(v.Unit))
	if l.At != "" && !strings.HasPrefix(l.At, l.Value) {
		text += "  " + l.At
	}
	return text
}

// frameProblem says which byte is wrong and what it should be.
func (a *app) frameProblem(p *telegram.Problem) string {
	place := a.f("byte %d: ", "第 %d 字节：", p.Offset)
	if p.Code == telegram.NotHex {
		place = a.f("character %d: ", "第 %d 个字符：", p.Offset)
	}
	text := place + a.frameSentence(p.Text)
	want, got := a.frameAmount(p.Want), a.frameAmount(p.Got)
	switch {
	case p.Want != "" && p.Got != "":
		text += a.f(" (is %s, should be %s)", "（实为 %s，应为 %s）", got, want)
	case p.Got != "":
		text += a.f(" (is %s)", "（实为 %s）", got)
	case p.Want != "":
		text += a.f(" (should be %s)", "（应为 %s）", want)
	}
	return plain(text)
}

// frameAmount is what is there or should be, where it is not bytes but words about them.
func (a *app) frameAmount(s string) string {
	if a.lang != "zh" {
		return s
	}
	return strings.NewReplacer(" more bytes", " 字节", " bytes", " 字节", " registers", " 个寄存器", "two digits", "两位数字", " or ", " 或 ").Replace(s)
}
