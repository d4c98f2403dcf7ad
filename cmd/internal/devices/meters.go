package devices

import (
	"context"
	"errors"
	"fmt"

	"tally/cardreader/profile"
	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/modbus"
	models "tally/meter/profile"
)

// framings maps the config's protocols.
var framings = map[string]modbus.Framing{
	config.ModbusRTU:  modbus.RTU,
	config.ModbusTCP:  modbus.TCP,
	config.RTUOverTCP: modbus.RTUOverTCP,
}

// OpenLine makes the Opener of a line of the config.
func OpenLine(c config.Line) line.Opener {
	if c.Kind == config.KindTCP {
		return line.TCP(c.Address)
	}
	return line.Serial(line.SerialConfig{
		Path: c.Port, Baud: c.Baud, Parity: line.Parity(c.Parity), DataBits: c.DataBits, StopBits: c.StopBits,
	})
}

// OpenMeter puts a driver for the meter on a line.
func OpenMeter(l *line.Line, c config.Line, m config.Meter, catalog *models.Catalog) (meter.Meter, error) {
	framing, ok := framings[c.Protocol]
	if !ok {
		return nil, fmt.Errorf("line %s: no driver for protocol %q", c.Name, c.Protocol)
	}
	model, err := catalog.Get(m.Model)
	if err != nil {
		return nil, fmt.Errorf("line %s, meter %s: %w", c.Name, m.ID, err)
	}
	return modbus.New(l, framing, m.Unit, model, m.ID, modbus.Options{Timeout: m.Timeout})
}

// Known is what a config may name.
func Known() config.Known {
	known := config.Known{Profiles: profile.List()}
	catalog, err := models.Builtin()
	if err != nil { // an embedded model that does not parse; the test of its package would have said so
		return known
	}
	for _, m := range catalog.Models() {
		known.Models = append(known.Models, m.Model)
	}
	return known
}

// ReadMeter opens a line of its own, reads the line's first meter once, and closes the line.
func ReadMeter(ctx context.Context, c config.Line) (_ meter.Reading, err error) {
	if len(c.Meters) == 0 {
		return meter.Reading{}, fmt.Errorf("line %s has no meter to read", c.Name)
	}
	catalog, err := models.Builtin()
	if err != nil {
		return meter.Reading{}, err
	}
	l := line.New(c.Name, OpenLine(c), line.Options{Gap: c.Gap})
	defer func() { err = errors.Join(err, l.Close()) }()
	m, err := OpenMeter(l, c, c.Meters[0], catalog)
	if err != nil {
		return meter.Reading{}, err
	}
	return m.Read(line.WithPriority(ctx, line.Interactive))
}
