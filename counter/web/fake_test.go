package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/tariff"
	"tally/meter"
	"tally/meter/quantity"
)

// start is when every test begins: 2026-11-21 14:05:33 at the counter.
var start = time.Date(2026, 11, 21, 6, 5, 33, 0, time.UTC)

const (
	goodPassword = "correct horse"
	reader       = "ACS ACR39U ICC Reader 00 00"
)

// fake is a counter, its meters, its uplink and its bench in memory. It keeps one promise of the real one that the page
// relies on: the same request is the same sale.
type fake struct {
	mu       sync.Mutex
	now      time.Time
	calls    map[string]int // calls by method
	sessions map[string]counter.Session
	desks    []counter.Desk
	open     []counter.Order
	found    []counter.AccountView
	sold     map[string]counter.Receipt // by request
	receipts map[string]counter.Receipt // by order
	refuse   map[string]error           // what a method answers instead
	hold     chan struct{}              // Sell waits for it when not nil
	meters   []MeterView
	uplink   UplinkView
	bench    BenchState
	subs     map[chan struct{}]struct{}
	role     counter.Role
	water    bool // customers buy water, not gas
	logins   int
	deeds    []string // what was asked of Decisions and Returns, in words
}

func newFake() *fake {
	return &fake{
		now: start, calls: map[string]int{}, sessions: map[string]counter.Session{},
		sold: map[string]counter.Receipt{}, receipts: map[string]counter.Receipt{}, refuse: map[string]error{},
		subs: map[chan struct{}]struct{}{}, role: counter.Clerk,
		desks:  []counter.Desk{{Reader: reader, Phase: counter.Empty}},
		uplink: UplinkView{Configured: true, Connected: true, Central: true, Waiting: 3, Acked: 1204, Oldest: start.Add(-12 * time.Second), LastAck: start.Add(-3 * time.Second)},
		meters: fakeMeters(),
		bench:  fakeBench(),
	}
}

func fakeMeters() []MeterView {
	read := func(id string, m3 int64, ago time.Duration) *meter.Reading {
		return &meter.Reading{Meter: meter.ID(id), At: start.Add(-ago), Values: []meter.Value{
			{Name: meter.Volume, Number: quantity.Decimal{Unscaled: m3, Scale: 3}, Unit: quantity.UnitCubicMetre}}}
	}
	return []MeterView{
		{ID: "202600000101", Model: "demo meter", Last: read("202600000101", 1234567, 8*time.Second)},
		{ID: "202600000102", Model: "demo meter", Last: read("202600000102", 88012, 11*time.Second)},
		{ID: "202600000103", Model: "demo meter", Dead: true, Last: read("202600000103", 556677, 3*time.Hour),
			Failure: &meter.Failure{Meter: "202600000103", At: start.Add(-time.Minute), Code: "silent"}},
	}
}

func fakeBench() BenchState {
	return BenchState{
		Cards: []BenchCard{
			{ID: "c1", Label: "00001234 王小明", Where: "table"},
			{ID: "c2", Label: "00001235 李芳", Where: "table"},
			{ID: "c3", Label: "00009999 外区", Where: "table"},
			{ID: "c4", Label: "00001236 张伟", Where: "table"},
			{ID: "c5", Label: "00001237 检查卡", Where: "table"},
		},
		Meters: []BenchMeter{{ID: "m1", Number: "2601000888", Remaining: "12.3", Used: "100.5", Valve: "open", Said: "credited", Credited: "20"},
			{ID: "m2", Number: "2601000999", Remaining: "0", Used: "200.5", Valve: "open"}},
	}
}

// did counts a call and returns the refusal set up for it.
func (f *fake) did(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[method]++
	return f.refuse[method]
}

func (f *fake) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *fake) total() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

// change alters the fake and tells everybody who looks.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	for ch := range f.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (f *fake) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) Quote(_ context.Context, _ counter.Session, a counter.Ask) (counter.Quote, error) {
	if err := f.did("Quote"); err != nil {
		return counter.Quote{}, err
	}
	return quote(a)
}

func priced(v quantity.Volume) quantity.Money {
	q, _ := quote(counter.Ask{Volume: v})
	return q.Amount
}

