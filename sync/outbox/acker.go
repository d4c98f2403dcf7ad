package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"tally/sync/contract"
)

// acker makes acknowledgements of one stream durable, off the pump's own goroutine: a commit may take as long as the
// disk likes, and acks that come meanwhile are merged into one.
type acker struct {
	q       Queue
	alarm   func(Alarm)
	stream  contract.Stream
	kick    chan struct{}
	retryIn time.Duration

	mu      sync.Mutex
	pending *contract.Ack
}

func newAcker(q Queue, alarm func(Alarm), retryIn time.Duration) *acker {
	return &acker{q: q, alarm: alarm, stream: q.Stream(), kick: make(chan struct{}, 1), retryIn: retryIn}
}

func (a *acker) put(ack contract.Ack) {
	a.mu.Lock()
	if p := a.pending; p != nil && p.Epoch == ack.Epoch {
		ack = merge(*p, ack)
	}
	a.pending = &ack
	a.mu.Unlock()
	wake(a.kick)
}

func merge(old, fresh contract.Ack) contract.Ack {
	fresh.Ack = max(old.Ack, fresh.Ack)
	known := map[uint64]bool{}
	nacks := append([]contract.Nack{}, fresh.Nacks...)
	for _, n := range nacks {
		known[n.Seq] = true
	}
	for _, n := range old.Nacks {
		if !known[n.Seq] {
			nacks = append(nacks, n)
		}
	}
	fresh.Nacks = nacks
	return fresh
}

func (a *acker) take() *contract.Ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pending
	a.pending = nil
	return p
}

func (a *acker) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.kick:
		}
		ack := a.take()
		if ack == nil {
			continue
		}
		err := a.q.Ack(ctx, *ack)
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, ErrBeyond):
			a.alarm(Alarm{a.stream, AlarmBeyond, ack.Ack, err.Error()})
		default:
			a.alarm(Alarm{a.stream, AlarmStore, ack.Ack, err.Error()})
			a.again(ctx, *ack)
		}
	}
}

// again waits and puts the ack back under whatever came meanwhile.
func (a *acker) again(ctx context.Context, ack contract.Ack) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(a.retryIn):
	}
	if newer := a.take(); newer != nil && newer.Epoch == ack.Epoch {
		ack = merge(ack, *newer)
	} else if newer != nil {
		ack = *newer
	}
	a.put(ack)
}

// wake leaves a mark in a channel of capacity one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
