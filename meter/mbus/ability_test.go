package mbus_test

import (
	"cmp"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/mbus"
	"tally/meter/metersim"
)

func TestHistoryOfStoredValues(t *testing.T) {
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	sim.Set(append(records(900), []byte{
		0x42, 0x6C, 0x7F, 0x2A, // storage 1: 2019-10-31
		0x44, 0x13, 0x20, 0x03, 0, 0, // 800 L
		0x84, 0x01, 0x13, 0xBC, 0x02, 0, 0, // storage 2: 700 L without a date
	}...))
	speech.Add(sim)
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short, Zone: time.UTC})
	list, err := m.ReadHistory(t.Context(), time.Time{}, time.Now())
	if err != nil || len(list) != 2 {
		t.Fatalf("history = %+v, %v", list, err)
	}
	dated, bare := list[0], list[1]
	if dated.Reading.Values[0] != volume(800) || dated.Reading.At.Format(time.DateOnly) != "2019-10-31" || dated.Back != 1 {
		t.Errorf("dated value = %+v", dated)
	}
	if bare.Reading.Values[0] != volume(700) || !bare.Reading.At.IsZero() {
		t.Errorf("value without a date = %+v", bare)
	}
	list, err = m.ReadHistory(t.Context(), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Now())
	if err != nil || len(list) != 1 || !list[0].Reading.At.IsZero() {
		t.Errorf("since 2020: %+v, %v", list, err)
	}
}

func TestPicks(t *testing.T) {
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	sim.Set(append(records(900), 0x44, 0x13, 0x20, 0x03, 0, 0))
	speech.Add(sim)
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short, Picks: []mbus.Pick{
		{From: "volume", As: "volume"}, {From: "volume", As: "volume_settlement", Storage: 1}, {From: "energy", As: "energy"},
	}})
	r, err := m.Read(t.Context())
	if err != nil || len(r.Values) != 2 || r.Values[1].Name != "volume_settlement" || r.Values[1].Number != volume(800).Number {
		t.Errorf("read %+v, %v", r.Values, err)
	}
}

func TestClockIsSetOnceAndReadBack(t *testing.T) {
	t.Parallel() // waits for what does not come
	for name, c := range map[string]struct {
		stiff bool
		fault metersim.Fault
		want  error
	}{
		"set": {}, "does nothing": {stiff: true, want: meter.ErrOutcomeUnknown},
		"no acknowledgement": {fault: metersim.Fault{Silent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			speech := &metersim.MBus{}
			sim := waterMeter(5, 1)
			sim.Stiff, sim.Now = c.stiff, func() time.Time { return time.Now().UTC().AddDate(0, -1, 0) }
			speech.Add(sim)
			m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short, Zone: time.UTC})
			if shows, at, err := m.ReadClock(t.Context()); err != nil || at.Sub(shows) < 27*24*time.Hour {
				t.Errorf("clock shows %s at %s, %v", shows, at, err)
			}
			sim.Next(c.fault)
			if err := m.SetClock(t.Context(), time.Now); !errors.Is(err, c.want) || sim.Writes() != 1 {
				t.Errorf("SetClock: %v, %d commands", err, sim.Writes())
			}
		})
	}
	speech := &metersim.MBus{}
	speech.Add(waterMeter(5, 1))
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short})
	if _, _, err := m.ReadClock(t.Context()); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("a meter without a clock: %v", err)
	}
}

func TestAddressIsSetWhereNobodyIs(t *testing.T) {
	t.Parallel() // waits for what does not come
	speech := &metersim.MBus{}
	sim, other := waterMeter(5, 1), waterMeter(7, 2)
	speech.Add(sim)
	speech.Add(other)
	l := simulated(t, speech)
	m, _ := mbus.New(l, 5, "1", mbus.Options{Timeout: short})
	if err := m.SetAddress(t.Context(), "7"); !errors.Is(err, meter.ErrUnable) || sim.Writes() != 0 {
		t.Errorf("an address that is taken: %v, %d commands", err, sim.Writes())
	}
	for _, bad := range []string{"0", "251", "12345678", ""} {
		if err := m.SetAddress(t.Context(), bad); !errors.Is(err, meter.ErrUnable) {
			t.Errorf("address %q: %v", bad, err)
		}
	}
	if err := m.SetAddress(t.Context(), "8"); err != nil || sim.Address != 8 || sim.Writes() != 1 {
		t.Errorf("SetAddress: %v, at %d after %d commands", err, sim.Address, sim.Writes())
	}
	wild, _ := mbus.New(l, 0, "1", mbus.Options{Timeout: short, Select: &mbus.Selection{ID: "FFFFFFFF", Manufacturer: mbus.AnyManufacturer, Version: mbus.AnyByte, Medium: mbus.AnyByte}})
	if err := wild.SetAddress(t.Context(), "9"); !errors.Is(err, meter.ErrUnable) || sim.Writes()+other.Writes() != 1 {
		t.Errorf("for everybody: %v", err)
	}
	sim.Stiff = true
	again, _ := mbus.New(l, 8, "1", mbus.Options{Timeout: short})
	if err := again.SetAddress(t.Context(), "9"); !errors.Is(err, meter.ErrOutcomeUnknown) || sim.Writes() != 2 {
		t.Errorf("a meter that does nothing: %v, %d commands", err, sim.Writes())
	}
}