// quote prices in two tiers: 10 m³ at 2.65, the rest at 3.18.
func quote(a counter.Ask) (counter.Quote, error) {
	v := a.Volume
	if a.Money > 0 {
		for v = 0; priced(v+100) <= a.Money; v += 100 {
		}
	}
	if v <= 0 || v%100 != 0 {
		return counter.Quote{}, &counter.Refusal{Code: counter.CodeBadAmount, Args: map[string]string{"step": "0.1"}}
	}
	q := counter.Quote{Ask: a, Account: "0100001234", Volume: v, Table: 3}
	for i, part := range []quantity.Volume{min(v, 10000), max(v-10000, 0)} {
		if part > 0 {
			p := []quantity.Price{26500, 31800}[i]
			m, _ := p.Of(part)
			q.Lines = append(q.Lines, tariff.Line{Tier: i + 1, Volume: part, Price: p, Amount: m})
			q.Amount += m
		}
	}
	q.Change = max(a.Money-q.Amount, 0)
	return q, nil
}

func (f *fake) Sell(ctx context.Context, _ counter.Session, s counter.Sell) (counter.Receipt, error) {
	f.mu.Lock()
	f.calls["Sell"]++
	hold := f.hold
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return counter.Receipt{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	q, err := quote(s.Ask)
	if err = cmp.Or(f.refuse["Sell"], err); err != nil {
		return counter.Receipt{}, err
	}
	if r, ok := f.sold[s.Request]; ok {
		return r, nil
	}
	r := receiptOf(q, uint64(len(f.sold)+1))
	r.Account.Water = f.water
	f.sold[s.Request], f.receipts[r.Order] = r, r
	return r, nil
}

func receiptOf(q counter.Quote, no uint64) counter.Receipt {
	return counter.Receipt{
		No: no, Station: "C3", Order: fmt.Sprintf("01J9ZX3K5QWERTYUIOP%04d", no), At: start, Account: wang(), Operator: "陈静",
		Volume: q.Volume, Lines: q.Lines, Amount: q.Amount, Capitals: "叁佰贰拾伍元零肆分", CardSeq: 8,
	}
}

func (f *fake) Retry(_ context.Context, _ counter.Session, order string) (counter.Receipt, error) {
	if err := f.did("Retry " + order); err != nil {
		return counter.Receipt{}, err
	}
	q, _ := quote(counter.Ask{Volume: 20000})
	r := receiptOf(q, 77)
	r.Order, r.Account.Water = order, f.water
	f.change(func() { f.receipts[order] = r; f.open = nil; f.desks = []counter.Desk{inserted(8, false)} })
	return r, nil
}

func (f *fake) Void(_ context.Context, _ counter.Session, order string) error {
	err := f.did("Void " + order)
	if err == nil {
		f.change(func() { f.open = nil; f.desks = []counter.Desk{inserted(8, true)} })
	}
	return err
}

func (f *fake) Receipt(_ context.Context, _ counter.Session, order string, again bool) (counter.Receipt, error) {
	if err := f.did("Receipt"); err != nil {
		return counter.Receipt{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.receipts[order]
	if !ok {
		return r, &counter.Refusal{Code: counter.CodeNotFound}
	}
	if again {
		r.Copy++
		f.receipts[order] = r
	}
	return r, nil
}

func (f *fake) Login(_ context.Context, name, password string) (counter.Session, error) {
	if err := f.did("Login"); err != nil {
		return counter.Session{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	role, known := map[string]counter.Role{"chen": f.role, "zhou": counter.Leader, "wu": counter.Clerk}[name]
	if !known || password != goodPassword {
		return counter.Session{}, &counter.Refusal{Code: counter.CodeLogin}
	}
	f.logins++
	s := counter.Session{
		Token: fmt.Sprintf("token-%d", f.logins), Operator: name, Display: "陈静", Role: role,
		Since: f.now, Expires: f.now.Add(time.Hour),
	}
	f.sessions[s.Token] = s
	return s, nil
}

func (f *fake) Session(token string) (counter.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Session"]++
	s, ok := f.sessions[token]
	if !ok || !f.now.Before(s.Expires) {
		return counter.Session{}, &counter.Refusal{Code: counter.CodeNoSession}
	}
	s.Expires = f.now.Add(time.Hour)
	f.sessions[token] = s
	return s, nil
}

func (f *fake) Logout(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Logout"]++
	delete(f.sessions, token)
}

func (f *fake) Desks() []counter.Desk {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Desks"]++
	return slices.Clone(f.desks)
}

func (f *fake) OpenOrders(context.Context) ([]counter.Order, error) {
	err := f.did("OpenOrders")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.open), err
}

func (f *fake) Search(_ context.Context, _ counter.Session, query string, n int) ([]counter.AccountView, error) {
	if err := f.did("Search"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []counter.AccountView
	for _, a := range f.found {
		if strings.Contains(a.No+a.Name+a.Address, query) && len(out) < n {
			out = append(out, a)
		}
	}
	return out, nil
}

func (f *fake) Subscribe() (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Subscribe"]++
	ch := make(chan struct{}, 1)
	f.subs[ch] = struct{}{}
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subs, ch)
	}
}

func (f *fake) subscribers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subs)
}

func (f *fake) Meters() []MeterView {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Meters"]++
	return slices.Clone(f.meters)
}

func (f *fake) Uplink() UplinkView {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["Uplink"]++
	return f.uplink
}

func (f *fake) State() BenchState {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls["State"]++
	return BenchState{Cards: slices.Clone(f.bench.Cards), Meters: slices.Clone(f.bench.Meters)}
}

// Do moves cards like the demo's bench does; only the first card is a customer's.
func (f *fake) Do(_ context.Context, a BenchAction) error {
	if err := f.did("Do " + a.Do); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.bench.Cards, func(c BenchCard) bool { return c.ID == a.Card })
	if i < 0 && a.Do != "use" {
		return errors.New("no such card")
	}
	switch a.Do {
	case "insert":
		f.bench.Cards[i].Where = "reader"
		f.desks = []counter.Desk{inserted(cardreader.Insertion(f.calls["Do insert"]), true)}
	case "remove":
		f.bench.Cards[i].Where = "table"
		f.desks = []counter.Desk{{Reader: reader, Phase: counter.Empty}}
	case "swipe":
		f.bench.Cards[i].Where = "meter"
	case "take":
		f.bench.Cards[i].Where = "table"
	case "use":
		for i := range f.bench.Meters {
			if f.bench.Meters[i].ID == a.Meter {
				f.bench.Meters[i].Used = []string{"101.5", "201.5"}[i]
			}
		}
	}
	return nil
}

