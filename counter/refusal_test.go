package counter_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/counter/countertest"
	"tally/counter/tariff"
	"tally/meter/quantity"
)

// change edits Wang's account.
func (w *world) change(edit func(*counter.Account)) {
	w.t.Helper()
	w.put(func(tx counter.Tx) error {
		a, err := tx.Account("100001")
		if err != nil {
			return err
		}
		edit(&a)
		return tx.PutAccount(a)
	})
}

// buy inserts Wang's card and sells.
func (w *world) buy(v quantity.Volume) error {
	_, err := w.sell(w.insert(wang), request1, v)
	return err
}

// doubt leaves an order in doubt, its card out.
func (w *world) doubt() counter.Order { return w.doubtOf(request1) }

func (w *world) doubtOf(request string) counter.Order {
	w.t.Helper()
	d := w.insert(wang)
	w.readers.Fail(countertest.Fault{Step: "body", Nth: 1, Pull: true})
	_, err := w.sell(d, request, 10*m3)
	w.wantCode(err, counter.CodeWriteUnknown)
	w.readers.ClearFaults()
	orders := w.store.Orders()
	return orders[len(orders)-1]
}

var bg = context.Background()

// refusals provoke each code once.
var refusals = func() map[string]func(*world) error {
	all := maps.Clone(saleRefusals)
	maps.Copy(all, makingRefusals)
	maps.Copy(all, elsewhereRefusals)
	maps.Copy(all, onHall(cardRefusals))
	return all
}()

