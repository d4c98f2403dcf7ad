package purse_test

import (
	"bytes"
	"context"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/guard"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
	"tally/cardreader/space"
)

// The least number of commands that a sale can take by the chip's rules and the promises, counted like this:
//
//	1   the chip's type or application is chosen
//	R   header, orders and write-back are read for the quote, the whole chip where that costs the same
//	1   the header is read again before the code is presented: the sale may have waited, and another card may lie there
//	3   the code: tries before, presentation, tries after; on a CPU card tries, challenge, authentication
//	R'  everything that the order was worked out from is read again behind the code: the card may have been changed
//	W   for each step that changes bytes its write and its read-back; a protected write takes a challenge before it; an
//	    order that is proved by header and slot together is read back once, where they lie on one run
//
// R and R' are counted with what one answer holds: 128 bytes of an SLE 4442 (the readers' buffers), all of an AT88SC102,
// 256 of a file, as many records as the card gives at once.
func minimum(p *profile.Profile, pl purse.Plan) int {
	n := 1 + reads(p, true) + 1 + 3 + reads(p, false)
	image := bytes.Clone(pl.Before)
	for _, s := range pl.Steps {
		if bytes.Equal(image[s.Addr:s.Addr+len(s.Data)], s.Data) {
			continue
		}
		copy(image[s.Addr:], s.Data)
		n += 2
		a, _ := space.Find(p.Map, s.Addr)
		switch a.Kind {
		case space.Records, space.Binary:
			n++ // the challenge
		case space.Purse:
			n += 3 // begin, its answer, credit, its answer, where a write is one
			n += 1 // and reading it back takes its answer
		}
		if s.Name == string(profile.WriteRecord) && !covered(p) {
			n++ // the header is another file
		}
	}
	return n
}

// covered: the check of an order covers the header, so that the record alone says whose it is.
func covered(p *profile.Profile) bool {
	for _, s := range p.Order.Check.Over {
		if s.In == profile.SpanHeader {
			return true
		}
	}
	return false
}

// reads is the number of commands that read the whole run, or what an order is worked out from.
func reads(p *profile.Profile, all bool) int {
	if len(p.Map) == 0 {
		return 2
	}
	n, files := 0, 0
	for _, a := range p.Map {
		needed := all
		for _, b := range []*profile.Block{p.Header, p.Order, p.WriteBack} {
			if b != nil && b.Slots[0].At >= a.At && b.Slots[0].At < a.End() {
				needed = true
			}
		}
		if !needed {
			continue
		}
		switch a.Kind {
		case space.Binary:
			files++
		case space.Records, space.Cyclic:
			per := max(a.Bulk, 1) * a.Record
			files += (a.Len + per - 1) / per
		case space.Purse:
			files += 2
		default:
			n = 1
		}
	}
	return n + files
}

// apduKits are the chips of every shipped profile.
func apduKits(t testing.TB) []kit {
	all := kits(t)
	for _, name := range []string{"ADD4442 v1", "REP4442 v1", "RAW4442 v1", "INC4442 v1"} {
		p := builtin(t, name)
		all = append(all, kit{
			name: name, p: p, header: otherHeaders[name], make: kit4442(t).make,
			open: func(card cardreader.Card, g *guard.Guard, _ *profile.Profile) (purse.Memory, error) {
				return sle4442.Open(ctx, card, sle4442.ACS, g, sle4442.Secret{PSC: utilityPSC, Issued: true})
			},
		})
	}
	return all
}

// secondOf is a card that has had an order, which the meter took, and the plan of the next.
func secondOf(t testing.TB, k kit) ([]byte, purse.Plan) {
	t.Helper()
	c := chipOf(k.p, sell(t, k.p, blankImage(t, k.p, k.header), plain(1, 100)))
	meterFor(t, k.p, k.header).Swipe(c)
	return c.mem, plan(t, k.p, c.mem, plain(2, 50))
}

// TestSaleTakesNoMoreThanItMust: a command more on every sale is seconds of a queue.
func TestSaleTakesNoMoreThanItMust(t *testing.T) {
	h := newHall(t)
	for _, k := range apduKits(t) {
		image, pl := secondOf(t, k)
		got, least := h.countAPDUs(k, image, plain(2, 50)), minimum(k.p, pl)
		t.Logf("%-16s %2d APDUs, minimum %d", k.name, got, least)
		if got > least+extra[k.p.Name] {
			t.Errorf("%s: a sale takes %d APDUs, the rules %d", k.name, got, least)
		}
	}
}

// extra is what a sale takes beyond the minimum, and why.
var extra = map[string]int{
	"LOADCPU v1": 2, // the receipt of the last load comes with the state
}

// BenchmarkAPDUsPerSale prints the commands of one sale beside the least that the chip's rules allow; see minimum.
func BenchmarkAPDUsPerSale(b *testing.B) {
	for _, k := range apduKits(b) {
		image, pl := secondOf(b, k)
		b.Run(k.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				n = countAPDUs(b, k, image)
			}
			b.ReportMetric(float64(n), "APDUs/sale")
			b.ReportMetric(float64(minimum(k.p, pl)), "minimum")
		})
	}
}

// countAPDUs sells once through the chip's real driver, without a watcher of events.
func countAPDUs(b *testing.B, k kit, image []byte) int {
	b.Helper()
	script := cardsim.Script(k.make(image).dev)
	card := &bareCard{dev: script, atr: script.Reset()}
	mem, err := k.open(card, new(guard.Guard), k.p)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := sale(purse.New(mem, k.p), plain(2, 50)); err != nil {
		b.Fatal(err)
	}
	return script.Count()
}

// bareCard is a device without a reader around it.
type bareCard struct {
	dev cardsim.Device
	atr []byte
}

func (c *bareCard) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	return c.dev.Exchange(cmd)
}
func (c *bareCard) Do(_ context.Context, f func() error) error { return f() }
func (c *bareCard) ATR() []byte                                { return c.atr }
func (c *bareCard) Close() error                               { return nil }
