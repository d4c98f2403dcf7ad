package demo

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"tally/cmd/internal/config"
	"tally/meter"
	"tally/meter/metersim"
)

// householdMeter is a meter that speaks CJ/T 188, the protocol of most household meters.
type householdMeter struct {
	id, kind, model string
	address         string // fourteen digits as printed
	code            byte   // of the kind of meter, CJ/T 188 table 1
	start           uint32 // litres at the first start of the demo
}

var householdMeters = []householdMeter{
	{id: "40260001", kind: "cold-water", model: "generic-cjt188-water", address: "11110040260001", code: 0x10, start: 208_440},
	{id: "40260002", kind: "cold-water", model: "generic-cjt188-water", address: "11110040260002", code: 0x10, start: 13_370},
	{id: "40260003", kind: "gas", model: "generic-cjt188-gas", address: "11110040260003", code: 0x30, start: 542_900},
}

// newWaterRiser makes the line of CJ/T 188 meters at 2400 baud.
func newWaterRiser(born, now time.Time, openPTY func() (*metersim.PTY, error)) (*wire, error) {
	speech := &metersim.CJT188{}
	w := &wire{
		bus:  metersim.NewBus(metersim.Pacing{Baud: 2400, CharBits: 11, Turnaround: 100 * time.Millisecond}),
		line: config.Line{Name: "riser-2", Protocol: config.CJT188, Baud: 2400, Parity: config.ParityEven, DataBits: 8, StopBits: 1},
	}
	w.bus.Speech = speech
	shown := make([]uint32, len(householdMeters))
	meters := make([]*metersim.CJT188Meter, len(householdMeters))
	for i, h := range householdMeters {
		w.line.Meters = append(w.line.Meters, config.Meter{
			ID: meter.ID(h.id), Address: h.address, Kind: h.kind, Model: h.model, Every: 2 * pollEvery, Timeout: time.Second,
		})
		m := &metersim.CJT188Meter{Kind: h.code, Now: func() time.Time { return time.Now().In(utc8) }}
		a, err := hex.DecodeString(h.address)
		if err != nil || len(a) != len(m.Address) {
			return nil, fmt.Errorf("make meter %s: its address has no fourteen digits", h.id)
		}
		slices.Reverse(a) // the wire has the low byte first
		copy(m.Address[:], a)
		shown[i] = litres(h.start, born, now)
		m.Turn(shown[i] / litresShown)
		speech.Add(m)
		meters[i] = m
	}
	w.flow = func() {
		for i, m := range meters {
			shown[i]++
			if !m.Closed() {
				m.Turn(shown[i] / litresShown)
			} else {
				shown[i]--
			}
		}
	}
	return w, w.open(openPTY, config.CJT188)
}

// litresShown is the smallest step of a CJ/T 188 counter, 0.01 m³.
const litresShown = 10
