package outbox_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
	"tally/sync/outbox/outboxtest"
)

func TestDeliversInOrderAndEmptiesTheQueue(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		fill(r.tx, 120)
		fill(r.ev, 3)
		r.link.Up()
		r.settle()
		r.wantAcked(r.tx, 120)
		r.wantAcked(r.ev, 3)
		if n := r.centre.publishes(); n != 4 { // 50 + 50 + 20 and 3
			t.Errorf("%d envelopes", n)
		}
		fill(r.tx, 1) // money does not linger
		r.settle()
		r.wantAcked(r.tx, 121)
		snap := r.pump.Snapshot(t.Context())
		if snap.Waiting() != 0 || !snap.Connected || !snap.Central || snap.Streams[0].LastAck.IsZero() {
			t.Errorf("%+v", snap)
		}
	})
}

// Promise 3: a record leaves the outbox only when the central system says that it has committed it. A PUBACK is not
// that word.
func TestPromise3APubackAloneFreesNothing(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.drop = func(int) bool { return true } // the broker takes everything, nobody reads it
		fill(r.tx, 10)
		fill(r.rd, 500)
		r.link.Up()
		r.pass(24 * time.Hour)
		r.wantAcked(r.tx, 0)
		r.wantAcked(r.rd, 0)
		snap := r.pump.Snapshot(t.Context())
		if snap.Waiting() != 510 || snap.Streams[0].Oldest.IsZero() {
			t.Errorf("%+v", snap)
		}
		sent := r.centre.publishes()
		if sent < 20 || sent > 1000 {
			t.Errorf("%d publishes in a day without an ack: it must go on trying, and not too often", sent)
		}
		r.centre.set(func() { r.centre.drop = nil })
		r.pass(11 * time.Minute)
		r.wantAcked(r.tx, 10)
		r.wantAcked(r.rd, 500)
	})
}

func TestNothingIsSentWithoutConnectionOrCentre(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		fill(r.tx, 1)
		r.pass(time.Hour)
		r.link.Tell(outbox.Event{Kind: outbox.Connected})
		r.pass(time.Hour)
		if n := r.centre.publishes(); n != 0 {
			t.Fatalf("%d publishes before the centre was there", n)
		}
		r.link.Tell(outbox.Event{Kind: outbox.CentralOnline})
		r.settle()
		r.wantAcked(r.tx, 1)
		r.link.Tell(outbox.Event{Kind: outbox.CentralOffline})
		r.settle()
		fill(r.tx, 5)
		r.pass(time.Hour)
		r.wantAcked(r.tx, 1)
		r.link.Tell(outbox.Event{Kind: outbox.CentralOnline})
		r.settle()
		r.wantAcked(r.tx, 6)
	})
}

func TestALostPublishIsSentAgain(t *testing.T) {
	for name, fate := range map[string]outboxtest.Fate{
		"with an error":     {Err: errors.New("connection lost")},
		"without an answer": {Silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, outbox.Config{}, func(r *rig) {
				r.centre.lose = func(n int, _ contract.Envelope) outboxtest.Fate {
					if n%3 == 2 {
						return fate
					}
					return outboxtest.Fate{}
				}
				fill(r.tx, 400)
				r.link.Up()
				r.pass(10 * time.Hour)
				r.wantAcked(r.tx, 400)
			})
		})
	}
}

func TestABrokerThatTakesAndLosesIsOutlasted(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.drop = func(n int) bool { return n%3 == 1 }
		fill(r.tx, 400)
		r.link.Up()
		r.pass(2 * time.Hour)
		r.wantAcked(r.tx, 400)
	})
}

func TestGoesBackAfterAReconnect(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.drop = func(int) bool { return true }
		fill(r.tx, 120)
		r.link.Up()
		r.settle()
		r.link.Tell(outbox.Event{Kind: outbox.Lost})
		r.settle()
		r.centre.set(func() { r.centre.drop = nil })
		r.link.Up()
		r.settle() // at once, not after the timeout
		r.wantAcked(r.tx, 120)
	})
}

func TestAReconnectGoesOnFromTheRetainedAck(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 100)
		r.link.Up()
		r.settle()
		r.wantAcked(r.tx, 0)
		before := r.centre.publishes()
		r.link.Tell(outbox.Event{Kind: outbox.Lost})
		r.link.Tell(outbox.Event{Kind: outbox.Connected})
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 100})
		r.link.Tell(outbox.Event{Kind: outbox.CentralOnline})
		r.settle()
		r.wantAcked(r.tx, 100)
		if n := r.centre.publishes() - before; n != 0 {
			t.Errorf("%d envelopes were sent again although they are committed", n)
		}
	})
}

