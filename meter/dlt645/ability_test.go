package dlt645_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"tally/meter"
	"tally/meter/dlt645"
	"tally/meter/metersim"
)

// able puts a simulated meter on a line and a driver in front of it.
func able(t *testing.T, sim *metersim.DLT645Meter, opts dlt645.Options) *dlt645.Meter {
	t.Helper()
	sim.Address = [6]byte{0x29, 0x25, 0x07, 0x07, 0x12, 0x20}
	speech := &metersim.DLT645{}
	speech.Add(sim)
	opts.Zone = time.UTC
	if len(opts.Items) == 0 && sim.Old {
		opts.Items = []dlt645.Item{dlt645.Forward97}
	}
	a, err := dlt645.ParseAddress("201207072529")
	if err != nil {
		t.Fatal(err)
	}
	m, err := dlt645.New(simulated(t, speech), a, "4711", opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAnswerInParts: an item that is longer than a frame, with every part sent twice as well.
func TestAnswerInParts(t *testing.T) {
	t.Parallel() // waits for what does not come
	for _, old := range []bool{false, true} {
		for _, doubles := range []bool{false, true} {
			t.Run(fmt.Sprintf("1997 %v, doubled %v", old, doubles), func(t *testing.T) {
				item, id := dlt645.Item{Edition: dlt645.Edition2007, Code: 0x04AA0001}, []byte{1, 0, 0xAA, 4}
				if old {
					item, id = dlt645.Item{Edition: dlt645.Edition1997, Code: 0xEE01}, []byte{0x01, 0xEE}
				}
				sim := &metersim.DLT645Meter{Old: old, Part: 3, Doubles: doubles}
				sim.Set(id, []byte{0x67, 0x45, 0x23, 0x01, 0x00, 0x98, 0x76, 0x05})
				m := able(t, sim, dlt645.Options{Items: []dlt645.Item{item}, Codings: map[dlt645.Item]dlt645.Coding{
					item: {Name: "long", Bytes: 8, Scale: 3, Unit: "kWh"},
				}})
				for range 2 {
					r, err := m.Read(t.Context())
					if v, _ := r.Find("long"); err != nil || v.Number.Unscaled != 576980001234567 || v.Number.Scale != 3 {
						t.Fatalf("read %v, %v", r.Values, err)
					}
				}
			})
		}
	}
}

func TestItemOfTheMakersOwn(t *testing.T) {
	item := dlt645.Item{Edition: dlt645.Edition2007, Code: 0x04BB0001}
	sim := &metersim.DLT645Meter{}
	sim.Set([]byte{1, 0, 0xBB, 4}, []byte{0x34, 0x92})
	sim.Set(forward, energy(4711))
	m := able(t, sim, dlt645.Options{Items: []dlt645.Item{item, dlt645.Forward}, Codings: map[dlt645.Item]dlt645.Coding{
		item: {Name: "temperature", Bytes: 2, Scale: 1, Unit: "Cel", Signed: true}, dlt645.Forward: {Name: "energy"},
	}})
	r, err := m.Read(t.Context())
	if err != nil || len(r.Values) != 2 || r.Values[0].Number.String() != "-123.4" || r.Values[1].Name != "energy" {
		t.Errorf("read %v, %v", r.Values, err)
	}
	sim.Set([]byte{1, 0, 0xBB, 4}, []byte{0x34, 0x12, 0x00})
	if r, err := m.Read(t.Context()); !errors.Is(err, meter.ErrMalformed) {
		t.Errorf("a byte too many: %v, %v", r.Values, err)
	}
	sim.Set([]byte{1, 0, 0xBB, 4}, []byte{0x3A, 0x12})
	if r, err := m.Read(t.Context()); !errors.Is(err, meter.ErrImplausible) {
		t.Errorf("no digits: %v, %v", r.Values, err)
	}
}

func TestClock(t *testing.T) {
	t.Parallel() // waits for what does not come
	for _, old := range []bool{false, true} {
		sim := &metersim.DLT645Meter{Old: old, Now: func() time.Time { return time.Now().UTC().Add(-3 * time.Minute) }}
		m := able(t, sim, dlt645.Options{})
		shows, at, err := m.ReadClock(t.Context())
		if off := at.Sub(shows); err != nil || off < 2*time.Minute || off > 4*time.Minute {
			t.Errorf("clock shows %s at %s, %v", shows, at, err)
		}
		if err := m.SetClock(t.Context(), time.Now); err != nil || sim.Sets() != 1 {
			t.Errorf("SetClock: %v, told %d times", err, sim.Sets())
		}
	}
	stiff := &metersim.DLT645Meter{Stiff: true, Now: func() time.Time { return time.Now().UTC().Add(-3 * time.Minute) }}
	if err := able(t, stiff, dlt645.Options{}).SetClock(t.Context(), time.Now); !errors.Is(err, meter.ErrOutcomeUnknown) || stiff.Sets() != 1 {
		t.Errorf("a clock that does not move: %v, told %d times", err, stiff.Sets())
	}
	far := &metersim.DLT645Meter{Now: func() time.Time { return time.Now().UTC().AddDate(-1, 0, 0) }}
	if err := able(t, far, dlt645.Options{}).SetClock(t.Context(), time.Now); !errors.Is(err, meter.ErrUnable) || far.Sets() != 0 {
		t.Errorf("a clock a year off: %v, told %d times", err, far.Sets())
	}
}

// TestClockAtMidnight: the date is read before midnight and the time after it; a day less would be wrong.
func TestClockAtMidnight(t *testing.T) {
	calls := 0
	sim := &metersim.DLT645Meter{Now: func() time.Time {
		calls++
		if calls <= 2 { // the simulator looks twice at a question: is it there, does more follow
			return time.Date(2026, 11, 21, 23, 59, 59, 0, time.UTC)
		}
		return time.Date(2026, 11, 22, 0, 0, 1, 0, time.UTC)
	}}
	shows, _, err := able(t, sim, dlt645.Options{}).ReadClock(t.Context())
	if err != nil || !shows.Equal(time.Date(2026, 11, 22, 0, 0, 1, 0, time.UTC)) {
		t.Errorf("clock shows %s, %v", shows, err)
	}
}

// TestHistoryHasTheMetersTimes: daily freezes with the times that the meter wrote down.
func TestHistoryHasTheMetersTimes(t *testing.T) {
	sim := &metersim.DLT645Meter{}
	for back, day := range []byte{0x21, 0x20, 0x19} {
		sim.Set([]byte{byte(back + 1), 0, 6, 5}, []byte{0x00, 0x00, day, 0x11, 0x26})
		sim.Set([]byte{byte(back + 1), 1, 6, 5}, append(energy(3000-back), energy(1)...)) // the total, and one tariff
	}
	m := able(t, sim, dlt645.Options{Freezes: 62})
	from := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	list, err := m.ReadHistory(t.Context(), from, from.AddDate(0, 0, 5))
	if err != nil || len(list) != 2 {
		t.Fatalf("history = %+v, %v, want two days", list, err)
	}
	for i, want := range []string{"30.00", "29.99"} {
		v, _ := list[i].Reading.Find("energy_import")
		if at := list[i].Reading.At; v.Number.String() != want || !at.Equal(from.AddDate(0, 0, 1-i)) {
			t.Errorf("%s at %s, want %s", v.Number, at, want)
		}
	}
	all, err := m.ReadHistory(t.Context(), time.Time{}, from.AddDate(0, 0, 5))
	if err != nil || len(all) != 3 {
		t.Errorf("everything: %d, %v", len(all), err)
	}
	if _, err := able(t, &metersim.DLT645Meter{}, dlt645.Options{}).ReadHistory(t.Context(), from, from); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("model without freezes: %v", err)
	}
}

func TestItemsAddressAndIdentity(t *testing.T) {
	sim := &metersim.DLT645Meter{}
	sim.Set([]byte{0, 1, 1, 2}, []byte{0x30, 0x22})
	sim.Set([]byte{2, 4, 0, 4}, []byte{0x29, 0x25, 0x07, 0x07, 0x12, 0x20})
	sim.Set([]byte{0x0B, 4, 0, 4}, []byte("\x00\x00AZ-10DD"))
	m := able(t, sim, dlt645.Options{})
	r, err := m.ReadItem(t.Context(), "02010100")
	if err != nil || len(r.Values) != 1 || r.Values[0].Number.String() != "223.0" {
		t.Errorf("02010100 = %v, %v", r.Values, err)
	}
	if _, err := m.ReadItem(t.Context(), "0201"); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("an item of the other edition: %v", err)
	}
	if err := m.Probe(t.Context()); !errors.Is(err, meter.ErrException) { // it has no energy at all, but it is there
		t.Errorf("Probe: %v", err)
	}
	if got, err := m.ReadAddress(t.Context()); err != nil || got != "201207072529" {
		t.Errorf("ReadAddress = %s, %v", got, err)
	}
	id, err := m.Identify(t.Context())
	if err != nil || id.Number != "201207072529" || id.Product != "DD01-ZA" || id.Version != "" || !bytes.Contains(id.Raw, []byte{0x16}) {
		t.Errorf("identity = %+v, %v", id, err)
	}
	if _, err := able(t, &metersim.DLT645Meter{Old: true}, dlt645.Options{}).Identify(t.Context()); !errors.Is(err, meter.ErrUnable) {
		t.Errorf("identity of 1997: %v", err)
	}
}
