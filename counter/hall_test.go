package counter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/counter"
	"tally/counter/countertest"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// hall is a utility with real purses and drivers on simulated chips: counters, each a process with its own ledger and
// readers, customers with cards and meters, and a centre that tells the counters of each other.
type hall struct {
	tester
	prof    *profile.Profile
	family  family
	unit    purse.Unit
	offices []*office
	clients []*client
	centre  *centre
	cards   []*plastic // every chip that there is
	ledgers func(no int, p *countertest.Power) ledger

	mu  sync.Mutex
	now time.Time
}

// client is a customer with what they carry home.
type client struct {
	no    string
	meter meterSim
	old   []meterSim   // taken off the wall
	card  *plastic     // nil while they have none
	spent []*plastic   // that were replaced
	lost  purse.Amount // what a test took from the card behind everybody's back
}

// plastic is one physical card.
type plastic struct {
	chip simChip
	dev  func() cardsim.Device // the chip for a reader's slot
	tap  *tapped
	at   *office // in whose reader it lies
}

var hallPSC = sle4442.PSC{0x4A, 0x5B, 0x6C}

const hallReader = "ACS ACR39U 0"

// ledger is what a hall needs of the store of a counter.
type ledger interface {
	counter.Store
	Orders() []counter.Order
	Records() []countertest.Record
	FailUpdates(func(n int) error)
}

func newHall(t tester, profileName string, unit purse.Unit, offices int) *hall {
	t.Helper()
	return newHallOn(t, profileName, unit, offices, func(_ int, p *countertest.Power) ledger { return countertest.NewStore(p) })
}

// newHallOn makes a hall on ledgers of another kind.
func newHallOn(t tester, profileName string, unit purse.Unit, offices int, ledgers func(no int, p *countertest.Power) ledger) *hall {
	t.Helper()
	p, err := layoutOf(profileName)
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{tester: t, prof: p, unit: unit, ledgers: ledgers, now: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)}
	h.family, h.centre = h.familyOf(p), newCentre()
	for i := range offices {
		h.offices = append(h.offices, h.open(i))
	}
	t.Cleanup(func() {
		for _, o := range h.offices {
			o.stop()
		}
	})
	return h
}

func (h *hall) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hall) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// client opens an account at every counter.
func (h *hall) client(i int) *client {
	h.Helper()
	c := &client{no: fmt.Sprintf("%06d", 100001+i)}
	c.meter = h.meter(10000001 + i)
	for _, o := range h.offices {
		o.put(func(tx counter.Tx) error {
			return tx.PutAccount(counter.Account{No: c.no, Name: "王小明", PriceClass: "residential", Meter: c.meter.Number(), CardUnit: h.unit})
		})
	}
	h.clients = append(h.clients, c)
	return c
}

// blank is a chip from the factory.
func (h *hall) blank() *plastic {
	p := &plastic{}
	p.chip, p.dev = h.family.blank(len(h.cards))
	h.cards = append(h.cards, p)
	return p
}

// office is one counter.
type office struct {
	h      *hall
	no     int
	power  *countertest.Power
	store  ledger
	src    *cardsim.Source
	guards *sle4442.Guards
	ins    cardreader.Insertion // of the newest insertion
	lies   *plastic
	sent   int // records that the centre has
	n      int // requests so far
	change func(*counter.Options)
	next   cardsim.Fault // of the next card that is put in, at its command nextAt; 0 for none
	nextAt int

	svc           *counter.Service
	changed       <-chan struct{}
	stop          func()
	clerk, leader counter.Session
}

func (h *hall) open(i int) *office {
	h.Helper()
	o := &office{h: h, no: i + 1, power: &countertest.Power{}}
	o.store = h.ledgers(o.no, o.power)
	o.put(func(tx counter.Tx) error {
		return errors.Join(tx.PutOperator(operator("chen", 7, counter.Clerk)), tx.PutOperator(operator("zhou", 8, counter.Leader)))
	})
	o.start()
	return o
}

func (o *office) put(f func(counter.Tx) error) {
	o.h.Helper()
	if err := o.store.Update(context.Background(), f); err != nil {
		o.h.Fatal(err)
	}
}

// start begins a process on what is left of the office.
func (o *office) start() {
	o.h.Helper()
	o.src, o.guards, o.ins = cardsim.NewSource(hallReader), &sle4442.Guards{}, 0
	o.src.Watchdog = -1
	opt := counter.Options{
		Store: o.store, Open: o.opener, Resolve: purse.Resolve, Tables: []tariff.Table{residential()},
		Station: fmt.Sprintf("H%02d", o.no), StationNo: uint16(o.no), Region: region, Now: o.h.clock, Password: cheap,
		StoreRetry: time.Millisecond, Logger: slog.New(slog.DiscardHandler), CardUnit: o.h.unit,
		ReissueFees: map[string]quantity.Money{counter.CauseLost: 1500},
	}
	if o.change != nil {
		o.change(&opt)
	}
	svc, err := counter.New(opt)
	if err != nil {
		o.h.Fatal(err)
	}
	o.svc = svc
	changed, unsubscribe := svc.Subscribe()
	o.changed = changed
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	src := o.src
	go func() { ended <- svc.Run(ctx, src) }()
	o.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			o.h.Errorf("run: %v", err)
		}
		unsubscribe()
	})
	for _, who := range []struct {
		name string
		s    *counter.Session
	}{{"chen", &o.clerk}, {"zhou", &o.leader}} {
		s, err := svc.Login(context.Background(), who.name, password)
		if err != nil && !o.power.Dead() {
			o.h.Fatal(err)
		}
		*who.s = s
	}
}

