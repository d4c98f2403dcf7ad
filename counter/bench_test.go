package counter_test

import (
	"fmt"
	"testing"
)

// BenchmarkSale is the service's own time for a sale, with ledger and card in memory: quote, fresh reading, intent, card,
// result, receipt. commits/sale is how often a real ledger would have to reach the disk.
func BenchmarkSale(b *testing.B) {
	w := newWorld(b)
	w.store.FailUpdates(nil) // count from here
	i := 0
	for b.Loop() {
		b.StopTimer()
		d := w.insert(wang)
		i++
		request := fmt.Sprintf("request-%09d", i)
		b.StartTimer()
		if _, err := w.sell(d, request, m3); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		w.desk(reader, settled)
		w.cards[wang].Swipe()
		w.store.Forget() // the journal in memory is searched from end to end
		b.StartTimer()
	}
	b.ReportMetric(float64(w.store.Updates())/float64(i), "commits/sale")
}
