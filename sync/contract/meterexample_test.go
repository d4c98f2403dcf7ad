package contract

import "time"

var exampleMeterEvent = MeterEvent{
	Meter: "00112233", Line: "riser-2", Class: "residential", Kind: "leak", Phase: PhaseEnd,
	Began: At(exampleTime.Add(-26 * time.Hour)), Ended: exampleEnd(),
	Evidence: []Evidence{
		{At(exampleTime.Add(-26 * time.Hour)), "volume", "1230.10", "m3"},
		{At(exampleTime), "volume", "1234.56", "m3"},
	},
}

var exampleLineEvent = LineEvent{
	Line: "riser-2", Meters: 250, Phase: PhaseEnd, Code: "silent", Began: At(exampleTime.Add(-time.Hour)), Ended: exampleEnd(),
}

var exampleMeterDay = MeterDay{
	Meter: "00990001", Line: "boiler-room", Class: "large-1", Day: "2026-11-20", Days: 1, At: At(exampleTime.Add(-14 * time.Hour)),
	Source: FrozenByRead, Value: "556677.00", Unit: "m3", Quality: []string{"clock_drift"},
	Used: "1840.50", Mean: "1204.11", Deviation: "61.30", Flags: []string{"high"},
}

func exampleEnd() *Time {
	t := At(exampleTime)
	return &t
}
