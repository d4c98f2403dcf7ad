package icmeter

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tally/meter/quantity"
)

func TestUseClosesTheValve(t *testing.T) {
	m := newMeter(t)
	if got := m.Use(1000); got != 0 {
		t.Errorf("a meter without credit let %d L through", got)
	}
	c := issue(true).put(orderA, 1, 100, limits{alarm: 30, overdraft: 20})
	m.Swipe(c)
	for _, s := range []struct {
		use, got  quantity.Volume
		remaining int64
		open      bool
		alarming  bool
	}{
		{0, 0, 100, true, false}, {-5, 0, 100, true, false}, {699, 699, 31, true, false}, {1, 1, 30, true, true},
		{300, 300, 0, true, true}, {199, 199, -19, true, true}, {50, 1, -20, false, true}, {50, 0, -20, false, true},
	} {
		got := m.Use(s.use)
		if st := m.State(); got != s.got || st.Remaining != s.remaining || st.ValveOpen != s.open || st.Alarming != s.alarming {
			t.Errorf("use %d L: got %d, %+v; want %+v", s.use, got, st, s)
		}
	}
	if m.State().LastEvent != EventEmpty {
		t.Errorf("last event %d", m.State().LastEvent)
	}
	c.put(orderB, 2, 110, limits{})
	if r := m.Swipe(c); r.State.Remaining != -10 || r.State.ValveOpen {
		t.Errorf("still in debt without an overdraft: %+v", r.State)
	}
	c.put(orderA, 3, 200, limits{})
	if r := m.Swipe(c); r.State.Remaining != 80 || !r.State.ValveOpen {
		t.Errorf("credit again: %+v", r.State)
	}
}

// A money meter takes price × volume, to the litre: 2.65 yuan/m³ from 10.00 yuan is 3773 L.
func TestMoneyMeter(t *testing.T) {
	m, err := New("00005678", 0x0571, Fen)
	if err != nil {
		t.Fatal(err)
	}
	c := issue(true).edit(0x23, 2).put(orderA, 1, 1000, limits{price: 26500})
	if r := m.Swipe(c); r.Credited != 1000 {
		t.Fatalf("%+v", r)
	}
	if got := m.Use(1000); got != 1000 || m.State().Remaining != 735 {
		t.Errorf("1 m³: %d L, %+v", got, m.State())
	}
	if got := m.Use(10_000); got != 2773 || m.State().ValveOpen {
		t.Errorf("the rest: %d L, %+v", got, m.State())
	}
	c.put(orderB, 2, 2000, limits{price: 0})
	m.Swipe(c)
	if got := m.Use(1); got != 0 {
		t.Errorf("without a price %d L went through", got)
	}
}

// Used and remaining keep step to the litre, however the use is cut up.
func TestUseAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]Unit{DeciM3, CentiM3}).Draw(t, "unit")
		m, err := New("00005678", 0, unit)
		if err != nil {
			t.Fatal(err)
		}
		m.s.Remaining, m.s.ValveOpen, m.s.Overdraft = rapid.Int64Range(1, 5000).Draw(t, "credit"), true, uint16(rapid.IntRange(0, 50).Draw(t, "overdraft"))
		start, total := m.s.Remaining, int64(0)
		for _, v := range rapid.SliceOf(rapid.Int64Range(0, 40_000)).Draw(t, "uses") {
			total += int64(m.Use(quantity.Volume(v)))
			s := m.State()
			if (start-s.Remaining)*s.perUnit()+s.Rest != total || int64(s.Used) != start-s.Remaining {
				t.Fatalf("%d L used, state %+v", total, s)
			}
			if s.Remaining < -int64(s.Overdraft) || s.ValveOpen != ((s.Remaining+int64(s.Overdraft))*s.perUnit() > s.Rest) {
				t.Fatalf("valve open %v at %d", s.ValveOpen, s.Remaining)
			}
		}
	})
}

func TestMemorySurvives(t *testing.T) {
	m, c := newMeter(t), issue(true).put(orderA, 1, 1000, limits{price: 1, alarm: 2, hoard: 3000, overdraft: 4})
	m.Swipe(c)
	m.Use(1234)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Meter
	if err := json.Unmarshal(data, &back); err != nil || back.State() != m.State() {
		t.Errorf("%+v came back as %+v, %v", m.State(), back.State(), err)
	}
	if r := back.Swipe(c); r.Reason != ReasonTaken || !r.WroteBack {
		t.Errorf("after the restart: %+v", r)
	}
}

func TestLoadRefuses(t *testing.T) {
	good := `{"number":"00005678","unit":"0.01m3","remaining":5,"rest":9}`
	for _, bad := range []string{"null?", `{}`, `[]`, strings.Replace(good, "00005678", "5678", 1), strings.Replace(good, "00005678", "0000567x", 1),
		strings.Replace(good, "0.01m3", "m3", 1), strings.Replace(good, `"rest":9`, `"rest":10`, 1), strings.Replace(good, `"rest":9`, `"rest":-1`, 1),
		strings.Replace(good, `:5,`, `:2147483648,`, 1), strings.Replace(good, `"unit"`, `"card":"12","unit"`, 1)} {
		m := newMeter(t)
		before := m.State()
		if err := json.Unmarshal([]byte(bad), m); err == nil || m.State() != before {
			t.Errorf("%s: %v, state %+v", bad, err, m.State())
		}
	}
	if err := json.Unmarshal([]byte(good), newMeter(t)); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, no := range []string{"", "1234567", "123456789", "1234567a"} {
		if _, err := New(no, 1, Fen); err == nil {
			t.Errorf("number %q taken", no)
		}
	}
	if _, err := New("12345678", 1, "m3"); err == nil {
		t.Error("unit m3 taken")
	}
}

// The check values are those of the CRC catalogue: CRC-8/SMBUS and CRC-16/IBM-3740.
func TestChecks(t *testing.T) {
	if a, b := crc8([]byte("123456789")), crc16([]byte("123456789")); a != 0xF4 || b != 0x29B1 {
		t.Errorf("%02X %04X", a, b)
	}
}
