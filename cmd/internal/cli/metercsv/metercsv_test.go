package metercsv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cmd/internal/cli/csvfile"
)

const good = "\ufeffmeter,port,protocol,baud,parity,stop_bits,unit,address,kind,model,timeout\n" +
	"00012345,,,,,,,,,,\n" +
	",/dev/ttyUSB0,cjt188,2400,even,1,,00002020120218,gas,generic-cjt188-gas,2s\n" +
	"\"Li, flat 3\",tcp://10.0.0.7:502,,,,,7,,,generic-gas-modbus,\n"

func TestParse(t *testing.T) {
	s, err := Parse("m.csv", []byte(good), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{Line: 2, Meter: "00012345"},
		{Line: 3, Meter: "00002020120218", Port: "/dev/ttyUSB0", Protocol: "cjt188", Baud: 2400, Parity: "even", StopBits: 1, Address: "00002020120218", Kind: "gas", Model: "generic-cjt188-gas", Timeout: 2 * time.Second},
		{Line: 4, Meter: "Li, flat 3", Port: "tcp://10.0.0.7:502", Unit: 7, Model: "generic-gas-modbus"},
	}
	if diff := cmp.Diff(want, s.Rows); diff != "" {
		t.Error(diff)
	}
	other, err := Parse("m.csv", []byte(strings.Replace(good, "flat 3", "flat 4", 1)), nil)
	if err != nil || other.Hash == s.Hash {
		t.Errorf("another list has the same hash: %v", err)
	}
}

// TestEveryProblemHasItsPlace: each mistake is said with file, line and column, in both languages.
func TestEveryProblemHasItsPlace(t *testing.T) {
	said := func(r Row) string {
		if r.Model == "odd" {
			return "model odd 很怪"
		}
		return ""
	}
	seen := map[string]bool{csvfile.CodeRead: true, csvfile.CodeTooLarge: true, codeRows: true}
	for name, tt := range map[string]struct{ file, want string }{
		"empty":       {"", "m.csv: the file is empty; the first row names the columns: meter, port, protocol, baud, parity, stop_bits, unit, address, kind, model, timeout"},
		"no rows":     {"meter\n", "m.csv: there is no meter below the header; add a row for each"},
		"no column":   {"unit\n1\n", "m.csv:1: there is neither a column meter nor a column port; add one"},
		"column":      {"meter,colour\n1,2\n", "m.csv:1: colour: the name of column 2 is not known; known are: meter, port, protocol, baud, parity, stop_bits, unit, address, kind, model, timeout"},
		"twice":       {"meter,meter\n1,2\n", "m.csv:1: meter: stands in the header twice; remove one"},
		"not UTF-8":   {"meter\n1\n\xff\n", "m.csv:3: this is not UTF-8; save the file as \"CSV UTF-8\""},
		"quotes":      {"meter\n1\na\"b\n", "m.csv:3: a quotation mark is out of place; put the whole cell in quotes and write each one inside twice"},
		"cells":       {"meter,port\n1\n", "m.csv:2: the number of cells is 1, in the header 2; put a cell that holds a comma in quotes"},
		"text":        {"meter\na\x01b\n", "m.csv:2: meter: holds control characters or more than 200 bytes; use one line of plain text"},
		"unit":        {"port,unit,model\np,300,m\n", "m.csv:2: unit: is not a whole number from 1 to 247"},
		"timeout":     {"port,unit,model,timeout\np,3,m,5\n", "m.csv:2: timeout: is not a time from 50ms to 1m, as in 2s"},
		"nobody":      {"meter,port\n,\n", "m.csv:2: meter: is empty; give the number of a meter of the node, or a port"},
		"no port":     {"meter,port,unit\n1,,3\n", "m.csv:2: port: is empty, but the row describes a meter on a port; name the port"},
		"no address":  {"port,model\np,m\n", "m.csv:2: address: is empty; give the meter's address, or unit for Modbus"},
		"no model":    {"port,unit\np,1\n", "m.csv:2: model: is empty; name the meter's model"},
		"said":        {"port,unit,model\np,1,odd\np,300,m\n", "m.csv:2: model odd 很怪\nm.csv:3: unit: is not a whole number from 1 to 247"},
		"meter twice": {"meter\n1\n2\n1\n", "m.csv:4: this meter stands on line 2 already; remove one"},
	} {
		_, err := Parse("m.csv", []byte(tt.file), said)
		problems, ok := err.(Problems)
		if !ok || problems.Text("en") != tt.want {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, tt.want)
			continue
		}
		for _, p := range problems {
			seen[p.Code] = true
			if p.Code != codeSaid && p.Text("zh") == p.Text("en") {
				t.Errorf("%s: no Chinese", name)
			}
		}
	}
	for code, both := range phrases {
		if !seen[code] || both[1] == "" || both[0] == "" {
			t.Errorf("%s is not tested, or not in both languages", code)
		}
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "m.csv")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadFile(file, nil); err != nil || len(s.Rows) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{filepath.Join(dir, "nothing.csv"), dir} {
		if _, err := ReadFile(bad, nil); err == nil || !strings.Contains(err.Error(), "cannot read the file") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	large := filepath.Join(dir, "large.csv")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(large, nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("meter\n\"1\n2\""))
	f.Add([]byte("port,unit,model,timeout\np,1,m,1e9h\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse("m.csv", b, nil)
		if err != nil {
			if err.(Problems).Text("zh") == "" {
				t.Fatal("a problem without words")
			}
			return
		}
		for _, r := range s.Rows {
			if r.Line < 2 || r.Meter == "" {
				t.Fatalf("%+v", r)
			}
		}
	})
}
