package devices

import (
	"fmt"
	"os"

	"tally/cardreader/profile"
	"tally/cmd/internal/config"
	"tally/meter/cjt188"
	"tally/meter/dlt645"
	"tally/meter/line"
	"tally/meter/mbus"
	models "tally/meter/profile"
)

// OpenLine makes the Opener of a line of the config.
func OpenLine(c config.Line) line.Opener {
	if c.Kind == config.KindTCP {
		return line.TCP(c.Address)
	}
	return line.Serial(line.SerialConfig{
		Path: c.Port, Baud: c.Baud, Parity: line.Parity(c.Parity), DataBits: c.DataBits, StopBits: c.StopBits,
		Direction: line.Direction(c.Direction),
	})
}

// LineOptions are the options of a line of the config.
func LineOptions(c config.Line) line.Options {
	echo := map[string]line.Echo{config.EchoNone: line.EchoNone, config.EchoAlways: line.EchoAlways}[c.Echo]
	return line.Options{Gap: c.Gap, Echo: echo}
}

// Models returns the models that a node may use: those that come with tally, and those of the operator's folder, if one
// is named.
func Models(c config.Meters) (*models.Catalog, error) {
	catalog, err := models.Builtin()
	if err != nil || c.ModelDir == "" {
		return catalog, err
	}
	if info, err := os.Stat(c.ModelDir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder that can be read", c.ModelDir)
	}
	return catalog, catalog.Extend(os.DirFS(c.ModelDir))
}

// Known is what a config may name.
func Known() config.Known {
	known := config.Known{Profiles: profile.List(), Kinds: models.Kinds188(), Address: address, ModelDir: withFolder, ProfileDir: profileNames}
	catalog, err := models.Builtin()
	if err != nil { // an embedded model that does not parse; the test of its package would have said so
		return known
	}
	return withModels(known, catalog)
}

// withFolder adds the models of an operator's folder.
func withFolder(known config.Known, dir string) (config.Known, error) {
	catalog, err := Models(config.Meters{ModelDir: dir})
	if err != nil {
		return known, err
	}
	return withModels(known, catalog), nil
}

func withModels(known config.Known, catalog *models.Catalog) config.Known {
	known.Models, known.Kindless, known.Speaks = nil, nil, map[string]string{}
	for _, m := range catalog.Models() {
		known.Models = append(known.Models, m.Model)
		known.Speaks[m.Model] = string(m.Protocol)
		if m.Protocol == models.CJT188 && m.CJT188.Kind == 0 {
			known.Kindless = append(known.Kindless, m.Model)
		}
	}
	return known
}

// address checks a meter's address by its protocol and writes it in one form.
func address(protocol, s string) (string, bool) {
	switch protocol {
	case config.CJT188:
		a, err := cjt188.ParseAddress(s)
		return a.String(), err == nil && a != cjt188.Anyone
	case config.DLT645:
		a, err := dlt645.ParseAddress(s)
		return a.String(), err == nil && a != dlt645.Anyone && a != dlt645.Everyone
	case config.MBus:
		primary, selection, err := mbus.ParseAddress(s)
		if err == nil && selection != nil {
			return selection.String(), true
		}
		return fmt.Sprint(primary), err == nil
	}
	return s, false
}
