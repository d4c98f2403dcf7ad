package cli_test

import (
	"context"
	"time"

	"tally/cmd/internal/control"
)

// Ledgers implements control.Ledgers.
func (n fakeNode) Ledgers(context.Context) ([]control.MeterLedger, error) {
	if n != "well" {
		return nil, nil
	}
	return []control.MeterLedger{
		{Meter: "00090001", Line: "boiler-room", Class: "large-1", Large: true, Unit: "m3", Mean: "1204.110", Deviation: "61.300", Today: "310.500",
			Days:  []control.LedgerDay{{Day: "2026-11-19", Used: "1199.000"}, {Day: "2026-11-20", Used: "1840.500", Flag: "high"}},
			Going: []control.GoingOn{{Kind: "sudden_use", Since: at.Add(-9 * time.Hour)}, {Kind: "brand_new", Since: at}}},
		{Meter: "00090002", Line: "boiler-room", Class: "large-3", Large: true, Unit: "m3"},
		{Meter: "00012345", Line: "riser-1", Class: "residential", Unit: "m3", Today: "0.310"},
	}, nil
}
