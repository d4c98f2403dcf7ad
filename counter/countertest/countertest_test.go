package countertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/storage/storagetest"
)

func TestStoreInMemory(t *testing.T) {
	StoreSuite(t, func(*testing.T) counter.Store { return NewStore(nil) })
}

func TestStoreOnDisk(t *testing.T) {
	StoreSuite(t, func(t *testing.T) counter.Store { return storagetest.New(t) })
}

func TestPowerCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		s := NewStore(nil)
		s.Power.CutAt(2, after)
		put := func(no string) error {
			return s.Update(context.Background(), func(tx counter.Tx) error { return tx.PutAccount(counter.Account{No: no}) })
		}
		if err := put("1"); err != nil {
			t.Fatal(err)
		}
		for _, no := range []string{"2", "3"} {
			if err := put(no); !errors.Is(err, counter.ErrStore) || !errors.Is(err, ErrDead) {
				t.Errorf("account %s: %v", no, err)
			}
		}
		if !s.Power.Dead() || s.Room(context.Background()) != nil || !slices.Equal(s.Power.Steps(), []string{"update", "update"}) {
			t.Errorf("steps %q", s.Power.Steps())
		}
		s.Power.CutAt(0, false)
		var found string
		if err := s.View(context.Background(), func(tx counter.Tx) error {
			return tx.EachAccount(func(a counter.Account) bool { found += a.No; return true })
		}); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{false: "1", true: "12"}[after]; found != want {
			t.Errorf("cut after %v: accounts %q, want %q", after, found, want)
		}
	}
}

var id = purse.CardID{Region: 1, No: "00000001"}

func openCard(t *testing.T, r *Readers, ins cardreader.Insertion) counter.Purse {
	t.Helper()
	p, err := r.Opener()(context.Background(), "r", ins)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A write torn at any step leaves the order before it valid, and says so against its plan.
func TestTornWrites(t *testing.T) {
	for at, step := range []string{"invalidate", "body", "commit", "verify", ""} {
		r, card := NewReaders(nil, "r"), NewCard(id, "1")
		ins := r.Insert("r", card)
		p := openCard(t, r, ins)
		write := func(tag purse.Tag, qty purse.Amount) (purse.Plan, error) {
			st, err := p.Read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			plan, err := p.Plan(st, purse.Order{Tag: tag, Op: purse.OpBuy, Qty: qty})
			if err != nil {
				t.Fatal(err)
			}
			return plan, p.Write(context.Background(), plan)
		}
		if plan, err := write(purse.Tag{1}, 100); err != nil || Resolve(plan, card.State()) != purse.Done {
			t.Fatal(err)
		}
		if got := card.Swipe(); got != 100 || !card.State().Swiped {
			t.Fatalf("the meter credited %d", got)
		}
		if step != "" {
			r.Fail(Fault{Step: step, Nth: 1})
		}
		plan, err := write(purse.Tag{2}, 50)
		if (err == nil) != (step == "") {
			t.Fatalf("%s: %v", step, err)
		}
		st, want := card.State(), purse.NotDone
		if at >= 3 {
			want = purse.Done
		}
		if got := Resolve(plan, st); got != want || st.Order == nil {
			t.Errorf("torn at %q: %s, want %s; %+v", step, got, want, st)
		}
		if step != "" {
			if _, err := p.Read(context.Background()); !errors.Is(err, cardreader.ErrNotSent) {
				t.Errorf("a dead purse reads: %v", err)
			}
		}
		card.Force(9, 9, purse.Tag{9})
		if got := Resolve(plan, card.State()); got != purse.Unclear {
			t.Errorf("a foreign order: %s", got)
		}
		if got := Resolve(plan, NewCard(purse.CardID{}, "1").State()); got != purse.OtherCard {
			t.Errorf("another card: %s", got)
		}
	}
}

func TestReadersReportWhatLiesThereAndWhatChanges(t *testing.T) {
	r := NewReaders(nil, "r")
	r.Insert("r", NewCard(id, "1"))
	ctx, cancel := context.WithCancel(context.Background())
	events := make(chan cardreader.Event, 10)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, func(e cardreader.Event) { events <- e }) }()
	want := func(kind cardreader.Kind) cardreader.Event {
		t.Helper()
		e := <-events
		if e.Kind != kind || e.Reader != "r" {
			t.Fatalf("%+v, want %s", e, kind)
		}
		return e
	}
	want(cardreader.ReaderArrived)
	first := want(cardreader.CardInserted).Insertion
	r.Insert("r", NewCard(id, "1"))
	if e := want(cardreader.CardRemoved); e.Insertion != first {
		t.Errorf("removed %+v", e)
	}
	second := want(cardreader.CardInserted).Insertion
	if _, err := r.Opener()(ctx, "r", first); !errors.Is(err, cardreader.ErrNoCard) {
		t.Errorf("the card that was there before is opened: %v", err)
	}
	openCard(t, r, second)
	if _, err := r.Open(ctx, "r", second); !errors.Is(err, cardreader.ErrNotSent) {
		t.Errorf("open: %v", err)
	}
	r.Unplug("r")
	want(cardreader.CardRemoved)
	want(cardreader.ReaderGone)
	r.Plug("r")
	want(cardreader.ReaderArrived)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
