package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// list asks the go command once for every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports,Deps", "tally/...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// in reports whether path is the room or lies in it.
func in(path, room string) bool {
	return path == room || strings.HasPrefix(path, room+"/")
}

func inAny(path string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return in(path, r) })
}

// shared is the vocabulary that every room may import.
const shared = "tally/meter/quantity"

// The rooms at the rim implement contracts of the rooms inside and are known to cmd only.
var rim = []string{
	"tally/cardreader/pcsc", "tally/meter/line", "tally/meter/modbus", "tally/storage", "tally/sync/mqttlink",
}

// TestArrow: cmd → counter → {cardreader, meter, sync/outbox} ← the rim.
func TestArrow(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, "tally/") || imp == shared {
				continue
			}
			if why := against(p.ImportPath, imp); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
		}
	}
}

// against says which rule forbids from to import to, or nothing.
func against(from, to string) string {
	room := strings.SplitN(from, "/", 3)[1]
	switch {
	case in(to, "tally/cmd") && !in(from, "tally/cmd"):
		return "nothing imports cmd"
	case inAny(from, "tally/cardreader", "tally/meter", "tally/sync") && !in(to, "tally/"+room):
		return "cardreader, meter and sync know only themselves and " + shared
	case in(from, "tally/counter") && inAny(to, rim...):
		return "the counter knows contracts, not the adapters at the rim"
	case in(from, "tally/counter") && in(to, "tally/sync") && !inAny(to, "tally/sync/outbox", "tally/sync/contract"):
		return "of sync the counter knows the outbox and its records"
	case in(from, "tally/storage") && (inAny(to, "tally/counter/web") || inAny(to, "tally/cardreader/pcsc", "tally/meter/line", "tally/sync/mqttlink")):
		return "storage implements contracts and knows no other adapter"
	case in(from, "tally/sync/outbox") && inAny(to, "tally/sync/mqttlink", "tally/sync/central"):
		return "the outbox declares the link it needs"
	}
	return ""
}

// TestOneImporter: each third-party library that we may want to replace has one room that knows it.
func TestOneImporter(t *testing.T) {
	owners := map[string][]string{
		"github.com/ebfe/scard":               {"tally/cardreader/pcsc"},
		"go.bug.st/serial":                    {"tally/meter/line"},
		"github.com/goburrow/modbus":          {"tally/meter/modbus"},
		"go.etcd.io/bbolt":                    {"tally/storage"},
		"github.com/eclipse/paho.mqtt.golang": {"tally/sync/mqttlink"},
		"github.com/mochi-mqtt/server/v2":     {"tally/cmd/internal/demo"},
		"modernc.org/sqlite":                  {"tally/sync/central"},
		"github.com/jackc/pgx/v5":             {"tally/sync/central/postgres"},
		"github.com/prometheus/client_golang": {"tally/cmd/internal"},
		"github.com/spf13/cobra":              {"tally/cmd/internal/cli"},
		"golang.org/x/crypto/argon2":          {"tally/counter", "tally/cardreader/keyfile"},
		"github.com/creack/pty":               {"tally/meter"},
		"github.com/pelletier/go-toml/v2":     {"tally/cmd/internal/config", "tally/cardreader/profile", "tally/meter/profile"},
	}
	for _, p := range list(t) {
		if strings.HasSuffix(p.ImportPath, "test") { // helpers of tests, kept out of the programs by TestShippedGraph
			continue
		}
		for _, imp := range p.Imports {
			for lib, rooms := range owners {
				if in(imp, lib) && !inAny(p.ImportPath, rooms...) {
					t.Errorf("%s imports %s, which only %v may", p.ImportPath, imp, rooms)
				}
			}
		}
	}
}

// TestShippedGraph: what only tests need never gets into a shipped program, and what only the demo or the centre needs
// not into the technician's command. The three share one package of commands, so that the serial port of the decoders'
// drivers comes along everywhere; the linker leaves out what a program never calls.
func TestShippedGraph(t *testing.T) {
	testOnly := []string{
		"testing", "github.com/chromedp", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/google/go-cmp",
		"github.com/rogpeppe/go-internal", "github.com/nats-io",
	}
	forbidden := map[string][]string{
		"tally/cmd/tallyd":        testOnly,
		"tally/cmd/tally":         append([]string{"github.com/mochi-mqtt", "modernc.org/sqlite", "go.etcd.io/bbolt"}, testOnly...),
		"tally/cmd/tally-central": append([]string{"github.com/ebfe/scard", "go.etcd.io/bbolt", "github.com/goburrow/modbus"}, testOnly...),
	}
	seen := 0
	for _, p := range list(t) {
		lacks, main := forbidden[p.ImportPath]
		if !main {
			continue
		}
		seen++
		for _, dep := range p.Deps {
			if inAny(dep, lacks...) {
				t.Errorf("%s contains %s", p.ImportPath, dep)
			}
		}
	}
	if seen != len(forbidden) {
		t.Errorf("saw %d of %d programs", seen, len(forbidden))
	}
}
