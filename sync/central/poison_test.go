package central_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
)

// picky is a store whose database never takes certain records.
type picky struct {
	*played
	hates  func(central.Item) bool
	stored map[uint64]bool
	nacked map[uint64]string
	seqs   map[string]uint64 // highest handled by node
}

func newPicky(hates func(central.Item) bool) *picky {
	return &picky{played: newPlayed(), hates: hates, stored: map[uint64]bool{}, nacked: map[uint64]string{}, seqs: map[string]uint64{}}
}

func (p *picky) Commit(_ context.Context, all []central.Batch, _ time.Time) ([]central.Receipt, error) {
	for _, b := range all {
		for _, it := range b.Items {
			if it.Nack == nil && p.hates(it) {
				return nil, fmt.Errorf("store records: %w", central.ErrContent)
			}
		}
	}
	var out []central.Receipt
	for _, b := range all {
		for _, it := range b.Items {
			if it.Nack != nil {
				p.nacked[it.Seq] = it.Nack.Code
			} else {
				p.stored[it.Seq] = true
			}
			p.seqs[b.Node] = it.Seq
		}
		out = append(out, central.Receipt{Node: b.Node, Stream: b.Stream, Ack: contract.Ack{Epoch: b.Epoch, Ack: p.seqs[b.Node]}})
	}
	return out, nil
}

// TestARecordThatNoDatabaseTakesIsSetAside: a record which was not found out by verifying costs nobody but itself its place.
func TestARecordThatNoDatabaseTakesIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPicky(func(it central.Item) bool { return it.Seq == 7 })
		p.in = make(chan contract.Delivery, 100)
		in := central.NewIngest(p, p, central.Options{})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		bad := centraltest.NewFeed("bad", "e1", contract.Tx).Sales(10, 1, 1)
		p.in <- bad.Deliver(t, 1, 4)
		p.in <- bad.Deliver(t, 5, 6)
		go func() { done <- in.Run(ctx) }()
		synctest.Wait()
		if len(p.stored) != 9 || p.stored[7] || len(p.nacked) != 1 || p.nacked[7] != contract.CodeBadRecord {
			t.Errorf("stored %v, nacked %v", p.stored, p.nacked)
		}
		if s := in.Stats(); s.StoreErrors != 0 || p.seqs["bad"] != 10 {
			t.Errorf("%+v, %v", s, p.seqs)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// endless is a road on which one node sends rubbish without end; before the first of it comes one sound envelope.
type endless struct {
	*played
	rubbish contract.Delivery
	at      int // the rubbish that was refused when the sound one was committed
}

func (e *endless) Refuse(ctx context.Context, d contract.Delivery, why *contract.Invalid, now time.Time) error {
	e.in <- e.rubbish
	if len(e.refused) > 100_000 {
		return nil
	}
	return e.played.Refuse(ctx, d, why, now)
}

func (e *endless) Commit(ctx context.Context, b []central.Batch, now time.Time) ([]central.Receipt, error) {
	e.at = len(e.refused)
	return e.played.Commit(ctx, b, now)
}

// TestRubbishHoldsNobodyUp: an envelope that has come is committed soon, whatever comes behind it.
func TestRubbishHoldsNobodyUp(t *testing.T) {
	e := &endless{played: newPlayed(), rubbish: contract.Delivery{Topic: "tally/v1/bad/up/tx", Payload: []byte("x")}}
	e.in <- centraltest.NewFeed("good", "e1", contract.Tx).Sales(1, 1, 1).Deliver(t, 1, 1)
	for range 3 {
		e.in <- e.rubbish
	}
	ctx, stop := context.WithCancel(t.Context())
	in := central.NewIngest(e, stopper{e, stop}, central.Options{})
	if err := in.Run(ctx); err != nil {
		t.Error(err)
	}
	if len(e.batches) != 1 || e.at > 1000 {
		t.Errorf("%d envelopes committed after %d refusals", len(e.batches), e.at)
	}
}

// stopper ends the run with the first ack, and the rubbish when there is none in sight.
type stopper struct {
	*endless
	stop func()
}

func (s stopper) Ack(context.Context, string, contract.Stream, contract.Ack) error {
	s.stop()
	return nil
}

func (s stopper) In() <-chan contract.Delivery {
	if len(s.refused) > 10_000 { // nobody would ever see the end of it
		return nil
	}
	return s.in
}