// restart ends the process, if it has not been killed, and begins another. Cards lie on the table then.
func (o *office) restart() {
	o.h.Helper()
	o.take()
	o.stop()
	o.power.CutAt(0, false)
	o.h.turn(2 * time.Millisecond) // journal ids go by the clock
	o.start()
}

func (o *office) opener(ctx context.Context, reader string, ins cardreader.Insertion) (counter.Purse, error) {
	card, err := o.src.Open(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	mem, err := o.h.family.open(ctx, card, o.guards.For(reader, ins))
	if err != nil {
		return nil, errors.Join(err, card.Close())
	}
	return purse.New(mem, o.h.prof).At(region), nil
}

// take removes what lies on the reader.
func (o *office) take() {
	if len(o.src.Readers()) == 0 {
		_ = o.src.Plug(hallReader)
		if o.lies != nil {
			o.ins++
		}
	}
	_ = o.src.Remove(hallReader)
	if o.lies != nil {
		o.lies.at, o.lies.tap = nil, nil
	}
	o.lies = nil
}

// insert puts a card on the reader and waits until it is shown.
func (o *office) insert(p *plastic) counter.Desk {
	o.h.Helper()
	if p.at != nil {
		p.at.take()
	}
	o.take()
	p.tap = &tapped{dev: p.dev(), power: o.power, at: o.nextAt, fault: o.next}
	if err := o.src.Insert(hallReader, p.tap); err != nil {
		o.h.Fatal(err)
	}
	p.at, o.lies = o, p
	o.ins++
	return o.wait(o.ins)
}

// wait waits until the desk shows an insertion, or that it is gone again.
func (o *office) wait(ins cardreader.Insertion) counter.Desk {
	o.h.Helper()
	tap := o.lies.tap
	return o.desk(func(d counter.Desk) bool {
		_, fired := tap.seen()
		return d.Insertion >= ins && settled(d) || fired && (d.Phase == counter.Empty || d.Phase == counter.NoReader)
	})
}

// settled waits until nothing is under way.
func (o *office) settled() counter.Desk {
	o.h.Helper()
	return o.desk(func(d counter.Desk) bool { return d.Phase != counter.Reading && d.Phase != counter.Writing })
}

// stored waits until results that the ledger could not take at once are in it.
func (o *office) stored() {
	o.h.Helper()
	o.store.FailUpdates(nil)
	for !o.power.Dead() {
		waits := slices.ContainsFunc(o.store.Orders(), func(x counter.Order) bool { return x.State == counter.Intended })
		if !waits {
			return
		}
		select {
		case <-o.changed:
		case <-time.After(time.Minute):
			o.h.Fatal("a result is never stored")
		}
	}
}

func (o *office) desk(want func(counter.Desk) bool) counter.Desk {
	o.h.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		for _, d := range o.svc.Desks() {
			if want(d) {
				return d
			}
		}
		select {
		case <-o.changed:
		case <-timeout.C:
			o.h.Fatalf("the desk never came to be as wanted: %+v", o.svc.Desks())
		}
	}
}

func (o *office) request() string {
	o.n++
	return fmt.Sprintf("hall-%d-request-%06d", o.no, o.n)
}

func (o *office) account(no string) counter.Account {
	o.h.Helper()
	var a counter.Account
	err := o.store.View(context.Background(), func(tx counter.Tx) (err error) { a, err = tx.Account(no); return err })
	if err != nil && !o.power.Dead() {
		o.h.Fatal(err)
	}
	return a
}

func (o *office) lastOrder() counter.Order {
	all := o.store.Orders()
	if len(all) == 0 {
		return counter.Order{}
	}
	return all[len(all)-1]
}

// tapped is a card in a reader whose commands are counted, can go wrong and need power.
type tapped struct {
	power *countertest.Power

	mu    sync.Mutex
	dev   cardsim.Device
	count int
	at    int // the command, from now, at which fault strikes; 0 for none
	fault cardsim.Fault
	fired bool
}

// arm lets a fault happen at the n-th command from now.
func (d *tapped) arm(n int, f cardsim.Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count, d.at, d.fault, d.fired = 0, n, f, false
}

func (d *tapped) seen() (commands int, fired bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count, d.fired
}

func (d *tapped) device() cardsim.Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dev
}

func (d *tapped) Insert() error { return d.device().Insert() }
func (d *tapped) Remove()       { d.device().Remove() }
func (d *tapped) Reset() []byte { return d.device().Reset() }
func (d *tapped) PowerOff()     { d.device().PowerOff() }

func (d *tapped) Exchange(command []byte) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var answer []byte
	var cardErr error
	err := d.power.Step("apdu", func() error {
		d.count++
		if d.count != d.at {
			answer, cardErr = d.dev.Exchange(command)
			return nil
		}
		d.fired = true
		f := d.fault
		f.At = 1
		answer, cardErr = cardsim.Script(d.dev, f).Exchange(command)
		if f.Kind == cardsim.Swapped {
			d.dev = f.With
		}
		return nil
	})
	if err != nil {
		return nil, cardsim.ErrSilent
	}
	return answer, cardErr
}