func TestTheWindowBoundsWhatIsUnderWay(t *testing.T) {
	inBubble(t, outbox.Config{Window: 3}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 1000)
		r.link.Up()
		r.settle()
		if n := r.centre.publishes(); n != 3 {
			t.Errorf("%d envelopes under way", n)
		}
		if got := r.pump.Snapshot(context.Background()).Streams[0].InFlight; got != 3 {
			t.Errorf("snapshot says %d", got)
		}
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 100}) // two of them
		r.settle()
		if n := r.centre.publishes(); n != 5 {
			t.Errorf("%d envelopes after two were covered", n)
		}
	})
}

func TestReadingsWaitForCompany(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.link.Up()
		r.settle()
		fill(r.rd, 1)
		r.pass(4 * time.Second)
		if r.centre.publishes() != 0 {
			t.Error("sent at once")
		}
		fill(r.rd, 9)
		r.pass(2 * time.Second)
		r.wantAcked(r.rd, 10)
		if n := r.centre.publishes(); n != 1 {
			t.Errorf("%d envelopes for ten readings", n)
		}
		fill(r.rd, contract.MaxRdRecords)
		r.settle() // a full one does not wait
		r.wantAcked(r.rd, 10+contract.MaxRdRecords)
	})
}

func TestAQueueThatCannotBeReadStopsNobodyElse(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.tx.Break(errors.New("input/output error"))
		fill(r.tx, 2)
		fill(r.ev, 2)
		r.link.Up()
		r.settle()
		r.wantAcked(r.ev, 2)
		if codes := r.alarmCodes(); len(codes) != 1 || codes[0] != outbox.AlarmRead {
			t.Errorf("alarms %v", codes)
		}
		r.tx.Break(nil)
		r.pass(time.Minute)
		r.wantAcked(r.tx, 2)
	})
}

func TestNewPumpRefuses(t *testing.T) {
	q, l := outboxtest.NewQueue(contract.Tx, epoch), outboxtest.NewLink()
	for name, f := range map[string]func() (*outbox.Pump, error){
		"node":     func() (*outbox.Pump, error) { return outbox.NewPump(outbox.Config{Node: "a/b", Boot: "b"}, l, q) },
		"boot":     func() (*outbox.Pump, error) { return outbox.NewPump(outbox.Config{Node: "a"}, l, q) },
		"no queue": func() (*outbox.Pump, error) { return outbox.NewPump(outbox.Config{Node: "a", Boot: "b"}, l) },
		"twice":    func() (*outbox.Pump, error) { return outbox.NewPump(outbox.Config{Node: "a", Boot: "b"}, l, q, q) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestASlowLineIsNotTakenForALostEnvelope(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.lose = func(int, contract.Envelope) outboxtest.Fate { return outboxtest.Fate{Silent: true} } // still on the way
		fill(r.tx, 50)
		r.link.Up()
		r.pass(5 * time.Minute)
		if n := r.centre.publishes(); n != 1 {
			t.Errorf("sent %d times while the line was still busy with it", n)
		}
	})
}

func TestTheWindowCountsBytesToo(t *testing.T) {
	inBubble(t, outbox.Config{WindowBytes: 6000}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 1000)
		r.link.Up()
		r.settle()
		if n := r.centre.publishes(); n < 1 || n > 2 {
			t.Errorf("%d envelopes under way", n)
		}
	})
}

func TestReadingsAreCompactForACentreThatTakesIt(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg     outbox.Config
		enc     []string
		compact bool
	}{
		"offered":            {outbox.Config{}, []string{"later", contract.EncColumns}, true},
		"not offered":        {outbox.Config{}, nil, false},
		"offered, not taken": {outbox.Config{PlainReadings: true}, []string{contract.EncColumns}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, tc.cfg, func(r *rig) {
				fill(r.rd, 50)
				fill(r.tx, 50)
				r.link.Tell(outbox.Event{Kind: outbox.Connected})
				r.link.Tell(outbox.Event{Kind: outbox.CentralOnline, Enc: tc.enc})
				r.pass(time.Minute)
				r.wantAcked(r.rd, 50)
				for _, s := range r.link.Sent() {
					e, err := contract.Open(s.Payload)
					if want := tc.compact && s.Stream == contract.Rd; err != nil || (e.Enc == contract.EncColumns) != want {
						t.Errorf("%s as %s, %v", s.Stream, e.Enc, err)
					}
				}
			})
		})
	}
}
