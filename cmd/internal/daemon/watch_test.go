package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/meter"
	"tally/meter/metersim"
	"tally/meter/quality"
	"tally/meter/quantity"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// street is a gateway with two simulated gas meters, and the config of a node that reads them each second. They answer at
// once; a node that had little patience would call them silent whenever the machine is busy.
type street struct {
	sims [2]*metersim.Slave
	cfg  config.Node
}

func newStreet(t *testing.T) *street {
	t.Helper()
	bus := metersim.NewBus(metersim.Pacing{})
	s := &street{sims: [2]*metersim.Slave{metersim.NewGasMeter(50_000), metersim.NewGasMeter(70_000)}}
	l := config.Line{Name: "riser", Kind: config.KindTCP, Protocol: config.ModbusTCP}
	for i, id := range []string{"00000001", "00000002"} {
		bus.Attach(byte(i+1), s.sims[i])
		m := config.Meter{Unit: uint8(i + 1), Model: "generic-gas-modbus", Every: time.Second, Timeout: 10 * time.Second}
		m.ID, m.Watched.MaxFlow = meter.ID(id), 6_000
		l.Meters = append(l.Meters, m)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Address = ln.Addr().String()
	during(t, func(ctx context.Context) error { return bus.ServeTCP(ctx, ln) })
	s.cfg = config.Node{Name: "n", DataDir: t.TempDir(), HTTP: config.HTTP{Listen: "127.0.0.1:0"}, Lines: []config.Line{l}}
	return s
}

// live runs a node on the street while test runs.
func (s *street) live(t *testing.T, test func(n *Node)) {
	t.Helper()
	n, err := New(t.Context(), s.cfg, Parts{Version: "test", Grace: patience, Storage: storage.Options{Ballast: -1}}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("node: %v", err)
		}
	}()
	test(n)
}

// next waits for the next record of a type in a stream, from a sequence on, and returns it with the sequence behind it.
func next(t *testing.T, q outbox.Queue, typ string, from uint64) (contract.Record, uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case <-q.Grown(from - 1):
		case <-ctx.Done():
			t.Fatalf("no %s came", typ)
		}
		records, err := q.Read(ctx, from, 1, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		from++
		for _, raw := range records {
			r, err := contract.ParseRecord(raw.Raw)
			if err != nil {
				t.Fatal(err)
			}
			if r.Type == typ {
				return r, from
			}
		}
	}
}

func body[T any](t *testing.T, r contract.Record) (v T) {
	t.Helper()
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOddReadingsAreMarkedAndToldOnce: through the real line and store a counter runs backwards, and a battery gets low,
// over a restart of the node, and is changed. The value is kept as it is, with its mark; begin and end are one record
// each, under one id.
func TestOddReadingsAreMarkedAndToldOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("a running node with a gateway")
	}
	s := newStreet(t)
	begin := contract.Record{Body: []byte("{}")}
	s.live(t, func(n *Node) {
		rd, ev := n.store.Queue(contract.Rd), n.store.Queue(contract.Ev)
		at := uint64(1)
		for before := ""; before != "00000001"; { // a counter that nobody has seen before runs nowhere
			var r contract.Record
			r, at = next(t, rd, contract.TypeReading, at)
			before = body[contract.Reading](t, r).Meter
		}
		s.sims[0].SetUint32(0, 49_000)
		for {
			var r contract.Record
			r, at = next(t, rd, contract.TypeReading, at)
			b := body[contract.Reading](t, r)
			if b.Meter == "00000001" && b.Values[0].Value == "49.000" {
				if diff := cmp.Diff([]string{"backwards"}, b.Quality); diff != "" {
					t.Errorf("marks (-want +got):\n%s", diff)
				}
				break
			}
		}
		s.sims[1].Set(5, 300) // 3.00 V
		for at := uint64(1); body[contract.MeterEvent](t, begin).Kind != "battery_low"; {
			begin, at = next(t, ev, contract.TypeMeterEvent, at)
		}
	})
	s.live(t, func(n *Node) {
		ev := n.store.Queue(contract.Ev)
		from := ev.State().Next
		s.sims[1].Set(5, 362)
		end := contract.Record{Body: []byte("{}")}
		for body[contract.MeterEvent](t, end).Kind != "battery_low" {
			end, from = next(t, ev, contract.TypeMeterEvent, from)
		}
		b, e := body[contract.MeterEvent](t, begin), body[contract.MeterEvent](t, end)
		if b.Kind != "battery_low" || b.Phase != contract.PhaseBegin || b.Ended != nil || len(b.Evidence) == 0 || b.Meter != "00000002" || b.Line != "riser" || b.Class != "residential" {
			t.Errorf("begin = %+v", b)
		}
		if e.Phase != contract.PhaseEnd || e.Ended == nil || !e.Began.Equal(b.Began.Time) || end.ID != begin.ID {
			t.Errorf("end %s = %+v, begin %s", end.ID, e, begin.ID)
		}
	})
}

