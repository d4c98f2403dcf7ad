package outbox_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
	"tally/sync/outbox/outboxtest"
)

const epoch = "e1"

// centre plays a central system that keeps the contract, behind a link whose faults the test chooses.
type centre struct {
	link *outboxtest.Link

	mu     sync.Mutex
	stored map[contract.Stream]map[uint64]string
	acked  map[contract.Stream]uint64
	nacks  []contract.Nack
	mute   bool                                             // commits, but its acks are lost
	lose   func(n int, e contract.Envelope) outboxtest.Fate // what the broker does to the n-th publish
	drop   func(n int) bool                                 // publishes that are taken and never delivered
	n      int
	writes int
}

func newCentre(l *outboxtest.Link) *centre {
	c := &centre{link: l, stored: map[contract.Stream]map[uint64]string{}, acked: map[contract.Stream]uint64{}}
	for _, s := range contract.Streams {
		c.stored[s] = map[uint64]string{}
	}
	l.Take = c.take
	return c
}

func (c *centre) take(s contract.Stream, payload []byte) outboxtest.Fate {
	e, err := contract.Open(payload)
	if err != nil {
		panic(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if c.lose != nil {
		if fate := c.lose(c.n, e); fate.Err != nil || fate.Silent {
			return fate
		}
	}
	if c.drop == nil || !c.drop(c.n) {
		c.commit(s, e)
	}
	return outboxtest.Fate{}
}

func (c *centre) commit(s contract.Stream, e contract.Envelope) {
	for i, raw := range e.Records {
		seq := e.Seq0 + uint64(i)
		if old, ok := c.stored[s][seq]; ok && old != string(raw) {
			panic(fmt.Sprintf("record %d changed", seq))
		} else if !ok {
			c.writes++
		}
		c.stored[s][seq] = string(raw)
		if _, err := e.Record(i); err != nil {
			c.nacks = append(c.nacks, contract.Nack{Seq: seq, Code: contract.CodeBadRecord, Text: err.Error()})
		}
	}
	for c.stored[s][c.acked[s]+1] != "" {
		c.acked[s]++
	}
	if !c.mute {
		c.link.Ack(s, contract.Ack{Epoch: e.Epoch, Ack: c.acked[s], Nacks: c.nacks})
	}
}

func (c *centre) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *centre) publishes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// rig is a pump under test with its queues, in a bubble of its own time.
type rig struct {
	t      *testing.T
	link   *outboxtest.Link
	centre *centre
	pump   *outbox.Pump
	tx, ev *outboxtest.Queue
	rd     *outboxtest.Queue
	mu     sync.Mutex
	alarms []outbox.Alarm
}

// inBubble runs f with a running pump; the pump is stopped after it, and the bubble checks that no goroutine is left.
func inBubble(t *testing.T, cfg outbox.Config, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, link: outboxtest.NewLink(), tx: outboxtest.NewQueue(contract.Tx, epoch),
			ev: outboxtest.NewQueue(contract.Ev, epoch), rd: outboxtest.NewQueue(contract.Rd, epoch),
		}
		r.centre = newCentre(r.link)
		cfg.Node, cfg.Boot = "hall-1", "boot"
		cfg.OnAlarm = func(a outbox.Alarm) {
			r.mu.Lock()
			r.alarms = append(r.alarms, a)
			r.mu.Unlock()
		}
		var err error
		if r.pump, err = outbox.NewPump(cfg, r.link, r.tx, r.ev, r.rd); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.pump.Run(ctx) }()
		f(r)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func fill(q *outboxtest.Queue, n int) {
	for i := range n {
		q.Append("x", fmt.Sprint(i), time.Now(), map[string]int{"i": i})
	}
}

// settle lets everything happen that can happen without time passing.
func (r *rig) settle() { synctest.Wait() }

// pass lets d go by in the bubble.
func (r *rig) pass(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
	synctest.Wait()
}

func (r *rig) alarmCodes() []outbox.AlarmCode {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []outbox.AlarmCode
	for _, a := range r.alarms {
		out = append(out, a.Code)
	}
	return out
}

func (r *rig) wantAcked(q *outboxtest.Queue, want uint64) {
	r.t.Helper()
	if got := q.State().Acked; got != want {
		r.t.Errorf("%s: acked %d, want %d", q.Stream(), got, want)
	}
}
