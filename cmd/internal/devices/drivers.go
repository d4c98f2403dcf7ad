package devices

import (
	"cmp"
	"fmt"
	"time"

	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/cjt188"
	"tally/meter/decode"
	"tally/meter/dlt645"
	"tally/meter/line"
	"tally/meter/mbus"
	"tally/meter/modbus"
	models "tally/meter/profile"
	"tally/meter/telegram"
)

// framings maps the config's Modbus protocols.
var framings = map[string]modbus.Framing{
	config.ModbusRTU:  modbus.RTU,
	config.ModbusTCP:  modbus.TCP,
	config.RTUOverTCP: modbus.RTUOverTCP,
}

// drivers is the list of protocols: what each needs to put a meter on a line.
var drivers = map[models.Protocol]func(*line.Line, config.Line, config.Meter, *models.Profile) (meter.Meter, error){
	models.Modbus: openModbus,
	models.CJT188: openCJT188,
	models.DLT645: openDLT645,
	models.MBus:   openMBus,
}

// OpenMeter puts a driver for the meter on a line. What the meter can do beyond being read is found by type assertion.
func OpenMeter(l *line.Line, c config.Line, m config.Meter, catalog *models.Catalog) (meter.Meter, error) {
	model, err := catalog.Get(m.Model)
	if err != nil {
		return nil, fmt.Errorf("line %s, meter %s: %w", c.Name, m.ID, err)
	}
	family := models.Protocol(c.Protocol)
	if _, isModbus := framings[c.Protocol]; isModbus {
		family = models.Modbus
	}
	open, ok := drivers[family]
	switch {
	case !ok:
		return nil, fmt.Errorf("line %s: no driver for protocol %q", c.Name, c.Protocol)
	case model.Protocol != family:
		return nil, fmt.Errorf("line %s, meter %s: model %s speaks %s, the line speaks %s", c.Name, m.ID, m.Model, model.Protocol, c.Protocol)
	}
	m.Timeout = cmp.Or(m.Timeout, model.Timing.Timeout)
	driver, err := open(l.For(string(m.ID), modeOf(c, m)), c, m, model)
	if err != nil {
		return nil, fmt.Errorf("line %s: %w", c.Name, err)
	}
	return driver, nil
}

// modeOf is the meter's own speed, zero where it is the line's.
func modeOf(c config.Line, m config.Meter) line.Mode {
	if c.Kind != config.KindSerial {
		return line.Mode{}
	}
	own := line.Mode{Baud: cmp.Or(m.Baud, c.Baud), Parity: line.Parity(cmp.Or(m.Parity, c.Parity)), DataBits: c.DataBits, StopBits: cmp.Or(m.StopBits, c.StopBits)}
	if own == (line.Mode{Baud: c.Baud, Parity: line.Parity(c.Parity), DataBits: c.DataBits, StopBits: c.StopBits}) {
		return line.Mode{}
	}
	return own
}

func openModbus(l *line.Line, c config.Line, m config.Meter, p *models.Profile) (meter.Meter, error) {
	return modbus.New(l, framings[c.Protocol], m.Unit, p, m.ID, modbus.Options{Timeout: m.Timeout})
}

func openCJT188(l *line.Line, _ config.Line, m config.Meter, p *models.Profile) (meter.Meter, error) {
	a, err := cjt188.ParseAddress(m.Address)
	if err != nil {
		return nil, fmt.Errorf("meter %s: %w", m.ID, err)
	}
	kind := p.CJT188.Kind
	if m.Kind != "" {
		if kind, err = models.Kind188(m.Kind); err != nil {
			return nil, fmt.Errorf("meter %s: %w", m.ID, err)
		}
	}
	if kind == 0 {
		return nil, fmt.Errorf("meter %s: neither it nor its model %s says what is metered", m.ID, p.Model)
	}
	return cjt188.New(l, cjt188.Kind(kind), a, m.ID, options188(p.CJT188, m))
}

func options188(v models.CJT188Variant, m config.Meter) cjt188.Options {
	o := cjt188.Options{Timeout: m.Timeout, Unserial: v.Unserial, Control: v.ReadControl, NoValve: !v.Valve, Months: v.Months, Zone: ZoneOf(m)}
	o.Preamble = preamble(v.Preamble)
	o.Variant = decode.Variant(v)
	return o
}

// preamble turns a model's number of FE, −1 for the protocol's own, into that of the drivers.
func preamble(n int) int {
	switch n {
	case -1:
		return 0
	case 0:
		return -1
	}
	return n
}

// ZoneOf is the zone of a meter's clock: that of the utility. The machine's own, which is UTC in many boxes, says nothing.
func ZoneOf(m config.Meter) *time.Location {
	return cmp.Or(m.Zone, time.FixedZone("", 8*60*60))
}

func openDLT645(l *line.Line, _ config.Line, m config.Meter, p *models.Profile) (meter.Meter, error) {
	a, err := dlt645.ParseAddress(m.Address)
	if err != nil {
		return nil, fmt.Errorf("meter %s: %w", m.ID, err)
	}
	return dlt645.New(l, a, m.ID, options645(p.DLT645, m))
}

func options645(v models.DLT645Variant, m config.Meter) dlt645.Options {
	o := dlt645.Options{Timeout: m.Timeout, Preamble: preamble(v.Preamble), Freezes: v.Freezes, NoClock: !v.Clock, Codings: decode.Codings(v), Zone: ZoneOf(m)}
	for _, i := range v.Items {
		o.Items = append(o.Items, dlt645.Item{Edition: dlt645.Edition(v.Edition), Code: i.Code})
	}
	return o
}

func openMBus(l *line.Line, _ config.Line, m config.Meter, p *models.Profile) (meter.Meter, error) {
	primary, selection, err := mbus.ParseAddress(m.Address)
	if err != nil {
		return nil, fmt.Errorf("meter %s: %w", m.ID, err)
	}
	o := mbus.Options{Timeout: m.Timeout, Select: selection, Telegrams: p.MBus.Telegrams}
	for _, v := range p.MBus.Values {
		pick := mbus.Pick{From: v.From, As: v.As, Unit: v.Unit, Storage: v.Storage, Tariff: v.Tariff, Subunit: v.Subunit}
		if v.Max {
			pick.Function = telegram.Maximum
		}
		o.Picks = append(o.Picks, pick)
	}
	return mbus.New(l, primary, m.ID, o)
}
