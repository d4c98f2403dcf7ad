package daemon

import (
	"context"
	"slices"

	"tally/cmd/internal/control"
	"tally/meter"
	"tally/meter/quality"
)

var _ control.Ledgers = door{}

// Ledgers implements control.Ledgers.
func (d door) Ledgers(context.Context) ([]control.MeterLedger, error) {
	going := map[meter.ID][]control.GoingOn{}
	for _, e := range d.n.desk.Open() {
		going[e.Meter] = append(going[e.Meter], control.GoingOn{Kind: string(e.Kind), Since: e.Began})
	}
	var all []control.MeterLedger
	for _, s := range d.n.poller.States() {
		if l, ok := d.n.desk.Ledger(s.ID); ok {
			all = append(all, ledgerOf(l, s.Line, going[s.ID]))
		}
	}
	return all, nil
}

func ledgerOf(l quality.Ledger, line string, going []control.GoingOn) control.MeterLedger {
	out := control.MeterLedger{Meter: l.Meter, Line: line, Class: string(l.Class), Large: l.Class.Large(), Unit: string(l.Unit), Going: slices.Clip(going)}
	for _, d := range l.Days {
		out.Days = append(out.Days, control.LedgerDay{Day: d.Day, Used: quality.InUnit(d.Used, l.Unit), Flag: d.Flag})
	}
	if l.Compared {
		out.Mean, out.Deviation = quality.InUnit(l.Mean, l.Unit), quality.InUnit(l.Deviation, l.Unit)
	}
	if l.Known {
		out.Today = quality.InUnit(l.Today, l.Unit)
	}
	return out
}
