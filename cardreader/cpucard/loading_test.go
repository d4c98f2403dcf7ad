package cpucard_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cpucard"
)

var loading = cpucard.SoftKeys{Vend: master.Vend, Line: master.Line, Load: cpucard.Key{7, 8, 9}}

func loadBench(t *testing.T, faults ...cardsim.Fault) *bench {
	t.Helper()
	b := newBench(t)
	b.cos = cardsim.NewCOS(cardsim.COSOptions{AID: aid, Serial: serial, Load: cpucard.TripleDES.Diversify(loading.Load, serial), Balance: 500, Loads: 41})
	b.tap.Device = cardsim.Script(b.cos, faults...)
	b.reinsert()
	return b
}

func load(amount uint32) cpucard.Load {
	return cpucard.Load{Key: 1, Amount: amount, Trade: cpucard.TradeLoad, Terminal: cpucard.Terminal{0, 0, 0, 0, 0, 7},
		At: cpucard.StampOf(time.Date(2026, 11, 21, 14, 5, 9, 0, time.UTC))}
}

func TestLoadWithKeysAndWithSAM(t *testing.T) {
	sam, _ := newSAM(t, loading)
	for name, k := range map[string]cpucard.Keys{"keys": loading, "module": sam} {
		b := loadBench(t)
		c := b.mustOpen(k)
		tac, err := c.Credit(t.Context(), load(1000), 500, 41)
		if err != nil || tac == (cpucard.TAC{}) {
			t.Fatalf("%s: %v", name, err)
		}
		if balance, loads := b.cos.Balance(); balance != 1500 || loads != 42 {
			t.Errorf("%s: balance %d after load %d", name, balance, loads)
		}
		_, again, ok, err := c.Proof(t.Context(), cpucard.TradeLoad, 41)
		if err != nil || !ok || again != tac {
			t.Errorf("%s: proof %v %v %v, want the receipt %v", name, again, ok, err, tac)
		}
		if _, _, ok, err := c.Proof(t.Context(), cpucard.TradeLoad, 40); ok || err != nil {
			t.Errorf("%s: proof of another load: %v %v", name, ok, err)
		}
	}
}

func TestLoadRefusals(t *testing.T) {
	b := loadBench(t)
	c := b.mustOpen(loading)
	for name, err := range map[string]error{
		"another balance": second(c.Credit(t.Context(), load(1), 499, 41)),
		"another counter": second(c.Credit(t.Context(), load(1), 500, 40)),
		"another key":     second(b.strangerCredit(t)),
	} {
		if !errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if balance, loads := b.cos.Balance(); balance != 500 || loads != 41 {
		t.Errorf("balance %d after load %d", balance, loads)
	}
}

func second[T any](_ T, err error) error { return err }

func (b *bench) strangerCredit(t *testing.T) (cpucard.TAC, error) {
	b.reinsert()
	return b.mustOpen(strangers).Credit(t.Context(), load(1), 500, 41)
}

// Promise 2 for a load: whatever happens, the counter tells whether it happened, the error never says that it did not when
// it did, and what did happen has its receipt.
func TestLoadUnderFaults(t *testing.T) {
	ends := map[string]int{}
	for _, kind := range cardsim.FaultKinds() {
		if kind == cardsim.Swapped {
			continue
		}
		for at := 2; at <= 5; at++ { // 1 selects; begin, fetch, credit, fetch
			t.Run(fmt.Sprintf("%v at %d", kind, at), func(t *testing.T) {
				b := loadBench(t, cardsim.Fault{At: at, Kind: kind})
				_, err := b.mustOpen(loading).Credit(t.Context(), load(1000), 500, 41)
				balance, loads := b.cos.Balance()
				happened := loads == 42
				if happened != (balance == 1500) {
					t.Fatalf("balance %d after load %d", balance, loads)
				}
				if happened && errors.Is(err, cardreader.ErrNotSent) || err == nil && !happened && kind != cardsim.NoEffect {
					t.Fatalf("%v, and the load happened: %v", err, happened)
				}
				ends[fmt.Sprint(happened, " ", err == nil)]++
				b.tap.Device = b.cos
				if kind == cardsim.Unplugged {
					if err := b.src.Plug(reader); err != nil {
						t.Fatal(err)
					}
					b.ins = b.watch.Await(cardreader.CardInserted, reader).Insertion
				} else {
					b.reinsert()
				}
				c := b.mustOpen(loading)
				l, err := c.BeginLoad(t.Context(), load(1))
				if err != nil || (l.Seq == 42) != happened {
					t.Fatalf("counter %d, %v", l.Seq, err)
				}
				if _, _, ok, err := c.Proof(t.Context(), cpucard.TradeLoad, 41); err != nil || ok != happened {
					t.Errorf("proof %v, %v", ok, err)
				}
			})
		}
	}
	for _, want := range []string{"true true", "true false", "false false"} {
		if ends[want] == 0 {
			t.Errorf("no fault ended as %q: %v", want, ends)
		}
	}
}
