package central_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
)

// played is a road and a store in one, so that the order of commits and acks can be seen.
type played struct {
	in      chan contract.Delivery
	log     []string // what happened, in order
	fail    int      // commits that fail before one succeeds
	refused []*contract.Invalid
	batches [][]central.Batch
}

func newPlayed() *played { return &played{in: make(chan contract.Delivery, 1000)} }

func (p *played) In() <-chan contract.Delivery { return p.in }
func (p *played) Ack(_ context.Context, node string, s contract.Stream, a contract.Ack) error {
	p.log = append(p.log, "ack")
	return nil
}

func (p *played) Present(online bool) {
	if online {
		p.log = append(p.log, "online")
	} else {
		p.log = append(p.log, "offline")
	}
}

func (p *played) Commit(_ context.Context, b []central.Batch, _ time.Time) ([]central.Receipt, error) {
	if p.fail > 0 {
		p.fail--
		p.log = append(p.log, "failed")
		return nil, errors.New("no connection")
	}
	p.log = append(p.log, "commit")
	p.batches = append(p.batches, b)
	return []central.Receipt{{Node: b[0].Node, Stream: b[0].Stream, Ack: contract.Ack{Epoch: b[0].Epoch}}}, nil
}

func (p *played) Refuse(_ context.Context, _ contract.Delivery, why *contract.Invalid, _ time.Time) error {
	p.refused = append(p.refused, why)
	return nil
}

func (p *played) Ping(context.Context) error { return nil }
func (p *played) Close() error               { return nil }

func ingest(t *testing.T, p *played, f func(in *central.Ingest)) {
	synctest.Test(t, func(t *testing.T) {
		p.in = make(chan contract.Delivery, 1000)
		in := central.NewIngest(p, p, central.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- in.Run(ctx) }()
		synctest.Wait()
		f(in)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheAckFollowsTheCommit(t *testing.T) {
	p := newPlayed()
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(3, 1, 1)
	ingest(t, p, func(*central.Ingest) {
		p.in <- feed.Deliver(t, 1, 3)
		synctest.Wait()
	})
	if want := []string{"online", "commit", "ack", "offline"}; !slices.Equal(p.log, want) {
		t.Errorf("%v, want %v", p.log, want)
	}
}

func TestWithoutTheDatabaseNoAck(t *testing.T) {
	p := newPlayed()
	p.fail = 3
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(3, 1, 1)
	ingest(t, p, func(in *central.Ingest) {
		p.in <- feed.Deliver(t, 1, 3)
		timer := time.NewTimer(time.Minute)
		<-timer.C
		synctest.Wait()
		if s := in.Stats(); s.StoreErrors != 3 || s.Acks != 1 {
			t.Errorf("%+v", s)
		}
	})
	want := []string{"online", "failed", "offline", "failed", "failed", "commit", "online", "ack", "offline"}
	if !slices.Equal(p.log, want) {
		t.Errorf("%v, want %v", p.log, want)
	}
}

func TestWhatWaitsSharesACommit(t *testing.T) {
	p := newPlayed()
	p.fail = 1
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(100, 1, 1)
	ingest(t, p, func(*central.Ingest) {
		for i := range 100 {
			p.in <- feed.Deliver(t, uint64(i+1), 1)
		}
		timer := time.NewTimer(time.Minute)
		<-timer.C
		synctest.Wait()
	})
	n := 0
	for _, b := range p.batches {
		n += len(b)
	}
	if n != 100 || len(p.batches) > 3 {
		t.Errorf("%d envelopes in %d transactions", n, len(p.batches))
	}
}

func TestVerifyRefuses(t *testing.T) {
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(2, 1, 1)
	good := feed.Deliver(t, 1, 2)
	for name, tc := range map[string]struct {
		topic, payload, code string
	}{
		"garbage":           {good.Topic, "\x00\x01", contract.CodeBadEnvelope},
		"another's topic":   {"tally/v1/n2/up/tx", string(good.Payload), contract.CodeWrongNode},
		"another's stream":  {"tally/v1/n1/up/ev", string(good.Payload), contract.CodeWrongNode},
		"not a topic of us": {"somewhere/else", string(good.Payload), contract.CodeBadEnvelope},
		"newest values":     {"tally/v1/n1/up/now", string(good.Payload), contract.CodeBadEnvelope},
	} {
		b, bad := central.Verify(contract.Delivery{Topic: tc.topic, Payload: []byte(tc.payload)})
		if bad == nil || bad.Code != tc.code || len(b.Items) != 0 {
			t.Errorf("%s: %v, %d items", name, bad, len(b.Items))
		}
	}
}

func TestAnUnknownVersionIsNackedAndKept(t *testing.T) {
	p := newPlayed()
	ingest(t, p, func(*central.Ingest) {
		p.in <- contract.Delivery{
			Topic:   "tally/v1/n1/up/tx",
			Payload: []byte(`{"v":2,"node":"n1","epoch":"e1","stream":"tx","seq0":5,"n":3,"whatever":[]}`),
		}
		synctest.Wait()
	})
	if len(p.refused) != 1 || len(p.batches) != 1 {
		t.Fatalf("%v %v", p.refused, p.batches)
	}
	for i, it := range p.batches[0][0].Items {
		if it.Nack == nil || it.Nack.Code != contract.CodeBadVersion || it.Seq != uint64(5+i) {
			t.Errorf("%+v", it)
		}
	}
}

func TestABadBodyIsABadRecord(t *testing.T) {
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(1, 1, 1)
	feed.Append(contract.TypeSale, "x", centraltest.Start, map[string]string{"amount_fen": "12.50"})
	b := feed.Batch(t, 1, 2)
	if b.Items[0].Nack != nil || b.Items[1].Nack == nil || b.Items[1].Nack.Code != contract.CodeBadRecord {
		t.Errorf("%+v", b.Items)
	}
}

func FuzzVerify(f *testing.F) {
	feed := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(2, 1, 1)
	f.Add("tally/v1/n1/up/tx", feed.Deliver(f, 1, 2).Payload)
	f.Add("tally/v1/n1/up/tx", []byte(`{"v":3,"node":"n1","epoch":"e","stream":"tx","seq0":1,"n":50}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		b, bad := central.Verify(contract.Delivery{Topic: topic, Payload: payload})
		if bad == nil && len(b.Items) == 0 {
			t.Fatal("an empty batch without a reason")
		}
		for i, it := range b.Items {
			if it.Seq != b.Items[0].Seq+uint64(i) || it.Nack == nil && it.Record.Seq != it.Seq {
				t.Fatalf("item %d: %+v", i, it)
			}
		}
	})
}

func TestNewestValuesAreNeitherStoredNorRefused(t *testing.T) {
	p := newPlayed()
	feed := centraltest.NewFeed("n1", "e1", contract.Rd).Readings(3)
	ingest(t, p, func(in *central.Ingest) {
		p.in <- contract.Delivery{Topic: contract.TopicNow("n1"), Payload: feed.Deliver(t, 1, 3).Payload}
		synctest.Wait()
		if in.Stats().Newest != 1 || len(p.batches)+len(p.refused) != 0 {
			t.Errorf("%+v", in.Stats())
		}
	})
}
