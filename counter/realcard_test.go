package counter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/meter/quantity"
)

// chip is the memory of a card of the default profile: what the real purse writes to in these tests. The dummy card of
// the same number stands for it on the reader.
type chip struct {
	power *countertest.Power
	mu    sync.Mutex
	mem   []byte // guarded by mu: the desk looks at the card once more while the customer walks off with it
	dead  bool
	fail  string // the next step of this name goes wrong, with or without an effect
	took  bool
}

func (c *chip) Size() int                    { return 256 }
func (c *chip) Unlock(context.Context) error { return c.step("unlock", func() {}) }

func (c *chip) Do(_ context.Context, f func() error) error { return f() }

func (c *chip) Read(_ context.Context, addr, n int) (b []byte, err error) {
	return b, c.step("chip read", func() { b = slices.Clone(c.mem[addr : addr+n]) })
}

func (c *chip) Write(_ context.Context, addr int, data []byte) error {
	return c.step(fmt.Sprintf("chip write %02X", addr), func() { copy(c.mem[addr:], data) })
}

func (c *chip) step(name string, f func()) error {
	if c.dead {
		return &cardreader.Error{Class: cardreader.Operator, Code: cardreader.CodeDead, Op: name}
	}
	err := c.power.Step(name, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.fail != name {
			f()
			return nil
		}
		c.fail = ""
		if c.took {
			f()
		}
		return &cardreader.Error{Class: cardreader.Unknown, Code: cardreader.CodeShortAnswer, Op: name}
	})
	if err != nil {
		c.dead = true
		if errors.Is(err, countertest.ErrDead) {
			err = &cardreader.Error{Class: cardreader.Unknown, Code: cardreader.CodeTimeout, Op: name, Err: err}
		}
	}
	return err
}

// ReadMem and WriteMem are the meter's way to the card.
func (c *chip) ReadMem() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mem)
}

func (c *chip) WriteMem(addr int, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	copy(c.mem[addr:], data)
	return nil
}