func wang() counter.AccountView {
	return counter.AccountView{
		No: "0100001234", Name: "王**", Address: "滨江区江南大道 1188 号 3 幢 2 单元 501 室", Phone: "138****5678", PriceClass: "residential",
		Card: purse.CardID{Region: 0x0571, No: "00001234"}, Meter: "2601000777", Bought: 112300,
	}
}

// inserted is a desk with a good customer's card.
func inserted(n cardreader.Insertion, swiped bool) counter.Desk {
	a := wang()
	d := counter.Desk{
		Reader: reader, Phase: counter.Ready, Insertion: n, Account: &a,
		Card: &purse.State{
			Profile: "GEN4442 v1", Card: a.Card, Kind: purse.KindUser, Meter: a.Meter, Unit: purse.UnitDeciM3, Swiped: swiped,
			Order: &purse.OnCard{Slot: "a", Seq: 7, Qty: 200, Cumulative: 1123, Price: 26500, Tier: 1, Op: purse.OpBuy, At: "2026-10-02T09"},
			WriteBack: &purse.WriteBack{
				Seq: 7, Accepted: 1123, Remaining: 123, Used: 1000, BatteryDV: 32, Status: []string{"low_battery"},
				MeterTime: "2026-10-02 18:20", MeterNo: a.Meter,
			},
			Image: purse.Image{0xde, 0xad, 0xbe, 0xef},
		},
	}
	if !swiped {
		d.Problem = &counter.Refusal{Code: counter.CodeNotSwiped, Args: map[string]string{"volume": "20", "at": "2026-10-02T09"}}
	}
	return d
}

// doubted is a desk with a card whose order may be written again or given back.
func doubted() (counter.Desk, counter.Order) {
	d := inserted(8, true)
	o := counter.Order{
		ID: "01J9ZX3K5QDOUBT0000000001", State: counter.InDoubt, Account: "0100001234", Card: d.Card.Card, Operator: "chen",
		IntentAt: start.Add(-4 * time.Minute), Volume: 20000, Amount: 5830, Plan: purse.Plan{Before: purse.Image{1}, After: purse.Image{2}},
	}
	d.InDoubt, d.Problem = &o, &counter.Refusal{Code: counter.CodeInDoubt, Args: map[string]string{"order": o.ID}}
	return d, o
}