var saleRefusals = map[string]func(w *world) error{
	counter.CodeNotSwiped: func(w *world) error {
		if err := w.buy(10 * m3); err != nil {
			return err
		}
		_, err := w.sell(w.insert(wang), request2, 10*m3)
		return err
	},
	counter.CodeLocked: func(w *world) error {
		w.change(func(a *counter.Account) {
			a.Locks = []counter.Lock{{Reason: "拒绝整改", By: "zhou", At: w.clock()}}
		})
		return w.buy(m3)
	},
	counter.CodeUnknownCard: func(w *world) error {
		w.change(func(a *counter.Account) { a.Card = purse.CardID{} })
		return w.buy(m3)
	},
	counter.CodeOtherRegion: func(w *world) error {
		w.cards[wang].ID.Region++
		return w.buy(m3)
	},
	counter.CodeNotUserCard: func(w *world) error {
		w.cards[wang].Kind = purse.KindClear
		return w.buy(m3)
	},
	counter.CodeOtherMeter: func(w *world) error {
		w.cards[wang].Meter = "99999999"
		return w.buy(m3)
	},
	counter.CodeCardChanged: func(w *world) error {
		d := w.insert(wang)
		d.Insertion--
		_, err := w.sell(d, request1, m3)
		return err
	},
	counter.CodeQuoteChanged: func(w *world) error {
		r, err := w.ask(w.insert(wang), request1, m3)
		if err != nil {
			return err
		}
		r.Amount--
		_, err = w.svc.Sell(bg, w.clerk, r)
		return err
	},
	counter.CodeBadAmount: func(w *world) error { return w.buy(15) },
	counter.CodeTooLittle: func(w *world) error {
		d := w.insert(wang)
		_, err := w.svc.Quote(bg, w.clerk, counter.Ask{Reader: reader, Insertion: d.Insertion, Money: 2})
		return err
	},
	counter.CodeOverLimit: func(w *world) error {
		w.change(func(a *counter.Account) { a.MaxPurchase = 50 * m3 })
		return w.buy(51 * m3)
	},
	counter.CodeOverPeriod: func(w *world) error {
		w.change(func(a *counter.Account) { a.MaxPeriod, a.PeriodStart, a.Bought = 50*m3, "2026-01-01", 45*m3 })
		return w.buy(6 * m3)
	},
	counter.CodeOverHoard: func(w *world) error {
		w.change(func(a *counter.Account) { a.Hoard = 50 * m3 })
		if err := w.buy(30 * m3); err != nil {
			return err
		}
		w.cards[wang].Swipe()
		w.cards[wang].Use(5 * m3)
		_, err := w.sell(w.insert(wang), request2, 26*m3)
		return err
	},
	counter.CodeNoTariff: func(w *world) error {
		w.change(func(a *counter.Account) { a.PriceClass = "industrial" })
		return w.buy(m3)
	},
	counter.CodeNoRoom: func(w *world) error {
		w.store.SetNoRoom(true)
		return w.buy(m3)
	},
	counter.CodeStore: func(w *world) error {
		d := w.insert(wang)
		w.power.Cut()
		_, err := w.sell(d, request1, m3)
		return err
	},
	counter.CodeInDoubt: func(w *world) error {
		w.doubt()
		return w.buy(m3)
	},
	counter.CodeQuarantine: func(w *world) error {
		w.doubt()
		w.cards[wang].Force(7, 7, purse.Tag{7})
		return w.buy(m3)
	},
	counter.CodeWriteUnknown: func(w *world) error {
		w.doubt()
		_, err := w.svc.Receipt(bg, w.clerk, w.store.Orders()[0].ID, false)
		return err
	},
	counter.CodeNotWritten: func(w *world) error {
		d := w.insert(wang)
		w.readers.Fail(countertest.Fault{Step: "invalidate", Nth: 1, Err: notSent()})
		_, err := w.sell(d, request1, m3)
		return err
	},
	counter.CodeDamaged: func(w *world) error {
		w.cards[wang].Damage()
		return w.buy(m3)
	},
	counter.CodeCardBehind: func(w *world) error {
		if err := w.buy(m3); err != nil {
			return err
		}
		w.cards[wang].Swipe()
		w.change(func(a *counter.Account) { a.CardSeq += 3 })
		_, err := w.sell(w.insert(wang), request2, m3)
		return err
	},
	counter.CodeCardAhead: func(w *world) error {
		w.cards[wang].Force(1, 100, purse.Tag{1})
		return w.buy(m3)
	},
	counter.CodeLogin: func(w *world) error {
		_, err := w.svc.Login(bg, "chen", "wrong")
		return err
	},
	counter.CodeLoginPaused: func(w *world) error {
		for range 5 {
			_, err := w.svc.Login(bg, "chen", "wrong")
			w.wantCode(err, counter.CodeLogin)
		}
		_, err := w.svc.Login(bg, "chen", password)
		return err
	},
	counter.CodeNoSession: func(w *world) error {
		w.clerk.Token = ""
		return w.buy(m3)
	},
	counter.CodeForbidden: func(w *world) error {
		w.clerk = w.login("qian")
		return w.buy(m3)
	},
	counter.CodeRequestReused: func(w *world) error {
		r, err := w.ask(w.insert(wang), request1, m3)
		if err != nil {
			return err
		}
		if _, err := w.svc.Sell(bg, w.clerk, r); err != nil {
			return err
		}
		r.Volume *= 2
		_, err = w.svc.Sell(bg, w.clerk, r)
		return err
	},
	counter.CodeNotFound: func(w *world) error {
		_, err := w.svc.Receipt(bg, w.clerk, "no such order", false)
		return err
	},
	counter.CodeInternal: func(w *world) error {
		w.readers.Fail(countertest.Fault{Step: "read", Err: errors.New("a driver that tells nothing")})
		return w.buy(m3)
	},
	counter.CodeBusy: func(w *world) error {
		r, err := w.ask(w.insert(wang), request1, m3)
		if err != nil {
			return err
		}
		reached, release := w.readers.Hold("read")
		defer release()
		go func() { _, _ = w.svc.Sell(bg, w.clerk, r) }()
		<-reached
		_, err = w.ask(counter.Desk{Reader: reader, Insertion: r.Ask.Insertion}, request2, m3)
		return err
	},
	counter.CodeBadRequest: func(w *world) error {
		_, err := w.sell(w.insert(wang), "short", m3)
		return err
	},
	counter.CodeCardNeeded: func(w *world) error {
		_, err := w.svc.Retry(bg, w.clerk, w.doubt().ID)
		return err
	},
	counter.CodeNotStored: func(w *world) error {
		d := w.insert(wang)
		w.store.FailUpdates(func(n int) error {
			if n > 1 {
				return errors.New("input/output error")
			}
			return nil
		})
		_, err := w.sell(d, request1, m3)
		return err
	},
	counter.CodeCardReplaced: func(w *world) error {
		w.change(func(a *counter.Account) { a.CardIssue = 2 })
		return w.buy(m3)
	},
	counter.CodeRefunded: func(w *world) error {
		d, r := w.unswiped()
		if _, err := w.refund(d, r.Order, "refund-0000000001"); err != nil {
			return err
		}
		w.cards[wang].Swipe()
		_, err := w.refund(w.insert(wang), r.Order, "refund-0000000002")
		return err
	},
	counter.CodeSwiped: func(w *world) error {
		_, r := w.unswiped()
		w.cards[wang].Swipe()
		_, err := w.refund(w.insert(wang), r.Order, "refund-0000000001")
		return err
	},
	counter.CodeNotLast: func(w *world) error {
		_, r := w.unswiped()
		w.cards[wang].Swipe()
		if _, err := w.sell(w.insert(wang), request2, m3); err != nil {
			return err
		}
		_, err := w.refund(w.insert(wang), r.Order, "refund-0000000001")
		return err
	},
	counter.CodeNoProof: func(w *world) error {
		_, err := w.svc.MakeUp(bg, w.clerk, counter.MakeUp{Request: request1, Reader: reader, Insertion: w.insert(wang).Insertion})
		return err
	},
	counter.CodeOwnRequest: func(w *world) error {
		w.clerk = w.leader
		return w.svc.Decide(bg, w.leader, w.quarantined().ID, counter.NotWritten, "x")
	},
	counter.CodeReasonNeeded: func(w *world) error {
		return w.svc.Decide(bg, w.leader, w.quarantined().ID, counter.NotWritten, "")
	},
	counter.CodeAlreadyDone: func(w *world) error {
		r, err := w.sell(w.insert(wang), request1, m3)
		if err != nil {
			return err
		}
		return w.svc.Void(bg, w.clerk, r.Order)
	},
}