func TestIdentityAndAddressOfOneAlone(t *testing.T) {
	speech := &metersim.MBus{}
	speech.Add(waterMeter(5, 0x12345678))
	m, _ := mbus.New(simulated(t, speech), 5, "1", mbus.Options{Timeout: short})
	id, err := m.Identify(t.Context())
	if err != nil || id.Number != "12345678" || id.Medium == "" || id.At.IsZero() {
		t.Errorf("identity = %+v, %v", id, err)
	}
	if got, err := m.ReadAddress(t.Context()); err != nil || got != "5" {
		t.Errorf("ReadAddress = %s, %v", got, err)
	}
	if err := m.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
}

// TestTrapOldTelegramFromAnotherMaster: somebody else has talked to the meter, which therefore knows our frame count bit
// already and sends its old telegram again. It must not become a new reading.
func TestTrapOldTelegramFromAnotherMaster(t *testing.T) {
	speech := &metersim.MBus{}
	sim := waterMeter(5, 1)
	speech.Add(sim)
	l := simulated(t, speech)
	m, _ := mbus.New(l, 5, "1", mbus.Options{Timeout: short})
	for n := uint32(1); n < 8; n++ {
		sim.Set(records(n))
		if n > 1 {
			sim.Repeat() // as if our next frame count bit were the last one it heard
		}
		r, err := m.Read(t.Context())
		if err != nil || r.Values[0] != volume(n) {
			t.Fatalf("reading %d: %+v, %v", n, r.Values, err)
		}
	}
}

// speedLine is a pipe whose speed can be set; the meter hears only what comes at its own.
type speedLine struct {
	net.Conn
	baud *atomic.Int64
}

func (s speedLine) SetMode(m line.Mode) error {
	s.baud.Store(int64(cmp.Or(m.Baud, 2400)))
	return nil
}

func (speedLine) Traits() line.Traits { return line.Traits{} }

// speedy hears only at the right speed.
type speedy struct {
	*metersim.MBus
	line  *atomic.Int64
	meter atomic.Int64
}

func (s *speedy) Hear(f []byte) (metersim.Reply, bool) {
	if s.line.Load() != s.meter.Load() {
		return metersim.Reply{}, false
	}
	return s.MBus.Hear(f)
}

// TestTrapBaudSwitchLostHalfWay: the acknowledgement of the switch is lost, or the meter did not switch after all.
func TestTrapBaudSwitchLostHalfWay(t *testing.T) {
	t.Parallel() // waits for what does not come
	for name, c := range map[string]struct {
		stiff, gone bool
		fault       metersim.Fault
		want        error
	}{
		"switched":                 {},
		"acknowledgement lost":     {fault: metersim.Fault{Silent: true}},
		"acknowledged, not done":   {stiff: true, want: meter.ErrException},
		"heard at neither of both": {gone: true, want: meter.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			var lineBaud atomic.Int64
			lineBaud.Store(2400)
			s := &speedy{MBus: &metersim.MBus{}, line: &lineBaud}
			s.meter.Store(2400)
			sim := waterMeter(5, 1)
			sim.Stiff = c.stiff
			sim.Switch = func(baud int) {
				if c.gone {
					baud = 1
				}
				s.meter.Store(int64(baud))
			}
			s.Add(sim)
			bus := metersim.NewBus(metersim.Pacing{})
			bus.Speech = s
			l := line.New("test", func(context.Context) (line.Conn, error) {
				ours, theirs := net.Pipe()
				done := make(chan error, 1)
				go func() { done <- bus.Serve(context.Background(), theirs) }()
				t.Cleanup(func() {
					theirs.Close()
					<-done
				})
				return speedLine{ours, &lineBaud}, nil
			}, line.Options{Timeout: short, Quiet: short / 5})
			t.Cleanup(func() { l.Close() })
			m, _ := mbus.New(l, 5, "1", mbus.Options{Timeout: short})
			if err := m.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			sim.Next(c.fault)
			if err := m.SetBaud(t.Context(), 9600); !errors.Is(err, c.want) || sim.Writes() != 1 {
				t.Errorf("SetBaud: %v, %d commands", err, sim.Writes())
			}
			if err := m.SetBaud(t.Context(), 1234); !errors.Is(err, meter.ErrUnable) {
				t.Errorf("1234 baud: %v", err)
			}
		})
	}
}
