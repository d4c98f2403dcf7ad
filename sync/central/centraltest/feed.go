// Package centraltest has what tests of a central store need: a node that makes envelopes, and the suite that every
// store passes.
package centraltest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
	"tally/sync/outbox/outboxtest"
)

// Start is the time of the first record of a Feed; each further one is a second later.
var Start = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

// Feed is one stream of a node that exists in the test only.
type Feed struct {
	*outboxtest.Queue
	Node  string
	Epoch string
	n     int
}

// NewFeed starts a stream.
func NewFeed(node, epoch string, s contract.Stream) *Feed {
	return &Feed{Queue: outboxtest.NewQueue(s, epoch), Node: node, Epoch: epoch}
}

// Sales appends n sales of volume litres and amount fen each.
func (f *Feed) Sales(n int, volume, amount int64) *Feed {
	for range n {
		f.n++
		id := fmt.Sprintf("%s-o%d", f.Epoch, f.n)
		f.Append(contract.TypeSale, id, f.at(), contract.Sale{
			Order: id, Account: "0001", Card: "c1", Meter: "m1", Operator: "op", Station: f.Node, Receipt: uint64(f.n),
			VolumeL: volume, AmountFen: amount, Currency: "CNY", CardUnit: "m3", IntentAt: contract.At(f.at()),
		})
	}
	return f
}

// Readings appends n readings of one meter.
func (f *Feed) Readings(n int) *Feed {
	for range n {
		f.n++
		f.Append(contract.TypeReading, "m1", f.at(), contract.Reading{
			Meter: "m1", At: contract.At(f.at()), Line: "l1",
			Values: []contract.Value{{Name: "volume", Value: fmt.Sprintf("%d.5", f.n), Unit: "m3"}},
		})
	}
	return f
}

func (f *Feed) at() time.Time { return Start.Add(time.Duration(f.n) * time.Second) }

// Deliver makes the delivery of n records from sequence from on.
func (f *Feed) Deliver(t testing.TB, from uint64, n int) contract.Delivery {
	t.Helper()
	records, err := f.Read(context.Background(), from, n, 1<<20)
	if err != nil || len(records) != n {
		t.Fatalf("%d of %d records from %d: %v", len(records), n, from, err)
	}
	raws := make([]json.RawMessage, n)
	for i, r := range records {
		raws[i] = r.Raw
	}
	return f.Raw(t, from, raws...)
}

// Raw makes the delivery of whatever is given.
func (f *Feed) Raw(t testing.TB, from uint64, raws ...json.RawMessage) contract.Delivery {
	t.Helper()
	payload, err := contract.Seal(contract.Envelope{
		Node: f.Node, Epoch: f.Epoch, Stream: f.Stream(), Seq0: from, Boot: "boot", SentAt: contract.At(Start), Clock: "ok",
	}, raws)
	if err != nil {
		t.Fatal(err)
	}
	return contract.Delivery{Topic: contract.TopicUp(f.Node, f.Stream()), Payload: payload}
}

// Batch is Deliver, verified.
func (f *Feed) Batch(t testing.TB, from uint64, n int) central.Batch {
	t.Helper()
	return Verified(t, f.Deliver(t, from, n))
}

// Verified is the batch of a delivery that must be sound.
func Verified(t testing.TB, d contract.Delivery) central.Batch {
	t.Helper()
	b, bad := central.Verify(d)
	if bad != nil {
		t.Fatal(bad)
	}
	return b
}
