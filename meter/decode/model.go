package decode

import (
	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/modbus/frame"
	"tally/meter/profile"
	"tally/meter/telegram"
)

// With returns the options with what a model says of its frames.
func (o Options) With(p *profile.Profile) Options {
	switch p.Protocol {
	case profile.CJT188:
		o.CJT188 = Variant(p.CJT188)
	case profile.DLT645:
		o.DLT645 = Codings(p.DLT645)
	case profile.MBus: // its telegrams say everything themselves
	default:
		o.Modbus.Profile = p
	}
	return o
}

// Variant is where the model leaves CJ/T 188.
func Variant(v profile.CJT188Variant) cjt188.Variant {
	return cjt188.Variant{
		SwappedItem: v.SwappedItem, Litres: v.Litres, NoStatus: v.Status == profile.None, Mirrored: v.Status == profile.Mirrored, MoreUnits: v.Units2,
		Units: map[profile.Choice]cjt188.Place{profile.After: cjt188.After, profile.Before: cjt188.Before}[v.Units],
		Clock: map[profile.Choice]cjt188.ClockOrder{profile.LowFirst: cjt188.LowFirst, profile.HighFirst: cjt188.HighFirst}[v.Clock],
	}
}

// Codings are the items of DL/T 645 that the model codes or names in its own way.
func Codings(v profile.DLT645Variant) map[dlt645.Item]dlt645.Coding {
	codings := map[dlt645.Item]dlt645.Coding{}
	for _, i := range v.Items {
		if i.Name != "" {
			item := dlt645.Item{Edition: dlt645.Edition(v.Edition), Code: i.Code}
			codings[item] = dlt645.Coding{Name: i.Name, Bytes: i.Bytes, Scale: i.Scale, Unit: i.Unit, Signed: i.Signed}
		}
	}
	return codings
}

// After returns the options with what the frame before says of the next one: a Modbus answer does not name its registers,
// its question does.
func (o Options) After(r telegram.Report) Options {
	o.Modbus.Asked = frame.QuestionOf(r)
	return o
}
