package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/profile"
	"tally/meter/regview"
)

// registerRange is what `tally meter registers` looks at.
type registerRange struct {
	table    string
	from     int
	count    int
	words    int
	oneBased bool
}

// meterRegistersCommand is `tally meter registers [ID] --from N --count N`.
func (a *app) meterRegistersCommand(deps TallyDeps) *cobra.Command {
	var w which
	var rr registerRange
	var asJSON bool
	c := &cobra.Command{
		Use: "registers [ID]", Short: a.t("look at a Modbus meter's registers in every way", "以各种方式查看 Modbus 表计的寄存器"), Args: a.args(0, 1),
		Long: a.t("Read registers and show them in all word orders and types side by side, to find out which one the display shows.\nABCD is what Modbus says, CDAB has the low word first. A dot means that the bytes are no such number; registers that the\nmeter refuses are left out.",
			"读取寄存器，并列显示各种字序和类型，以便与表盘对照。ABCD 为 Modbus 规定的字序，CDAB 为低字在前。\n点号表示该字节不是此类数值；表计拒绝的寄存器不显示。"),
		Example: "  tally meter registers --port /dev/ttyUSB0 --unit 1 --from 0 --count 10\n  tally meter registers 00012345 --table input --from 100 --count 20 --words 2",
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.checkRange(c, &rr); err != nil {
				return err
			}
			if w.direct.model == "" { // any will do: only single registers are asked for
				w.direct.model = genericModbus(deps.Known.Models)
			}
			return a.withMeter(c, w, deps, args, func(t target) error {
				views, err := browse(c.Context(), t, rr)
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(map[string]any{"meter": t.Number(), "table": rr.table, "registers": views})
				}
				if len(views) == 0 {
					a.say("the meter has none of these registers", "表计没有这些寄存器")
					return errNotWell
				}
				_, err = a.env.Out.Write([]byte(a.registers(views, rr)))
				return a.written(err)
			})
		},
	}
	a.whichFlags(c, &w, deps)
	f := c.Flags()
	f.StringVar(&rr.table, "table", "holding", a.t("`holding|input` which registers", "`holding|input` 寄存器类别"))
	f.IntVar(&rr.from, "from", 0, a.t("`N` first register as on the wire, counted from 0", "`N` 起始寄存器（报文地址，从 0 起）"))
	f.IntVar(&rr.count, "count", 16, a.t("`1-2000` how many", "`1-2000` 数量"))
	f.IntVar(&rr.words, "words", 0, a.t("`1|2|4` only values of that many registers", "`1|2|4` 仅显示占该数量寄存器的数值"))
	f.BoolVar(&rr.oneBased, "one-based", false, a.t("count registers from 1, as many documents do", "寄存器从 1 起编号（许多文档如此）"))
	a.jsonFlag(c, &asJSON)
	return c
}

// genericModbus is a model that only serves to open the meter.
func genericModbus(models []string) string {
	const generic = "generic-gas-modbus"
	for _, m := range models {
		if m == generic {
			return m
		}
	}
	if len(models) > 0 {
		return models[0]
	}
	return generic
}

func (a *app) checkRange(c *cobra.Command, r *registerRange) error {
	if r.oneBased {
		r.from--
	}
	switch {
	case r.table != "holding" && r.table != "input":
		return a.usage(c, "--table is holding or input", "--table 只能为 holding 或 input")
	case r.from < 0 || r.from > 0xFFFF:
		return a.usage(c, "--from is not an address of a register", "--from 不是寄存器地址")
	case r.count < 1 || r.count > 2000 || r.from+r.count > 0x10000:
		return a.usage(c, "--count is 1 to 2000, and the last register 65535", "--count 应在 1 至 2000 之间，且最后寄存器不超过 65535")
	case r.words != 0 && r.words != 1 && r.words != 2 && r.words != 4:
		return a.usage(c, "--words is 1, 2 or 4", "--words 只能为 1、2 或 4")
	}
	return nil
}

// mostAtOnce is how many registers one request asks for: most meters take 40, few the 125 of the standard.
const mostAtOnce = 40

// browse reads the range. A block that the meter refuses is halved until the registers that it has are found.
func browse(ctx context.Context, t target, r registerRange) ([]regview.View, error) {
	table := byte(3)
	if r.table == "input" {
		table = 4
	}
	var views []regview.View
	var read func(from, count int) error
	read = func(from, count int) error {
		res, err := t.Do(ctx, fieldwork.Act{Do: fieldwork.Registers, Table: table, Start: uint16(from), Count: count})
		switch {
		case err == nil:
			views = append(views, regview.Of(uint16(from), res.Words)...)
			return nil
		case !refused(err):
			return err
		case count == 1:
			return nil
		}
		if err := read(from, count/2); err != nil {
			return err
		}
		return read(from+count/2, count-count/2)
	}
	for from := r.from; from < r.from+r.count; from += mostAtOnce {
		if err := read(from, min(mostAtOnce, r.from+r.count-from)); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// refused tells whether a meter said no, here or at the node.
func refused(err error) bool {
	e, ok := errors.AsType[*control.Error](err)
	return errors.Is(err, meter.ErrException) || ok && e.Code == meter.Code(meter.ErrException)
}

// registers prints the views: one table for each length of values.
func (a *app) registers(views []regview.View, r registerRange) string {
	var b strings.Builder
	offset := 0
	if r.oneBased {
		offset = 1
	}
	if r.words == 0 || r.words == 1 {
		var t table
		t.row(a.t("REGISTER", "寄存器"), "HEX", "U16", "I16", "BCD", a.t("SWAPPED U16", "字节交换 U16"), a.t("TEXT", "文本"))
		for _, v := range views {
			t.row(fmt.Sprint(int(v.Address)+offset), fmt.Sprintf("%04X", v.Word), regCell(v, profile.U16, profile.ABCD), regCell(v, profile.I16, profile.ABCD),
				regCell(v, profile.BCD16, profile.ABCD), regCell(v, profile.U16, profile.BADC), v.Text)
		}
		b.WriteString(t.String())
	}
	for _, group := range []struct {
		words int
		kinds []profile.Kind
	}{{2, []profile.Kind{profile.U32, profile.I32, profile.F32, profile.BCD32}}, {4, []profile.Kind{profile.U64, profile.F64, profile.BCD64}}} {
		if r.words != group.words && (r.words != 0 || len(views) < group.words) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(a.registerTable(views, group.kinds, offset))
	}
	return b.String()
}

// registerTable has a row for each register and type, and a column for each order.
func (a *app) registerTable(views []regview.View, kinds []profile.Kind, offset int) string {
	var t table
	head := []string{a.t("REGISTERS", "寄存器"), a.t("TYPE", "类型")}
	for _, o := range regview.Orders() {
		head = append(head, string(o))
	}
	t.row(head...)
	for i, v := range views {
		n := regview.Words(kinds[0])
		if i+n > len(views) || int(views[i+n-1].Address) != int(v.Address)+n-1 {
			continue
		}
		for _, k := range kinds {
			row := []string{fmt.Sprintf("%d-%d", int(v.Address)+offset, int(v.Address)+offset+n-1), strings.ToUpper(string(k))}
			for _, o := range regview.Orders() {
				row = append(row, regCell(v, k, o))
			}
			t.row(row...)
		}
	}
	return t.String()
}

// mostCell is how wide a value may be: a float that no meter means has hundreds of digits.
const mostCell = 20

func regCell(v regview.View, k profile.Kind, o profile.Order) string {
	s, _ := v.Find(k, o)
	if s == "" || len(s) > mostCell {
		return "."
	}
	return s
}