func TestEveryRefusalSaysItsReason(t *testing.T) {
	for code, provoke := range refusals {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t)
			w.wantCode(provoke(w), code)
			if unlawful := map[string]bool{counter.CodeOtherRegion: true, counter.CodeOwnRequest: true, counter.CodeReasonNeeded: true}; !unlawful[code] {
				w.law() // the others have a card that was tampered with
			}
		})
	}
}

func TestEveryCodeIsProvoked(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "refusal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, "Code") {
			return true
		}
		n++
		code, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if refusals[code] == nil {
			t.Errorf("%s is provoked by no test", v.Names[0].Name)
		}
		return true
	})
	if n < 30 {
		t.Errorf("found %d codes only", n)
	}
}

// What stands against a sale is on the desk before anybody asks, and the desk says the reader's own reason.
func TestDeskSaysWhyACardCannotBeUsed(t *testing.T) {
	w := newWorld(t)
	w.readers.Fail(countertest.Fault{Step: "read", Err: &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoMemoryCards, Op: "read", Reader: reader}})
	d := w.insert(wang)
	if d.Phase != counter.Failed || d.Problem == nil || d.Problem.Code != cardreader.CodeNoMemoryCards || d.Card != nil {
		t.Fatalf("desk %+v", d)
	}
	_, err := w.sell(d, request1, m3)
	w.wantCode(err, cardreader.CodeNoMemoryCards)
	w.readers.ClearFaults()
	w.change(func(a *counter.Account) { a.Locks = []counter.Lock{{Reason: "x", By: "zhou", At: w.clock()}} })
	w.cards[wang].Damage()
	if d := w.insert(wang); d.Problem == nil || d.Problem.Code != counter.CodeLocked || !d.Account.Locked {
		t.Fatalf("a lock is hidden behind the card: %+v", d.Problem)
	}
}

func TestATransientReadIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.readers.Fail(countertest.Fault{Step: "read", Nth: 1})
	if d := w.insert(wang); d.Phase != counter.Ready {
		t.Fatalf("desk %+v", d)
	}
}

func TestReaderComesAndGoes(t *testing.T) {
	w := newWorld(t)
	w.insert(wang)
	w.readers.Unplug(reader)
	d := w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.NoReader })
	if d.Card != nil || d.Account != nil || d.Problem != nil || d.InDoubt != nil || d.Insertion != 0 {
		t.Fatalf("something of the card is left on the desk: %+v", d)
	}
	_, err := w.sell(counter.Desk{Reader: reader}, request1, m3)
	w.wantCode(err, cardreader.CodeReaderGone)
	_, err = w.sell(counter.Desk{Reader: "another"}, request1, m3)
	w.wantCode(err, cardreader.CodeReaderGone)
	w.readers.Plug(reader)
	w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.Empty })
	_, err = w.sell(counter.Desk{Reader: reader}, request1, m3)
	w.wantCode(err, cardreader.CodeCardRemoved)
	if err := w.buy(m3); err != nil {
		t.Fatal(err)
	}
	if names := w.svc.Desks(); len(names) != 2 || names[0].Reader != reader || names[1].Reader != reader2 {
		t.Errorf("desks %+v", names)
	}
}

func TestRemovedCardLeavesNothingOnTheDesk(t *testing.T) {
	w := newWorld(t)
	w.doubt()
	w.insert(wang)
	w.remove(reader)
	d := w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.Empty })
	if want := (counter.Desk{Reader: reader, Phase: counter.Empty}); d != want {
		t.Errorf("desk %+v", d)
	}
}

func TestRunEndsWhenTheSourceCannotWatch(t *testing.T) {
	svc, err := counter.New(counter.Options{
		Store: countertest.NewStore(nil), Open: countertest.NewReaders(nil).Opener(), Resolve: countertest.Resolve,
		Station: "H01", Password: cheap, Grace: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no PC/SC in this build")
	if err := svc.Run(bg, brokenSource{broken}); !errors.Is(err, broken) {
		t.Errorf("run: %v", err)
	}
}

type brokenSource struct{ err error }

func (b brokenSource) Run(context.Context, func(cardreader.Event)) error { return b.err }

func (b brokenSource) Open(context.Context, string, cardreader.Insertion) (cardreader.Card, error) {
	return nil, b.err
}

func TestNewRefusesWhatIsNotWhole(t *testing.T) {
	good := counter.Options{
		Store: countertest.NewStore(nil), Open: countertest.NewReaders(nil).Opener(), Resolve: countertest.Resolve,
		Station: "H01", Password: cheap,
	}
	if _, err := counter.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*counter.Options){
		"no store":    func(o *counter.Options) { o.Store = nil },
		"no opener":   func(o *counter.Options) { o.Open = nil },
		"no resolver": func(o *counter.Options) { o.Resolve = nil },
		"no station":  func(o *counter.Options) { o.Station = "" },
		"bad table":   func(o *counter.Options) { o.Tables = []tariff.Table{{}} },
		"bad cost":    func(o *counter.Options) { o.Password.Memory = 4 },
	} {
		o := good
		spoil(&o)
		if _, err := counter.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
