package devices

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"tally/cmd/internal/config"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/portlist"
	models "tally/meter/profile"
)

// Bench opens lines and meters for a technician. It implements what the technician's commands need of hardware.
type Bench struct{}

// Opener opens a line of the config.
func (Bench) Opener(c config.Line) line.Opener { return OpenLine(c) }

// Options are the options of a line of the config.
func (Bench) Options(c config.Line) line.Options { return LineOptions(c) }

// Meter puts a driver for the meter on a line, with the models that come with tally.
func (Bench) Meter(l *line.Line, c config.Line, m config.Meter) (fieldwork.Meter, error) {
	catalog, err := models.Builtin()
	if err != nil {
		return fieldwork.Meter{}, err
	}
	return FieldMeter(l, c, m, catalog)
}

// Ports lists the serial ports of this machine.
func (Bench) Ports() ([]portlist.Port, error) { return portlist.List() }

// Holders tells who has a port open.
func (Bench) Holders(path string) []portlist.Process { return portlist.Holders(path) }

// FieldMeter puts a driver for the meter on a line, and knows how to reach another address of the same line.
func FieldMeter(l *line.Line, c config.Line, m config.Meter, catalog *models.Catalog) (fieldwork.Meter, error) {
	driver, err := OpenMeter(l, c, m, catalog)
	if err != nil {
		return fieldwork.Meter{}, err
	}
	model, err := catalog.Get(m.Model)
	if err != nil {
		return fieldwork.Meter{}, err
	}
	patience := cmp.Or(m.Timeout, model.Timing.Timeout, time.Second)
	return fieldwork.Meter{Number: m.ID, Driver: driver, Patience: patience, Elsewhere: func(address string) (meter.Meter, error) {
		other, err := readdressed(c.Protocol, m, address)
		if err != nil {
			return nil, err
		}
		return OpenMeter(l, c, other, catalog)
	}}, nil
}

// readdressed is the meter as it would be at another address.
func readdressed(protocol string, m config.Meter, to string) (config.Meter, error) {
	m.ID = meter.ID(to)
	if _, modbus := framings[protocol]; modbus {
		unit, err := strconv.ParseUint(to, 10, 8)
		if err != nil || unit < 1 || unit > 247 {
			return m, fmt.Errorf("address %q is none of Modbus: 1–247", to)
		}
		m.Unit = uint8(unit)
		return m, nil
	}
	written, ok := address(protocol, to)
	if !ok {
		return m, fmt.Errorf("address %q is none of %s", to, protocol)
	}
	m.Address = written
	return m, nil
}
