package outbox_test

import (
	"sync"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

func TestTheNewestAreShownWhileABacklogDrains(t *testing.T) {
	var mu sync.Mutex
	var shown []contract.Envelope
	cfg := outbox.Config{Window: 1, Newest: func(payload []byte) {
		e, err := contract.Open(payload)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		shown = append(shown, e)
	}}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(shown)
	}
	inBubble(t, cfg, func(r *rig) {
		r.centre.mute = true // the backlog does not move
		fill(r.rd, 1000)
		r.link.Up()
		r.settle()
		if count() != 1 || shown[0].Seq0 != 951 || shown[0].N != 50 {
			t.Fatalf("%d shown, %+v", count(), shown)
		}
		fill(r.rd, 3)
		r.pass(2 * time.Second)
		if count() != 2 || shown[1].Seq0 != 1001 || shown[1].N != 3 {
			t.Errorf("%d shown", count())
		}
		r.pass(10 * time.Second)
		if count() != 2 {
			t.Error("shown again though nothing is new")
		}
		r.wantAcked(r.rd, 0) // to show is not to deliver
		r.centre.set(func() { r.centre.mute = false })
		r.pass(time.Hour)
		r.wantAcked(r.rd, 1003)
		fill(r.rd, 3)
		r.pass(time.Minute)
		if count() != 2 {
			t.Error("shown while the line keeps up")
		}
		r.wantAcked(r.rd, 1006)
	})
}

func TestTheRateOfReadingsIsCapped(t *testing.T) {
	inBubble(t, outbox.Config{MaxRate: 100}, func(r *rig) {
		fill(r.rd, 2000)
		fill(r.tx, 500)
		r.link.Up()
		r.settle()
		r.wantAcked(r.tx, 500) // money is not held back
		r.pass(9 * time.Second)
		if got := r.rd.State().Acked; got < 900 || got > 1200 {
			t.Errorf("%d readings in 9 s at 100 a second", got)
		}
		r.pass(12 * time.Second)
		r.wantAcked(r.rd, 2000)
	})
}
