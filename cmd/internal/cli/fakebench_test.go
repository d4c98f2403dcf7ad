package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"tally/cmd/internal/config"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/portlist"
)

// fakeBench is a machine whose meters answer as they are expected to, and that says what was opened.
type fakeBench struct{}

func (fakeBench) Opener(c config.Line) line.Opener {
	return func(context.Context) (line.Conn, error) {
		return nil, fmt.Errorf("open %s: no such port", c.Port+c.Address)
	}
}

func (fakeBench) Options(config.Line) line.Options { return line.Options{} }

func (fakeBench) Meter(l *line.Line, c config.Line, m config.Meter) (fieldwork.Meter, error) {
	who := fmt.Sprintf("unit %d", m.Unit)
	if m.Address != "" {
		who = strings.TrimSpace("address " + m.Address + " " + m.Kind)
	}
	what := fmt.Sprintf("[%s %s %s %d %s %d%d %s %s %s]\n", c.Kind, c.Port+c.Address, c.Protocol, c.Baud, c.Parity, c.DataBits, c.StopBits, who, m.Model, m.Timeout)
	return fieldwork.Meter{Number: m.ID, Driver: fakeDriver{l.Name(), c.Port + c.Address, what, m}}, nil
}

func (fakeBench) Ports() ([]portlist.Port, error) {
	if os.Getenv("FAKE_PORTS") == "none" {
		return nil, nil
	}
	return []portlist.Port{
		{Path: "/dev/ttyS1", Driver: "serial8250", Holders: []portlist.Process{{PID: 812, Name: "tallyd", Locked: true}}},
		{Path: "/dev/ttyUSB0", ByID: "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", Driver: "ch341-uart", Product: "USB Serial",
			Holders: []portlist.Process{{PID: 4711, Name: "minicom"}}},
		{Path: "/dev/ttyUSB1", Driver: "ftdi_sio", Holders: []portlist.Process{}},
	}, nil
}

func (fakeBench) Holders(string) []portlist.Process { return nil }

// fakeDriver is a meter that answers; unit 9 is on a line that cannot be used.
type fakeDriver struct {
	line, port, what string
	m                config.Meter
}

func (d fakeDriver) Read(context.Context) (meter.Reading, error) {
	if d.m.Unit == 9 {
		return meter.Reading{}, fmt.Errorf("open %s: %w", d.port, meter.ErrLine)
	}
	fmt.Fprint(os.Stderr, d.what)
	return fakeReading(d.m.ID, d.line), nil
}
