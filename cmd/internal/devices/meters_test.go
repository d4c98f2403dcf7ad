package devices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/meter/line"
	models "tally/meter/profile"
)

func TestAddressesInOneForm(t *testing.T) {
	for _, c := range []struct{ protocol, in, want string }{
		{config.CJT188, "20120218", "00000020120218"},
		{config.CJT188, "AAAAAAAAAAAAAA", ""}, // everybody answers
		{config.CJT188, "123456789012345", ""},
		{config.DLT645, "2529", "000000002529"},
		{config.DLT645, "999999999999", ""}, // nobody answers
		{config.MBus, "17", "17"},
		{config.MBus, "12345678", "12345678.*.*.*"},
		{config.MBus, "12345678.KAM.01.06", "12345678.KAM.01.06"},
		{config.MBus, "251", ""},
		{"zigbee", "1", ""},
	} {
		got, ok := address(c.protocol, c.in)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s %q = %q, %v, want %q", c.protocol, c.in, got, ok, c.want)
		}
	}
}

// TestOpenMeterRefuses what a config that was made in the program, and not checked, may hold.
func TestOpenMeterRefuses(t *testing.T) {
	catalog, err := Models(config.Meters{})
	if err != nil {
		t.Fatal(err)
	}
	l := line.New("l", nil, line.Options{})
	for want, c := range map[string]struct {
		protocol string
		meter    config.Meter
	}{
		"no driver":      {"zigbee", config.Meter{Model: "generic-mbus"}},
		"no such meter":  {config.MBus, config.Meter{Model: "acme"}},
		"speaks cjt188":  {config.MBus, config.Meter{Model: "generic-cjt188-gas"}},
		"kind \"steam\"": {config.CJT188, config.Meter{Model: "generic-cjt188-gas", Address: "1", Kind: "steam"}},
		"up to 14":       {config.CJT188, config.Meter{Model: "generic-cjt188-gas", Address: "x"}},
		"up to 12":       {config.DLT645, config.Meter{Model: "generic-dlt645-2007", Address: "x"}},
		"identification": {config.MBus, config.Meter{Model: "generic-mbus", Address: "x"}},
		"address 0":      {config.ModbusRTU, config.Meter{Model: "generic-gas-modbus"}},
	} {
		if m, err := OpenMeter(l, config.Line{Protocol: c.protocol}, c.meter, catalog); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, m, err)
		}
	}
}

func TestSpeedOfAMeter(t *testing.T) {
	c := config.Line{Kind: config.KindSerial, Baud: 2400, Parity: config.ParityEven, DataBits: 8, StopBits: 1}
	for want, m := range map[line.Mode]config.Meter{
		{}: {Baud: 2400, Parity: config.ParityEven, StopBits: 1},
		{Baud: 1200, Parity: line.Even, DataBits: 8, StopBits: 1}: {Baud: 1200},
		{Baud: 2400, Parity: line.None, DataBits: 8, StopBits: 2}: {Parity: config.ParityNone, StopBits: 2},
	} {
		if got := modeOf(c, m); got != want {
			t.Errorf("speed of %+v = %+v, want %+v", m, got, want)
		}
	}
}

func TestOperatorsFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("own.toml", "model = \"own-gas\"\nsource = \"the maker's sheet\"\nprotocol = \"cjt188\"\n[cjt188]\nclock_order = \"high-first\"\n")
	known, err := Known().ModelDir(Known(), dir)
	if err != nil || known.Speaks["own-gas"] != "cjt188" || known.Speaks["tuf-2000f"] != "modbus" || strings.Join(known.Kindless, "") != "own-gas" {
		t.Errorf("known = %v, %v, kindless %v", known.Speaks, err, known.Kindless)
	}
	write("bad.toml", "model = \"own-gas\"\nsource = \"x\"\nprotocol = \"cjt188\"\n[cjt188]\nclock = \"high-first\"\n")
	if _, err := Known().ModelDir(Known(), dir); err == nil || !strings.Contains(err.Error(), "bad.toml:5:1") {
		t.Errorf("error = %v, want it to name bad.toml:5:1", err)
	}
	if _, err := Known().ModelDir(Known(), filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

// TestMetersKeepTheTimeOfTheUtility: whatever zone the machine is in, a meter's clock is read and set in the utility's time.
func TestMetersKeepTheTimeOfTheUtility(t *testing.T) {
	at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for want, m := range map[string]config.Meter{"08:00": {}, "07:00": {Zone: time.FixedZone("", 7*60*60)}} {
		for protocol, zone := range map[string]*time.Location{
			config.CJT188: options188(models.CJT188Variant{}, m).Zone, config.DLT645: options645(models.DLT645Variant{}, m).Zone,
		} {
			if zone == nil || at.In(zone).Format("15:04") != want {
				t.Errorf("%s: a clock in zone %v, want midnight UTC at %s", protocol, zone, want)
			}
		}
	}
}
