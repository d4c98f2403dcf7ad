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

func (a *app) framePart(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return a.t("yes", "是")
		}
		return a.t("no", "否")
	case []string:
		return strings.Join(v, ", ")
	case []int:
		return strings.Trim(fmt.Sprint(v), "[]")
	}
	return fmt.Sprint(v)
}

// valueName names a value with what tells it from others of its kind.
func (a *app) valueName(v telegram.Value) string {
	name := a.quantity(v.Name)
	for _, n := range []struct {
		n      uint64
		en, zh string
	}{{v.Storage, "stored %d", "存储 %d"}, {v.Tariff, "tariff %d", "费率 %d"}, {v.Subunit, "unit %d", "子单元 %d"}} {
		if n.n != 0 {
			name += ", " + a.f(n.en, n.zh, n.n)
		}
	}
	switch v.Function {
	case telegram.Maximum:
		name += a.t(", maximum", ", 最大值")
	case telegram.Minimum:
		name += a.t(", minimum", ", 最小值")
	case telegram.Error:
		name += a.t(", in error state", ", 故障时")
	}
	return name
}

func (a *app) valueText(v telegram.Value) string {
	l := decode.NewLine(telegram.Report{Values: []telegram.Value{v}}).Values[0]
	text := strings.TrimSpace(plain(l.Value) + " " + sign(v.Unit))
	if l.At != "" && l.At != l.Value {
		text += "  " + l.At
	}
	return text
}

func (a *app) frameField(name string) string { return plain(strings.ReplaceAll(name, "_", " ")) }

func (a *app) frameProblem(p *telegram.Problem) string { return plain(p.Error()) }
