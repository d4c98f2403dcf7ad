package storage_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestRandomUseAgreesWithAModel runs random calls, faults and starts against a model in memory. rapid prints the seed of
// a failure and how to run it again.
func TestRandomUseAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(t)
		defer m.close()
		rt.Repeat(rapid.StateMachineActions(m))
	})
}

// machine is the store and what it should contain. Its exported methods are what may happen.
type machine struct {
	t        *testing.T
	dir      string
	faults   *storagetest.Faults
	s        *storage.Store
	accounts map[int]counter.Account
	orders   map[int]counter.Order
	emitted  map[contract.Stream][]string // ids by number − 1
	acked    map[contract.Stream]uint64
	receipts uint64
	newest   map[string]int64
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, dir: t.TempDir(), accounts: make(map[int]counter.Account), orders: make(map[int]counter.Order),
		emitted: make(map[contract.Stream][]string), acked: make(map[contract.Stream]uint64), newest: make(map[string]int64)}
	m.open()
	return m
}

func (m *machine) open() {
	m.faults = storagetest.NewFaults()
	opts := storage.Options{SegmentBytes: 40 << 10, Hooks: m.faults.Hooks(), Ballast: -1}
	s, err := storage.Open(m.dir, opts)
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
}

func (m *machine) close() { storagetest.CheckAndClose(m.t, m.s) }

// Sale puts, emits and takes a receipt, and sometimes fails on its own or for the disk's sake.
func (m *machine) Sale(t *rapid.T) {
	n := rapid.IntRange(0, 20).Draw(t, "account")
	end := rapid.SampledFrom([]string{"ok", "ok", "ok", "refused", "panic", "disk"}).Draw(t, "end")
	state := rapid.SampledFrom([]counter.OrderState{counter.Intended, counter.Done, counter.InDoubt}).Draw(t, "state")
	a, o := account(n), order(n, state)
	a.Name = fmt.Sprint(m.receipts)
	mine := errors.New("mine")
	if end == "disk" {
		m.faults.Fail("", "ledger.db", rapid.IntRange(0, 6).Draw(t, "at"), syscall.ENOSPC)
	}
	err := m.s.Update(t.Context(), func(tx counter.Tx) error {
		if _, err := tx.NextReceipt("hall"); err != nil {
			return err
		}
		err := errors.Join(tx.PutAccount(a), tx.PutOrder(o), tx.Emit(draft(contract.Tx, n)), tx.Emit(draft(contract.Ev, n)))
		switch end {
		case "refused":
			return errors.Join(err, mine)
		case "panic":
			panic("mine")
		}
		return err
	})
	m.faults.Clear()
	if (end == "refused" || end == "panic") && err == nil {
		t.Fatalf("%s was stored", end)
	}
	if end == "ok" && err != nil {
		t.Fatal(err)
	}
	if err == nil {
		m.accounts[n], m.orders[n] = a, o
		m.receipts++
		for _, stream := range []contract.Stream{contract.Tx, contract.Ev} {
			m.emitted[stream] = append(m.emitted[stream], o.ID)
		}
	}
}

// Keep stores readings, some of them on a failing disk.
func (m *machine) Keep(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "meter")
	if rapid.IntRange(0, 5).Draw(t, "fault") == 0 {
		m.faults.Fail("", "readings", rapid.IntRange(0, 6).Draw(t, "at"), syscall.EIO)
	}
	for range rapid.IntRange(1, 40).Draw(t, "count") {
		n := int64(len(m.emitted[contract.Rd]))
		r := reading(id, n)
		if err := m.s.Keep(t.Context(), r); err != nil {
			break
		}
		m.emitted[contract.Rd] = append(m.emitted[contract.Rd], fmt.Sprintf("%s@%s", id, r.At.Format("2006-01-02T15:04:05.000Z")))
		m.newest[id] = n
	}
	m.faults.Clear()
}

// Ack moves a watermark, or tries to move it back or too far.
func (m *machine) Ack(t *rapid.T) {
	stream := rapid.SampledFrom(contract.Streams).Draw(t, "stream")
	n := rapid.Uint64Range(0, uint64(len(m.emitted[stream]))+1).Draw(t, "ack")
	err := m.s.Queue(stream).Ack(t.Context(), contract.Ack{Epoch: m.s.Epoch(), Ack: n})
	if beyond := n > uint64(len(m.emitted[stream])); beyond != (err != nil) {
		t.Fatalf("ack %d of %d: %v", n, len(m.emitted[stream]), err)
	}
	if err == nil {
		m.acked[stream] = max(m.acked[stream], n)
	}
}

// Reopen ends the run and starts the next.
func (m *machine) Reopen(t *rapid.T) {
	m.close()
	m.open()
}

// Check compares everything; rapid calls it after every action.
func (m *machine) Check(t *rapid.T) {
	for _, stream := range contract.Streams {
		m.checkStream(t, stream)
	}
	err := m.s.View(t.Context(), func(tx counter.Tx) error {
		open := 0
		for n, want := range m.orders {
			got, err := tx.OrderOfRequest(want.Request)
			if err != nil || got.State != want.State {
				t.Fatalf("order %d is %s, want %s: %v", n, got.State, want.State, err)
			}
			if want.State.Open() {
				open++
			}
			a, err := tx.AccountOfCard(account(n).Card)
			if err != nil || a.Name != m.accounts[n].Name {
				t.Fatalf("account %d is %q, want %q: %v", n, a.Name, m.accounts[n].Name, err)
			}
		}
		all, err := tx.OpenOrders()
		if len(all) != open {
			t.Fatalf("%d open orders, want %d", len(all), open)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.s.Latest() {
		if got := l.Reading.Values[0].Number.Unscaled; got != m.newest[string(l.Meter)] {
			t.Fatalf("newest of %s is %d, want %d", l.Meter, got, m.newest[string(l.Meter)])
		}
	}
}

func (m *machine) checkStream(t *rapid.T, stream contract.Stream) {
	st, ids := m.s.Queue(stream).State(), m.emitted[stream]
	if st.Next != uint64(len(ids))+1 || st.Acked != m.acked[stream] || st.First > st.Acked+1 {
		t.Fatalf("%s is %+v, want next %d, acked %d", stream, st, len(ids)+1, m.acked[stream])
	}
	for from := st.First; from < st.Next; {
		recs, err := m.s.Queue(stream).Read(t.Context(), from, 1000, 1<<20)
		if err != nil || len(recs) == 0 {
			t.Fatalf("read %s from %d: %v", stream, from, err)
		}
		for _, r := range recs {
			var rec contract.Record
			decode(m.t, r.Raw, &rec)
			if r.Seq != from || rec.ID != ids[from-1] {
				t.Fatalf("%s %d is %q, want %d %q", stream, r.Seq, rec.ID, from, ids[from-1])
			}
			from++
		}
	}
}
