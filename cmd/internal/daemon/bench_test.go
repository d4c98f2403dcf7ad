package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/counter"
	"tally/meter/quantity"
	"tally/storage"
	"tally/storage/storagetest"
)

// countedSource counts APDUs.
type countedSource struct {
	cardreader.Source
	n *atomic.Int64
}

type countedCard struct {
	cardreader.Card
	n *atomic.Int64
}

func (s countedSource) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	c, err := s.Source.Open(ctx, reader, ins)
	if err != nil {
		return nil, err
	}
	return countedCard{c, s.n}, nil
}

func (c countedCard) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	c.n.Add(1)
	return c.Card.Transmit(ctx, cmd)
}

// BenchmarkSale is what tally itself adds to a sale: everything between the confirmed quote and the receipt but the
// time of a real card and reader, with the ledger on this machine's disk. Commits, syncs and APDUs are counted.
func BenchmarkSale(b *testing.B) {
	ctx := context.Background()
	dir := b.TempDir()
	var apdus, commits atomic.Int64
	disk := storagetest.NewFaults()
	src := cardsim.NewSource(rigReader)
	r, err := openRig(dir, countedSource{src, &apdus}, disk.Hooks(), func(s counter.Store) counter.Store { return counted{s, &commits} })
	if err != nil {
		b.Fatal(err)
	}
	defer r.stop()
	kept, err := rigChip(dir)
	if err != nil {
		b.Fatal(err)
	}
	chip := cardsim.NewSLE4442(cardsim.Options{PSC: rigPSC, Main: kept.ReadMem()[0x20:]}) // in memory: a file is no card
	meter, err := icmeter.New("20010001", rigRegion, icmeter.CentiM3)
	if err != nil {
		b.Fatal(err)
	}
	if err := rigSeed(ctx, r.store); err != nil {
		b.Fatal(err)
	}
	if err := r.login(ctx); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	var last cardreader.Insertion
	b.ResetTimer()
	b.StopTimer()
	for i := range b.N {
		if err := src.Insert(rigReader, cardsim.ACS(chip)); err != nil {
			b.Fatal(err)
		}
		d, err := r.wait(ctx, func(d counter.Desk) bool { return settled(d) && d.Insertion != last })
		if err != nil {
			b.Fatal(err)
		}
		last = d.Insertion
		ask := counter.Ask{Reader: d.Reader, Insertion: d.Insertion, Volume: quantity.CubicMetre}
		q, err := r.service.Quote(ctx, r.session, ask)
		if err != nil {
			b.Fatal(err)
		}
		sell := counter.Sell{Request: fmt.Sprintf("request-%010d", i), Ask: ask, Volume: q.Volume, Amount: q.Amount}
		a0, s0, c0 := apdus.Load(), disk.Count(storage.OpSync), commits.Load()
		b.StartTimer()
		began := time.Now()
		_, err = r.service.Sell(ctx, r.session, sell)
		took = append(took, time.Since(began))
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		if i == b.N-1 {
			b.ReportMetric(float64(apdus.Load()-a0), "APDUs/sale")
			b.ReportMetric(float64(disk.Count(storage.OpSync)-s0), "fsyncs/sale")
			b.ReportMetric(float64(commits.Load()-c0), "commits/sale")
		}
		if err := src.Remove(rigReader); err != nil {
			b.Fatal(err)
		}
		meter.Swipe(chip)
		meter.Use(quantity.CubicMetre)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median/sale")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-p95/sale")
}

// counted counts commits.
type counted struct {
	counter.Store
	n *atomic.Int64
}

func (s counted) Update(ctx context.Context, f func(counter.Tx) error) error {
	s.n.Add(1)
	return s.Store.Update(ctx, f)
}
