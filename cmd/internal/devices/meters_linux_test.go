package devices

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
)

// A line for each protocol, with one simulated meter on it that shows 1234.56 of whatever it measures.
func simulated(protocol string) *metersim.Bus {
	bus := metersim.NewBus(metersim.Pacing{})
	switch protocol {
	case config.ModbusRTU, config.ModbusTCP, config.RTUOverTCP:
		bus.Attach(7, metersim.NewGasMeter(1_234_560))
	case config.CJT188:
		m := &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{0x18, 0x02, 0x12, 0x20}}
		m.Turn(123_456)
		speech := &metersim.CJT188{}
		speech.Add(m)
		bus.Speech = speech
	case config.DLT645:
		m := &metersim.DLT645Meter{Address: [6]byte{0x29, 0x25, 0x07, 0x07, 0x12, 0x20}}
		m.Set([]byte{0, 0, 1, 0}, []byte{0x56, 0x34, 0x12, 0x00})
		m.Set([]byte{0, 0, 3, 2}, []byte{0x00, 0x50, 0x00})
		speech := &metersim.DLT645{}
		speech.Add(m)
		bus.Speech = speech
	case config.MBus:
		m := &metersim.MBusMeter{Address: 3, Header: [12]byte{0x78, 0x56, 0x34, 0x12, 0x2D, 0x2C, 0x01, 0x06}}
		m.Set([]byte{0x0C, 0x14, 0x56, 0x34, 0x12, 0x00})
		speech := &metersim.MBus{}
		speech.Add(m)
		bus.Speech = speech
	}
	return bus
}

// texts are the config's lines for the meter of each protocol, and what a reading of it shows.
var texts = map[string]struct{ meter, value string }{
	config.ModbusRTU:  {`unit = 7` + "\n" + `model = "generic-gas-modbus"`, "volume=1234.560 m3"},
	config.ModbusTCP:  {`unit = 7` + "\n" + `model = "generic-gas-modbus"`, "volume=1234.560 m3"},
	config.RTUOverTCP: {`unit = 7` + "\n" + `model = "generic-gas-modbus"`, "volume=1234.560 m3"},
	config.CJT188:     {`address = "20120218"` + "\n" + `model = "generic-cjt188-gas"`, "volume=1234.56 m3"},
	config.DLT645:     {`address = "201207072529"` + "\n" + `model = "generic-dlt645-2007"`, "energy_import=1234.56 kWh"},
	config.MBus:       {`address = "12345678.*.*.06"` + "\n" + `model = "generic-mbus"`, "volume=1234.56 m3"},
}

// open reads a config with one line and its meter, and opens both.
func open(t *testing.T, lineText, protocol string) (*line.Line, meter.Meter) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "node.toml")
	text := "node = \"n\"\ndata_dir = \"d\"\n[[line]]\nname = \"l\"\nprotocol = \"" + protocol + "\"\n" + lineText + "\n[[line.meter]]\nid = \"4711\"\n" + texts[protocol].meter + "\ntimeout = \"1m\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadNode(file, config.Options{Known: Known()})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := Models(cfg.Meters)
	if err != nil {
		t.Fatal(err)
	}
	c := cfg.Lines[0]
	l := line.New(c.Name, OpenLine(c), LineOptions(c))
	t.Cleanup(func() { l.Close() })
	m, err := OpenMeter(l, c, c.Meters[0], catalog)
	if err != nil {
		t.Fatal(err)
	}
	return l, m
}

func checkReading(t *testing.T, l *line.Line, m meter.Meter, want string) {
	t.Helper()
	from := time.Now()
	r, err := m.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(want, "=")
	v, _ := r.Find(name)
	if got := v.Name + "=" + v.Number.String() + " " + string(v.Unit); got != want {
		t.Errorf("read %s, want %s (all: %v)", got, want, r.Values)
	}
	if r.Meter != "4711" || r.Line != "l" || r.At.Before(from) {
		t.Errorf("reading of %s on %s at %s", r.Meter, r.Line, r.At)
	}
	if s := l.MeterStats()["4711"]; s.OK == 0 || s.OK != l.Stats().OK {
		t.Errorf("the meter's own figures: %+v, the line's: %+v", s, l.Stats())
	}
}

// TestEveryProtocolOnASerialLine reads a meter of each protocol as a config names it, on a pseudo-terminal.
func TestEveryProtocolOnASerialLine(t *testing.T) {
	for _, protocol := range config.SerialProtocols() {
		t.Run(protocol, func(t *testing.T) {
			pty, err := metersim.OpenPTY()
			if err != nil {
				t.Fatal(err)
			}
			serve(t, func(ctx context.Context) error { defer pty.Close(); return simulated(protocol).Serve(ctx, pty.Wire) })
			l, m := open(t, "kind = \"serial\"\nport = \""+pty.Path+"\"", protocol)
			checkReading(t, l, m, texts[protocol].value)
		})
	}
}

// TestEveryProtocolBehindAGateway does the same over TCP.
func TestEveryProtocolBehindAGateway(t *testing.T) {
	for _, protocol := range config.TCPProtocols() {
		t.Run(protocol, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			bus := simulated(protocol)
			gateway := bus.ServeRTUOverTCP
			if protocol == config.ModbusTCP {
				gateway = bus.ServeTCP
			}
			serve(t, func(ctx context.Context) error { return gateway(ctx, ln) })
			l, m := open(t, "kind = \"tcp\"\naddress = \""+ln.Addr().String()+"\"", protocol)
			checkReading(t, l, m, texts[protocol].value)
		})
	}
}

// serve runs until the test ends.
func serve(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
