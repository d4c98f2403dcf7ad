package profile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tally/meter"
)

func parse32(t interface{ Fatalf(string, ...any) }, s string) float32 {
	f, err := strconv.ParseFloat(s, 32)
	if err != nil {
		t.Fatalf("parse %s: %v", s, err)
	}
	return float32(f)
}

const head = "model = \"m\"\nsource = \"s\"\nprotocol = \"modbus\"\n"

func register(name, address, kind string, more ...string) string {
	return "[[register]]\nname = \"" + name + "\"\naddress = " + address + "\ntype = \"" + kind + "\"\n" + strings.Join(more, "\n") + "\n"
}

func TestBuiltinModels(t *testing.T) {
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Models()) < 3 {
		t.Errorf("%d models", len(c.Models()))
	}
	for _, p := range c.Models() {
		if p.Title == "" || p.Source == "" || p.URL == "" && !strings.HasPrefix(p.Model, "generic-") {
			t.Errorf("%s has no title, source or address of its document", p.Model)
		}
		if _, err := os.Stat(filepath.Join("models", p.Model+".toml")); err != nil {
			t.Errorf("model %s is in a file of another name", p.Model)
		}
	}
	if _, err := c.Get("nothing"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Get of an unknown model: %v", err)
	}
}

// Register bytes as a meter of each model would send them, by its document.
func TestBuiltinVectors(t *testing.T) {
	vectors := map[string]struct {
		data []string // one for each block
		want string
	}{
		"generic-gas-modbus": {[]string{"0012D687 000009C4 00B9 016A"}, "volume=1234.567m3 flow=2.500m3/h temperature=18.5Cel battery=3.62V"},
		// The manual reads REG0001 on with 01 03 00 00 …: counted from 1; LONG and REAL4 low word first.
		"tuf-2000f": {[]string{"0000 40200000 0000 0000 3FC0 0000 0000 04D2 0000 0000 3F00 0001 0000 0000 3E80"},
			"flow=2.5m3/h velocity=1.5m/s volume=1234.5m3 volume_reverse=1.25m3"},
		"eastron-sdm120": {[]string{"43660000" + strings.Repeat("0000", 4) + "3FC00000" + strings.Repeat("0000", 4) + "43AC8000",
			"42480000 42F6E979 00000000", "42F6E979"}, "voltage=230V current=1.5A power=345W frequency=50Hz energy=123.456kWh energy_export=0kWh energy_total=123.456kWh"},
		"eastron-sdm630": {[]string{"43660000 43660000 43660000 3FC00000 3FC00000 00000000", "43AC8000", "42480000 42F6E979 00000000"},
			"voltage_a=230V voltage_b=230V voltage_c=230V current_a=1.5A current_b=1.5A current_c=0A power=345W frequency=50Hz energy=123.456kWh energy_export=0kWh"},
		"eastron-sdm72d-m": {[]string{"43AC8000", "42F6E979 00000000", "42F6E979"},
			"power=345W energy=123.456kWh energy_export=0kWh energy_total=123.456kWh"},
		// The manual's own example of the order: 0A 11 42 C5 is the float 42C50A11.
		"suto-s430": {[]string{"000041AC 000040C0 00004110 0A1142C5 D6870012" + strings.Repeat("0000", 4) + "00070000"},
			"temperature=21.5Cel pressure=6bar velocity=9m/s flow=98.51966m3/h volume=1234567m3 volume_reverse=7m3"},
		"suto-s401": {[]string{"000041AC 00000000 00000000 00004120 D6870012" + strings.Repeat("0000", 4) + "00070000"},
			"temperature=21.5Cel flow=10m3/h volume=1234567m3 volume_reverse=7m3"},
		"suto-s418": {[]string{"000040C0 00000000 0A1142C5 D6870012"}, "pressure=6bar flow=98.51966m3/h volume=1234567m3"},
		"dynaflox-ultrad": {[]string{"000004E2 000004D2 0008A8F8 00000000 000003E8 00015180 00000000 00000E24"},
			"flow=1250L/h volume=1234.567544m3 volume_reverse=0.001000m3 operating_time=86400s battery=3.620V"},
		"fox-ft2a": {[]string{"41200000 42F6E979 00000000 41AC0000 43FA0000"},
			"flow=10m3/h volume=123.456m3 temperature=21.5Cel operating_time=500h"},
		"eastron-sdm230": {[]string{"43660000" + strings.Repeat("0000", 4) + "3FC00000" + strings.Repeat("0000", 4) + "43AC8000",
			"42480000 42F6E979 00000000"}, "voltage=230V current=1.5A power=345W frequency=50Hz energy=123.456kWh energy_export=0kWh"},
	}
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Models() {
		if p.Protocol != Modbus {
			continue // whole frames, in the tests of package devices
		}
		t.Run(p.Model, func(t *testing.T) {
			v, ok := vectors[p.Model]
			if !ok {
				t.Fatal("model has no vector")
			}
			var data [][]byte
			for _, d := range v.data {
				data = append(data, unhex(t, d))
			}
			values, err := p.Decode(p.Map.Plan(), data)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range values {
				got = append(got, x.Name+"="+x.Number.String()+string(x.Unit))
			}
			if diff := cmp.Diff(strings.Fields(v.want), got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":            {head + "[[register]]\nname = \"a\"\nadress = 1\n", `m.toml:6:1: unknown key "register.adress"`},
		"no TOML":                {head + "[[register\n", "m.toml:4:"},
		"wrong type":             {head + register("a", "\"one\"", "u16"), "m.toml:6:"},
		"no model":               {"source = \"s\"\nprotocol = \"modbus\"\n" + register("a", "0", "u16"), `model ""`},
		"upper case model":       {"model = \"M\"\nsource = \"s\"\nprotocol = \"modbus\"\n" + register("a", "0", "u16"), `model "M"`},
		"no source":              {"model = \"m\"\nprotocol = \"modbus\"\n" + register("a", "0", "u16"), "source is missing"},
		"other protocol":         {"model = \"m\"\nsource = \"s\"\nprotocol = \"zigbee\"\n" + register("a", "0", "u16"), `protocol "zigbee"`},
		"no registers":           {head, "no [[register]]"},
		"unknown kind":           {head + register("a", "0", "u24"), `type "u24"`},
		"name twice":             {head + register("a", "0", "u16") + register("a", "1", "u16"), `name "a" is taken`},
		"no name":                {head + register("", "0", "u16"), "name is missing"},
		"address below":          {head + register("a", "-1", "u16"), "address -1"},
		"address above":          {head + register("a", "65535", "u32"), "address 65535"},
		"1-based zero":           {head + "[modbus]\nbase = 1\n" + register("a", "0", "u16"), "address 0"},
		"base":                   {head + "[modbus]\nbase = 2\n" + register("a", "0", "u16"), "base 2"},
		"function":               {head + register("a", "0", "u16", "function = 6"), "function 6"},
		"order":                  {head + register("a", "0", "u16", `order = "ACBD"`), `order "ACBD"`},
		"scale":                  {head + register("a", "0", "u16", "scale = 19"), "scale 19"},
		"negative scale":         {head + register("a", "0", "u16", "scale = -1"), "scale -1"},
		"max registers":          {head + "[modbus]\nmax_registers = 126\n" + register("a", "0", "u16"), "max_registers 126"},
		"too long for a request": {head + "[modbus]\nmax_registers = 1\n" + register("a", "0", "u32"), "takes 2 registers"},
		"decimals missing":       {head + register("a", "0", "u32+u32"), "decimals 0"},
		"decimals of no pair":    {head + register("a", "0", "u32", "decimals = 2"), "decimals belong"},
		"in a gap":               {head + "[modbus]\ngaps = [[4, 9]]\n" + register("a", "3", "u32"), "register 4 lies in a gap"},
		"gap upside down":        {head + "[modbus]\ngaps = [[9, 4]]\n" + register("a", "3", "u16"), "9–4 is no range"},
		"bridge":                 {head + "[modbus]\nbridge = -1\n" + register("a", "3", "u16"), "bridge -1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("m.toml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.toml:") {
				t.Errorf("error = %v, want m.toml: … %s", err, c.want)
			}
		})
	}
}