// realWorld is a world in which Wang's card is of the default profile, written by the real purse and swiped at the
// simulated meter; the first sale is done.
func realWorld(t *testing.T) (*world, *chip, *icmeter.Meter, func(*counter.Options)) {
	t.Helper()
	prof, err := profile.Builtin("GEN4442 v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := purse.Blank(prof, purse.Header{Region: region, CardNo: wang.No, MeterNo: "10000001", Unit: purse.UnitCentiM3, IssueCount: 1})
	if err != nil {
		t.Fatal(err)
	}
	meter, err := icmeter.New("10000001", region, icmeter.CentiM3)
	if err != nil {
		t.Fatal(err)
	}
	c := &chip{mem: image}
	var w *world
	real := func(o *counter.Options) {
		lying := w.readers.Opener()
		o.Resolve = purse.Resolve
		o.Open = func(ctx context.Context, name string, ins cardreader.Insertion) (counter.Purse, error) {
			if _, err := lying(ctx, name, ins); err != nil {
				return nil, err
			}
			c.dead = false
			return purse.New(c, prof), nil
		}
	}
	w = newWorld(t)
	w.stop()
	c.power = w.power
	w.start(real)
	if _, err := w.sell(w.insert(wang), request1, 70*m3); err != nil {
		t.Fatal(err)
	}
	w.remove(reader)
	if res := meter.Swipe(c); !res.Accepted || res.Credited != 7000 {
		t.Fatalf("swipe %+v", res)
	}
	return w, c, meter, real
}

// credited swipes the card and compares what the meter has taken in all with what was sold.
func credited(w *world, c *chip, m *icmeter.Meter) {
	w.t.Helper()
	m.Swipe(c)
	m.Swipe(c)
	var sold quantity.Volume
	for _, o := range w.store.Orders() {
		if o.State.Open() {
			w.t.Errorf("order %s is still %s", o.ID, o.State)
		}
		if o.State == counter.Done && o.Op != purse.OpMakeUp {
			sold += o.Volume
		}
	}
	if got := quantity.Volume(m.State().Accepted) * 10; got != sold {
		w.t.Errorf("the meter has taken %s m³, sold were %s", got, sold)
	}
	w.told()
}

// settleReal makes the clerk's choice about what is in doubt with the card on the reader.
func settleReal(w *world, d counter.Desk, retry bool) {
	w.t.Helper()
	if d.InDoubt == nil {
		return
	}
	var err error
	if retry {
		_, err = w.svc.Retry(bg, w.clerk, d.InDoubt.ID)
	}
	if !retry || code(err) == counter.CodeSwiped { // a refund of what the meter took meanwhile
		err = w.svc.Void(bg, w.clerk, d.InDoubt.ID)
	}
	if err != nil {
		w.t.Errorf("settle (retry %v): %v", retry, err)
	}
}

func TestPromise12KillAtEveryStepWithTheRealPurse(t *testing.T) {
	w, _, _, _ := realWorld(t)
	w.power.CutAt(0, false)
	if _, err := secondSale(w); err != nil {
		t.Fatal(err)
	}
	w.stop()
	total := len(w.power.Steps())
	t.Logf("%d steps: %q", total, w.power.Steps())
	for at := 1; at <= total; at++ {
		for _, after := range []bool{false, true} {
			w, c, m, real := realWorld(t)
			w.power.CutAt(at, after)
			receipt, err := secondSale(w)
			w.stop()
			w.power.CutAt(0, false)
			w.start(real)
			settleReal(w, w.desk(reader, settled), at%2 == 0)
			if err == nil && w.order(receipt.Order).State != counter.Done {
				t.Errorf("an acknowledged sale is %s", w.order(receipt.Order).State)
			}
			credited(w, c, m)
			w.stop()
			if t.Failed() {
				t.Fatalf("cut at step %d, after %v\n%s", at, after, w)
			}
		}
	}
}

func TestPromise2EveryFaultWithTheRealPurse(t *testing.T) {
	w, _, _, _ := realWorld(t)
	w.power.CutAt(0, false)
	if _, err := secondSale(w); err != nil {
		t.Fatal(err)
	}
	w.stop()
	steps := w.power.Steps()
	slices.Sort(steps)
	for _, step := range slices.Compact(steps) {
		if step == "update" || step == "card open" {
			continue
		}
		for _, took := range []bool{false, true} {
			for _, retry := range []bool{false, true} {
				w, c, m, _ := realWorld(t)
				d := w.insert(wang)
				r, err := w.ask(d, request2, 60*m3)
				if err != nil {
					t.Fatal(err)
				}
				w.power.CutAt(0, false)
				c.fail, c.took = step, took
				_, err = w.svc.Sell(bg, w.clerk, r)
				settleReal(w, w.desk(reader, settled), retry)
				if len(w.store.Orders()) == 2 {
					if o := w.store.Orders()[1]; (err == nil) != (o.State == counter.Done) && !o.Doubted {
						t.Errorf("the clerk heard %v, the order is %s", err, o.State)
					}
				}
				credited(w, c, m)
				w.stop()
				if t.Failed() {
					t.Fatalf("fault at %s, effect %v\n%s", step, took, w)
				}
			}
		}
	}
}

func TestRefundWithTheRealPurse(t *testing.T) {
	w, c, m, _ := realWorld(t)
	r, err := secondSale(w)
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.refund(w.desk(reader, settled), r.Order, refund1)
	if err != nil || back.Amount != -r.Amount {
		t.Fatalf("%+v %v", back, err)
	}
	d := w.insert(wang)
	if d.Problem != nil {
		t.Fatalf("desk %+v", d.Problem)
	}
	if _, err := w.sell(d, "request-000000003", 5*m3); err != nil {
		t.Fatal(err)
	}
	credited(w, c, m)
	if got := m.State().Accepted; got != 7500 {
		t.Errorf("the meter has taken %d in all", got)
	}
	_, err = w.refund(w.insert(wang), w.store.Orders()[3].ID, "refund-0000000002")
	w.wantCode(err, counter.CodeSwiped)
}

func TestMakeUpWithTheRealPurse(t *testing.T) {
	for _, took := range []bool{false, true} {
		w, c, m, _ := realWorld(t)
		before := c.ReadMem()
		if _, err := secondSale(w); err != nil {
			t.Fatal(err)
		}
		w.remove(reader)
		if took {
			m.Swipe(c)
		}
		_ = c.WriteMem(0, before)
		d := w.insert(wang)
		if d.Problem == nil || d.Problem.Code != counter.CodeCardBehind {
			t.Fatalf("desk %+v", d.Problem)
		}
		r, err := w.makeUp(d)
		if err != nil || r.Volume != 60*m3 || r.Amount != 0 {
			t.Fatalf("%+v %v", r, err)
		}
		credited(w, c, m)
	}
}

// The meter wrote back that it took the order, and only the orders were put back: that is no lost order.
func TestMakeUpWhenTheMeterSaysThatItTookTheOrder(t *testing.T) {
	w, c, m, _ := realWorld(t)
	before := c.ReadMem()
	if _, err := secondSale(w); err != nil {
		t.Fatal(err)
	}
	w.remove(reader)
	m.Swipe(c)
	_ = c.WriteMem(0x30, before[0x30:0x70])
	_, err := w.makeUp(w.insert(wang))
	w.wantCode(err, counter.CodeNoProof)
}
