package counter_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

const (
	reader  = "Reader 0"
	reader2 = "Reader 1"
	region  = 0x0571
	m3      = quantity.CubicMetre
)

var (
	wang     = purse.CardID{Region: region, No: "00001234"}
	li       = purse.CardID{Region: region, No: "00005678"}
	cheap    = counter.PasswordCost{Memory: 64, Time: 1, Threads: 1}
	password = "correct horse"
)

func residential() tariff.Table {
	return tariff.Table{Class: "residential", Version: 3, From: "2026-01-01", PeriodMonths: 12, Tiers: []tariff.Tier{
		{UpTo: 100 * m3, Price: 26500}, {Price: 31800},
	}}
}

// tester is what a world needs of a testing.TB; rapid has one of its own.
type tester interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
	Fatal(...any)
	Fatalf(string, ...any)
	Log(...any)
	Cleanup(func())
}

// world is a counter with two readers, two customers and their cards. It outlives the processes that serve it.
type world struct {
	t       tester
	power   *countertest.Power
	store   *countertest.Store
	readers *countertest.Readers
	cards   map[purse.CardID]*countertest.Card
	logs    *logBuffer
	lost    quantity.Volume // what a test took from the card behind everybody's back

	clockMu sync.Mutex
	now     time.Time

	svc     *counter.Service
	changed <-chan struct{}
	stop    func()
	clerk   counter.Session
	leader  counter.Session
}

type logBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}

var _ io.Writer = (*logBuffer)(nil)

func operator(name string, no uint16, role counter.Role) counter.Operator {
	hash, err := cheap.Hash(password)
	if err != nil {
		panic(err)
	}
	return counter.Operator{Name: name, Display: "Display " + name, No: no, Role: role, Password: hash}
}

// newWorld seeds a world and starts its first process.
func newWorld(t tester, change ...func(*counter.Options)) *world {
	t.Helper()
	w := &world{
		t: t, power: &countertest.Power{}, logs: &logBuffer{}, now: time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC),
		cards: map[purse.CardID]*countertest.Card{
			wang: countertest.NewCard(wang, "10000001"),
			li:   countertest.NewCard(li, "10000002"),
		},
	}
	w.store = countertest.NewStore(w.power)
	w.readers = countertest.NewReaders(w.power, reader, reader2)
	w.put(func(tx counter.Tx) error {
		return errors.Join(
			tx.PutAccount(counter.Account{
				No: "100001", Name: "王小明", Address: "文一路 1 号", Phone: "13812345678", PriceClass: "residential",
				Card: wang, Meter: "10000001",
			}),
			tx.PutAccount(counter.Account{
				No: "100002", Name: "李华", Address: "文二路 2 号", Phone: "13987654321", PriceClass: "residential",
				Card: li, Meter: "10000002",
			}),
			tx.PutOperator(operator("chen", 7, counter.Clerk)),
			tx.PutOperator(operator("zhou", 8, counter.Leader)),
			tx.PutOperator(operator("qian", 9, counter.Finance)),
			tx.PutOperator(operator("sun", 10, counter.Technician)),
			tx.PutOperator(operator("admin", 11, counter.Admin)),
		)
	})
	w.start(change...)
	t.Cleanup(func() {
		w.stop()
		w.noSecretIn(w.logs.String())
	})
	return w
}

func (w *world) put(f func(counter.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(context.Background(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.clockMu.Lock()
	defer w.clockMu.Unlock()
	return w.now
}

func (w *world) turn(d time.Duration) {
	w.clockMu.Lock()
	defer w.clockMu.Unlock()
	w.now = w.now.Add(d)
}

// start begins a process: a new service on what is left in the world.
func (w *world) start(change ...func(*counter.Options)) {
	w.t.Helper()
	o := counter.Options{
		Store: w.store, Open: w.readers.Opener(), Resolve: countertest.Resolve, Tables: []tariff.Table{residential()},
		Station: "H01", StationNo: 1, Region: region, Now: w.clock, Password: cheap, StoreRetry: time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	svc, err := counter.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.svc = svc
	changed, unsubscribe := svc.Subscribe()
	w.changed = changed
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx, w.readers) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("run: %v", err)
		}
		unsubscribe()
	})
	w.clerk, w.leader = w.login("chen"), w.login("zhou")
	w.desk(reader, func(d counter.Desk) bool { return d.Phase != counter.NoReader })
}

// restart ends the process and begins another.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.power.CutAt(0, false)
	w.start()
}

func (w *world) login(name string) counter.Session {
	w.t.Helper()
	s, err := w.svc.Login(context.Background(), name, password)
	if err != nil && !w.power.Dead() {
		w.t.Fatal(err)
	}
	return s
}

// desk waits until the desk of a reader is as wanted.
func (w *world) desk(name string, want func(counter.Desk) bool) counter.Desk {
	w.t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		for _, d := range w.svc.Desks() {
			if d.Reader == name && want(d) {
				return d
			}
		}
		select {
		case <-w.changed:
		case <-timeout.C:
			w.t.Fatalf("desk %s never came to be as wanted: %+v", name, w.svc.Desks())
		}
	}
}

func settled(d counter.Desk) bool { return d.Phase == counter.Ready || d.Phase == counter.Failed }

// insert puts a card on the first reader and waits until it is shown.
func (w *world) insert(id purse.CardID) counter.Desk {
	w.t.Helper()
	return w.insertAt(reader, w.cards[id])
}

func (w *world) insertAt(name string, c *countertest.Card) counter.Desk {
	w.t.Helper()
	ins := w.readers.Insert(name, c)
	return w.desk(name, func(d counter.Desk) bool { return d.Insertion == ins && settled(d) })
}

func (w *world) remove(name string) {
	w.t.Helper()
	w.readers.Remove(name)
	w.desk(name, func(d counter.Desk) bool { return d.Insertion == 0 })
}

// ask makes a request for a volume on what lies on a desk.
func (w *world) ask(d counter.Desk, request string, v quantity.Volume) (counter.Sell, error) {
	a := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: v}
	q, err := w.svc.Quote(context.Background(), w.clerk, a)
	return counter.Sell{Request: request, Ask: a, Volume: q.Volume, Amount: q.Amount}, err
}

// sell sells a volume on what lies on a desk.
func (w *world) sell(d counter.Desk, request string, v quantity.Volume) (counter.Receipt, error) {
	w.t.Helper()
	r, err := w.ask(d, request, v)
	if err != nil {
		return counter.Receipt{}, err
	}
	return w.svc.Sell(context.Background(), w.clerk, r)
}

func (w *world) account(no string) counter.Account {
	w.t.Helper()
	var a counter.Account
	if err := w.store.View(context.Background(), func(tx counter.Tx) (err error) {
		a, err = tx.Account(no)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return a
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return counter.AsRefusal(err).Code
}

func (w *world) wantCode(err error, want string) {
	w.t.Helper()
	if code(err) != want {
		w.t.Fatalf("got %v, want a refusal of code %s", err, want)
	}
}