func TestOneBasedDocuments(t *testing.T) {
	p, err := Parse("m.toml", []byte(head+"[modbus]\nbase = 1\n"+register("a", "1", "u16")+register("b", "65536", "u16")))
	if err != nil {
		t.Fatal(err)
	}
	if p.Map.Registers[0].Address != 0 || p.Map.Registers[1].Address != 65535 {
		t.Errorf("wire addresses %d, %d, want 0, 65535", p.Map.Registers[0].Address, p.Map.Registers[1].Address)
	}
}

func TestPlan(t *testing.T) {
	r := func(f byte, a uint16, n int) Register { return Register{Function: f, Address: a, Words: n} }
	for _, c := range []struct {
		name string
		m    Map
		want []Block
	}{
		{"neighbours", Map{Max: 125, Registers: []Register{r(3, 2, 2), r(3, 0, 2), r(3, 4, 1)}}, []Block{{3, 0, 5}}},
		{"a hole", Map{Max: 125, Registers: []Register{r(3, 0, 2), r(3, 3, 2)}}, []Block{{3, 0, 2}, {3, 3, 2}}},
		{"a hole bridged", Map{Max: 125, Bridge: 1, Registers: []Register{r(3, 0, 2), r(3, 3, 2)}}, []Block{{3, 0, 5}}},
		{"an illegal register in the hole", Map{Max: 125, Bridge: 9, Gaps: []Range{{2, 2}}, Registers: []Register{r(3, 0, 2), r(3, 3, 2)}},
			[]Block{{3, 0, 2}, {3, 3, 2}}},
		{"limit", Map{Max: 4, Registers: []Register{r(3, 0, 2), r(3, 2, 2), r(3, 4, 2)}}, []Block{{3, 0, 4}, {3, 4, 2}}},
		{"two tables", Map{Max: 125, Registers: []Register{r(4, 2, 2), r(3, 0, 2)}}, []Block{{3, 0, 2}, {4, 2, 2}}},
		{"overlapping", Map{Max: 125, Registers: []Register{r(3, 0, 4), r(3, 1, 1)}}, []Block{{3, 0, 4}}},
		{"the end of the table", Map{Max: 125, Registers: []Register{r(3, 0xFFFE, 1), r(3, 0xFFFF, 1)}}, []Block{{3, 0xFFFE, 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.m.Plan()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the map: every register is read, no request is too long, none touches a forbidden register.
func TestPlanAlways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Map{Max: rapid.IntRange(4, 125).Draw(t, "max"), Bridge: rapid.IntRange(0, 20).Draw(t, "bridge")}
		for i := range rapid.IntRange(0, 3).Draw(t, "gaps") {
			first := uint16(rapid.IntRange(0, 300).Draw(t, "gap"))
			m.Gaps = append(m.Gaps, Range{first, first + uint16(i)})
		}
		for range rapid.IntRange(1, 30).Draw(t, "registers") {
			r := Register{Function: byte(rapid.IntRange(3, 4).Draw(t, "f")), Address: uint16(rapid.IntRange(0, 300).Draw(t, "a")), Words: rapid.IntRange(1, 4).Draw(t, "w")}
			legal := true
			for a := range r.Words {
				legal = legal && !m.forbidden(r.Address+uint16(a))
			}
			if legal {
				m.Registers = append(m.Registers, r)
			}
		}
		plan := m.Plan()
		for _, r := range m.Registers {
			if !slices.ContainsFunc(plan, func(b Block) bool { _, ok := b.Contains(r); return ok }) {
				t.Fatalf("%+v is in no block of %+v", r, plan)
			}
		}
		for _, b := range plan {
			if b.Count < 1 || b.Count > m.Max {
				t.Fatalf("block %+v, max %d", b, m.Max)
			}
			for a := range b.Count {
				if m.forbidden(b.Start + uint16(a)) {
					t.Fatalf("block %+v reads the forbidden %d", b, int(b.Start)+a)
				}
			}
		}
	})
}

func TestDecodeNeedsWhatWasPlanned(t *testing.T) {
	p, err := Parse("m.toml", []byte(head+register("a", "0", "u32")))
	if err != nil {
		t.Fatal(err)
	}
	plan := p.Map.Plan()
	for _, data := range [][][]byte{nil, {{1, 2, 3}}, {{}}, {nil}, {make([]byte, 6)}} {
		if v, err := p.Decode(plan, data); !errors.Is(err, meter.ErrMalformed) {
			t.Errorf("Decode(%v) = %v, %v, want ErrMalformed", data, v, err)
		}
	}
}

func TestFolderExtendsAndCorrects(t *testing.T) {
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(head, `"m"`, `"generic-gas-modbus"`, 1) + register("volume", "9", "u16")
	err = c.Extend(fstest.MapFS{
		"gas.toml":  {Data: []byte(own)},
		"new.toml":  {Data: []byte(head + register("volume", "9", "u16"))},
		"notes.txt": {Data: []byte("not a model")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := c.Get("generic-gas-modbus"); p == nil || len(p.Map.Registers) != 1 {
		t.Error("the operator's model does not replace ours")
	}
	if _, err := c.Get("m"); err != nil {
		t.Error(err)
	}
	err = c.Extend(fstest.MapFS{
		"a.toml": {Data: []byte(head + register("v", "9", "u16"))},
		"b.toml": {Data: []byte(head + register("v", "9", "u16"))},
		"c.toml": {Data: []byte("nonsense")},
	})
	if err == nil || !strings.Contains(err.Error(), "a.toml already") || !strings.Contains(err.Error(), "c.toml:1:") {
		t.Errorf("error = %v, want both files named", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + register("a", "0", "u16")))
	f.Add([]byte(head + "[modbus]\nbase = 1\ngaps = [[1, 9]]\nmax_registers = 9\n" + register("a", "20", "i32+f32", `order = "DCBA"`, "scale = 3")))
	f.Add([]byte("model = 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("f.toml", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.toml") {
				t.Errorf("error names no file: %v", err)
			}
			return
		}
		for _, b := range p.Map.Plan() {
			if b.Count < 1 || b.Count > p.Map.Max || int(b.Start)+b.Count > 0x10000 {
				t.Errorf("block %+v", b)
			}
		}
	})
}
