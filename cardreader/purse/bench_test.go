package purse_test

import (
	"testing"

	"go.uber.org/goleak"

	"tally/cardreader/purse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// BenchmarkSale is the purse's own time for one sale: read, plan, write and resolve, on a chip that takes no time.
func BenchmarkSale(b *testing.B) {
	p := gen4442(b)
	image := sell(b, p, blankImage(b, p, blankHeader), buy(1, 100))
	b.ReportAllocs()
	for b.Loop() {
		c := newChip(image)
		pr := purse.New(c, p)
		pl, err := sale(pr, buy(2, 50))
		if err != nil {
			b.Fatal(err)
		}
		if v := purse.Resolve(pl, decode(b, p, c.mem)); v != purse.Done {
			b.Fatal(v)
		}
	}
}
