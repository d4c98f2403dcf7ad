package mbus

import (
	"bytes"
	"errors"
	"testing"

	"tally/meter"
	"tally/meter/line"
)

// judgement runs expect as the line does and tells what the answer was.
func judgement(b []byte, expect func([]byte) (line.Verdict, error)) (answer []byte, waits bool, err error) {
	for len(b) > 0 {
		v, err := expect(b)
		switch {
		case err != nil:
			return nil, false, err
		case v.Drop > 0:
			b = b[min(v.Drop, len(b)):]
		case v.Need <= len(b):
			return b[:v.Need], false, nil
		default:
			return nil, true, nil
		}
	}
	return nil, true, nil
}

func TestTrapsOfAnswers(t *testing.T) {
	right := unhex(t, variable) // of meter 2
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	other := response(t, "02 13 01 00")
	other.A = 3
	refusal := Frame{Kind: Long, C: rspUd, A: 2, CI: ciError, Data: []byte{3}}
	busy := Frame{Kind: Long, C: rspUd, A: 2, CI: ciError, Data: []byte{8}}
	master := Frame{Kind: Long, C: SndUd, A: 2, CI: ciSend, Data: []byte{1, 0x7A, 8}}
	alarm := response(t, "02 13 01 00")
	alarm.C |= 0x20
	bad := bytes.Clone(right)
	bad[20] ^= 1
	for _, c := range []struct {
		name   string
		bytes  []byte
		answer []byte
		err    error
	}{
		{"good", right, right, nil},
		{"junk in front", join([]byte{0, 0xFF, 0x13}, right), right, nil},
		{"a 68 in the junk", join([]byte{0x68, 0x01, 0x02}, right), right, nil},
		{"an acknowledgement that came late", join([]byte{ack}, right), right, nil},
		{"our own question first", join(Frame{Kind: Short, C: ReqUd2, A: 2}.Append(nil), right), right, nil},
		{"two frames glued", join(right, right), right, nil},
		{"another meter's answer first", join(other.Append(nil), right), right, nil},
		{"with the alarm bit", alarm.Append(nil), alarm.Append(nil), nil},
		{"only an acknowledgement", []byte{ack}, nil, nil},
		{"only another meter's answer", other.Append(nil), nil, nil},
		{"damaged", bad, nil, meter.ErrChecksum},
		{"refused", refusal.Append(nil), nil, meter.ErrException},
		{"busy", busy.Append(nil), nil, meter.ErrBusy},
		{"a master's frame", master.Append(nil), nil, meter.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &judge{address: 2}
			got, waits, err := judgement(c.bytes, j.expect)
			if !bytes.Equal(got, c.answer) || !errors.Is(err, c.err) || waits != (c.answer == nil && c.err == nil) {
				t.Errorf("% X:\nanswer % X, waits %v, error %v", c.bytes, got, waits, err)
			}
		})
	}
	for n := 1; n < len(right); n++ { // byte by byte
		j := &judge{address: 2}
		if got, waits, err := judgement(right[:n], j.expect); got != nil || !waits || err != nil {
			t.Errorf("%d bytes: % X, %v, %v", n, got, waits, err)
		}
	}
}

// Every code of the primary table, as the standard's table 10 gives it.
func TestPrimaryTable(t *testing.T) {
	for _, c := range []struct{ record, want string }{
		{"01 00 07", "energy=0.007Wh"}, {"01 03 07", "energy=7Wh"}, {"01 07 07", "energy=70000Wh"},
		{"01 08 07", "energy=7J"}, {"01 0F 07", "energy=70000000J"},
		{"01 10 07", "volume=0.000007m3"}, {"01 17 07", "volume=70m3"},
		{"01 18 07", "mass=0.007kg"}, {"01 1F 07", "mass=70000kg"},
		{"01 20 07", "on_time=7s"}, {"01 21 07", "on_time=7min"}, {"01 22 07", "on_time=7h"}, {"01 27 07", "operating_time=7d"},
		{"01 28 07", "power=0.007W"}, {"01 2B 07", "power=7W"}, {"01 2F 07", "power=70000W"},
		{"01 30 07", "power=7J/h"}, {"01 37 07", "power=70000000J/h"},
		{"01 38 07", "flow=0.000007m3/h"}, {"01 3F 07", "flow=70m3/h"},
		{"01 40 07", "flow=0.0000007m3/min"}, {"01 47 07", "flow=7m3/min"},
		{"01 48 07", "flow=0.000000007m3/s"}, {"01 4F 07", "flow=0.07m3/s"},
		{"01 50 07", "mass_flow=0.007kg/h"}, {"01 57 07", "mass_flow=70000kg/h"},
		{"01 58 07", "temperature_supply=0.007Cel"}, {"01 5B 07", "temperature_supply=7Cel"},
		{"01 5C 07", "temperature_return=0.007Cel"}, {"01 5F 07", "temperature_return=7Cel"},
		{"01 60 07", "temperature_difference=0.007K"}, {"01 67 07", "temperature_external=7Cel"},
		{"01 68 07", "pressure=0.007bar"}, {"01 6B 07", "pressure=7bar"},
		{"01 6E 07", "heat_cost_allocation=7"}, {"01 70 07", "averaging_duration=7s"}, {"01 77 07", "actuality_duration=7d"},
		{"01 78 07", "fabrication_number=7"}, {"01 79 07", "identification=7"}, {"01 7A 07", "bus_address=7"},
		{"01 FD 00 07", "credit=0.007"}, {"01 FD 07 07", "debit=7"}, {"01 FD 08 07", "access_number=7"}, {"01 FD 1C 07", "baud_rate=7Bd"},
		{"01 FD 27 07", "storage_interval=7d"}, {"01 FD 28 07", "storage_interval=7mo"}, {"01 FD 31 07", "tariff_duration=7min"},
		{"01 FD 33 07", "tariff_duration=7d"}, {"01 FD 3A 07", "number=7"}, {"01 FD 40 07", "voltage=0.000000007V"},
		{"01 FD 4F 07", "voltage=7000000V"}, {"01 FD 50 07", "current=0.000000000007A"}, {"01 FD 5F 07", "current=7000A"},
		{"01 FD 60 07", "reset_counter=7"}, {"01 FD 6C 07", "battery_operating_time=7h"}, {"01 FD 6F 07", "battery_operating_time=7a"},
		{"01 FB 00 07", "energy=0.7MWh"}, {"01 FB 01 07", "energy=7MWh"}, {"01 FB 08 07", "energy=0.7GJ"}, {"01 FB 10 07", "volume=700m3"},
		{"01 FB 19 07", "mass=7000t"}, {"01 FB 21 07", "volume=0.7ft3"}, {"01 FB 23 07", "volume=7gal"}, {"01 FB 28 07", "power=0.7MW"},
		{"01 FB 31 07", "power=7GJ/h"}, {"01 FB 5B 07", "temperature_supply=7degF"}, {"01 FB 77 07", "temperature_limit=7Cel"},
		{"01 FB 7F 07", "power_maximum_cumulated=70000W"},
	} {
		d, err := response(t, c.record).Decode()
		if got := printed(d.Values); got != c.want || err != nil || len(d.Problems) > 0 {
			t.Errorf("%s = %s, %v %v, want %s", c.record, got, d.Problems, err, c.want)
		}
	}
}