// TestSilentLineIsOneRecord: both meters behind the gateway fall silent and come back. On a machine that is busy enough they
// may seem to be silent before: whatever was told of that has to have ended.
func TestSilentLineIsOneRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("a running node with a gateway")
	}
	s := newStreet(t)
	for i := range s.cfg.Lines[0].Meters {
		s.cfg.Lines[0].Meters[i].Timeout = time.Second // each is asked three times before it counts as silent
	}
	s.live(t, func(n *Node) {
		rd, ev := n.store.Queue(contract.Rd), n.store.Queue(contract.Ev)
		next(t, rd, contract.TypeReading, 1)
		for _, m := range s.sims {
			m.Always(&metersim.Fault{Silent: true})
		}
		begin, at := next(t, ev, contract.TypeLineEvent, 1)
		door := door{n}
		st, err := door.Status(t.Context())
		for err == nil && !st.Lines[0].Down { // that was over already
			begin, at = next(t, ev, contract.TypeLineEvent, at)
			st, err = door.Status(t.Context())
		}
		for body[contract.LineEvent](t, begin).Phase != contract.PhaseBegin {
			begin, at = next(t, ev, contract.TypeLineEvent, at)
		}
		if err != nil || st.Lines[0].Since.IsZero() || st.Lines[0].Next.IsZero() {
			t.Errorf("status %+v, %v", st.Lines, err)
		}
		for _, m := range s.sims {
			m.Always(nil)
		}
		end, _ := next(t, ev, contract.TypeLineEvent, at)
		b, e := body[contract.LineEvent](t, begin), body[contract.LineEvent](t, end)
		if b.Line != "riser" || b.Meters != 2 || b.Phase != contract.PhaseBegin || b.Code != "silent" || e.Phase != contract.PhaseEnd || begin.ID != end.ID || e.Ended == nil {
			t.Errorf("begin %+v, end %+v", b, e)
		}
	})
}

// TestMeterBookIsAllOrNothing: states and records are one transaction.
func TestMeterBookIsAllOrNothing(t *testing.T) {
	store, err := storage.Open(t.TempDir(), storage.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	b := meterBook{store}
	if _, err := b.Load(t.Context(), "meter/1"); !errors.Is(err, quality.ErrNone) {
		t.Errorf("nothing kept: %v", err)
	}
	at := time.Date(2026, 11, 21, 0, 0, 3, 0, time.UTC)
	page := quality.Page{
		States: map[string]json.RawMessage{"meter/1": json.RawMessage(`{"n":1}`)},
		Days: []quality.Day{{Meter: "1", Line: "a", Class: quality.Large1, Day: "2026-11-20", Days: 1, At: at, Value: quantity.Decimal{Unscaled: 55667700, Scale: 2},
			Unit: "m3", Known: true, Used: 1_840_500, Compared: true, Mean: 1_204_110, Deviation: 61_300, Flags: []string{quality.High}}},
	}
	if err := b.Save(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	r, _ := next(t, store.Queue(contract.Ev), contract.TypeMeterDay, 1)
	want := contract.MeterDay{Meter: "1", Line: "a", Class: "large-1", Day: "2026-11-20", Days: 1, At: contract.At(at), Source: contract.FrozenByRead,
		Value: "556677.00", Unit: "m3", Used: "1840.500", Mean: "1204.110", Deviation: "61.300", Flags: []string{"high"}}
	if diff := cmp.Diff(want, body[contract.MeterDay](t, r)); diff != "" || r.ID != "1/2026-11-20" {
		t.Errorf("%s (-want +got):\n%s", r.ID, diff)
	}
	if raw, err := b.Load(t.Context(), "meter/1"); err != nil || string(raw) != `{"n":1}` {
		t.Errorf("kept %s, %v", raw, err)
	}
	before := store.Queue(contract.Ev).State().Next
	page.States["meter/1"], page.States["\x00"] = json.RawMessage(`{"n":2}`), json.RawMessage(`1`)
	if err := b.Save(t.Context(), page); err == nil {
		t.Fatal("a name that no state can have was saved")
	}
	if raw, _ := b.Load(t.Context(), "meter/1"); string(raw) != `{"n":1}` || store.Queue(contract.Ev).State().Next != before {
		t.Errorf("half a page was kept: %s", raw)
	}
}

// TestLedgersThroughTheDoor: every meter has one, in its own unit.
func TestLedgersThroughTheDoor(t *testing.T) {
	if testing.Short() {
		t.Skip("a running node with a gateway")
	}
	s := newStreet(t)
	s.cfg.Lines[0].Meters[1].Watched.Class = quality.Large1
	s.live(t, func(n *Node) {
		rd := n.store.Queue(contract.Rd)
		seen := map[string]bool{}
		for at := uint64(1); len(seen) < 2; {
			var r contract.Record
			r, at = next(t, rd, contract.TypeReading, at)
			seen[body[contract.Reading](t, r).Meter] = true
		}
		c := control.NewClient(s.cfg.Socket())
		defer c.Close()
		all, err := c.Ledgers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []control.MeterLedger{
			{Meter: "00000001", Line: "riser", Class: "residential", Unit: "m3", Today: "0.000", Days: []control.LedgerDay{}, Going: []control.GoingOn{}},
			{Meter: "00000002", Line: "riser", Class: "large-1", Large: true, Unit: "m3", Today: "0.000", Days: []control.LedgerDay{}, Going: []control.GoingOn{}},
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("ledgers (-want +got):\n%s", diff)
		}
	})
}
