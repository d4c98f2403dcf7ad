package outbox_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
	"tally/sync/outbox/outboxtest"
)

// TestFaultALinkTenSecondsUpAndSixtyDownForHours, with the clock turned: while it is up every seventh publish fails and
// every eleventh is taken and lost; records are made all along. Afterwards one good minute empties the queues, and
// nothing has reached the centre twice as something else.
func TestFaultALinkTenSecondsUpAndSixtyDownForHours(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		up, faulty := false, true
		r.centre.set(func() {
			r.centre.lose = func(n int, _ contract.Envelope) outboxtest.Fate {
				if !up || faulty && n%7 == 0 {
					return outboxtest.Fate{Err: errors.New("no way")}
				}
				return outboxtest.Fate{}
			}
			r.centre.drop = func(n int) bool { return faulty && n%11 == 0 }
		})
		made := uint64(0)
		seconds := func(n int) {
			for range n {
				r.pass(time.Second)
				fill(r.tx, 1)
				fill(r.ev, 1)
				fill(r.rd, 3)
				made++
			}
		}
		hours := 1
		if os.Getenv("TALLY_FAULTS") != "" {
			hours = 6
		}
		for range hours * 3600 / 70 {
			r.centre.set(func() { up = true })
			r.link.Up()
			seconds(10)
			r.centre.set(func() { up = false })
			r.link.Tell(outbox.Event{Kind: outbox.Lost})
			seconds(60)
		}
		r.centre.set(func() { up, faulty = true, false })
		r.link.Up()
		r.pass(time.Minute)
		r.wantAcked(r.tx, made)
		r.wantAcked(r.ev, made)
		r.wantAcked(r.rd, 3*made)
		if len(r.alarmCodes()) > 0 {
			t.Errorf("alarms %v", r.alarmCodes())
		}
		r.centre.set(func() { t.Logf("%d records, %d envelopes, %d stored", 5*made, r.centre.n, r.centre.writes) })
	})
}
