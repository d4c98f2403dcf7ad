package profile

import (
	"fmt"

	"tally/meter/quantity"
)

// MBusVariant is how a model of wired M-Bus is read. M-Bus says itself what its values are; a profile only names and
// chooses.
type MBusVariant struct {
	Telegrams int         // most telegrams of one reading, 0 = the driver's
	Values    []MBusValue // what a reading keeps; none = everything that is current
}

// MBusValue chooses one value by what the meter says of it.
type MBusValue struct {
	From    string        // name by VIF: volume, energy, flow …
	As      string        // name in the reading
	Unit    quantity.Unit // empty = any
	Storage uint64
	Tariff  uint64
	Subunit uint64
	Max     bool // the maximum, not the instantaneous value
}

type fileMBus struct {
	Telegrams int         `toml:"telegrams"`
	Values    []fileValMB `toml:"value"`
}

type fileValMB struct {
	From    string `toml:"from"`
	As      string `toml:"as"`
	Unit    string `toml:"unit"`
	Storage uint64 `toml:"storage"`
	Tariff  uint64 `toml:"tariff"`
	Subunit uint64 `toml:"subunit"`
	Max     bool   `toml:"maximum"`
}

func (f fileMBus) resolve() (MBusVariant, error) {
	v := MBusVariant{Telegrams: f.Telegrams}
	if f.Telegrams < 0 || f.Telegrams > 32 {
		return v, fmt.Errorf("mbus.telegrams %d: 1–32 are possible", f.Telegrams)
	}
	taken := map[string]bool{}
	for i, x := range f.Values {
		as := firstOf(x.As, x.From)
		switch {
		case x.From == "":
			return v, fmt.Errorf("mbus.value %d: from is missing", i+1)
		case taken[as]:
			return v, fmt.Errorf("mbus.value %d: name %q is taken", i+1, as)
		}
		taken[as] = true
		v.Values = append(v.Values, MBusValue{x.From, as, quantity.Unit(x.Unit), x.Storage, x.Tariff, x.Subunit, x.Max})
	}
	return v, nil
}
