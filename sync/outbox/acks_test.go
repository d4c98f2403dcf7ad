package outbox_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
	"tally/sync/outbox/outboxtest"
)

func TestAcksInAnyOrderMoveTheWatermarkForwardOnly(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 200)
		r.link.Up()
		r.settle()
		for _, n := range []uint64{150, 50, 100, 150, 0} {
			r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: n})
		}
		r.settle()
		r.wantAcked(r.tx, 150)
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 200})
		r.settle()
		r.wantAcked(r.tx, 200)
		if codes := r.alarmCodes(); len(codes) != 0 {
			t.Errorf("alarms %v", codes)
		}
	})
}

func TestAnAckOfAnotherEpochIsIgnored(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 10)
		r.link.Up()
		r.link.Ack(contract.Tx, contract.Ack{Epoch: "e0", Ack: 10})
		r.link.Ack(contract.Tx, contract.Ack{Epoch: "e0", Ack: 99999})
		r.settle()
		r.wantAcked(r.tx, 0)
		if codes := r.alarmCodes(); len(codes) != 0 {
			t.Errorf("alarms %v: a stale retained ack is no fault", codes)
		}
	})
}

func TestAnAckBeyondWhatWasSentIsAnAlarm(t *testing.T) {
	for name, a := range map[string]contract.Ack{
		"beyond what exists":   {Epoch: epoch, Ack: 11},
		"beyond what was sent": {Epoch: epoch, Ack: 7},
		"nack beyond":          {Epoch: epoch, Ack: 5, Nacks: []contract.Nack{{Seq: 8, Code: "x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, outbox.Config{Window: 1}, func(r *rig) {
				r.centre.mute = true
				fill(r.tx, 5)
				r.link.Up()
				r.settle()
				fill(r.tx, 5) // the window keeps these here
				r.settle()
				r.link.Ack(contract.Tx, a)
				r.settle()
				r.wantAcked(r.tx, 0)
				if codes := r.alarmCodes(); !slices.Contains(codes, outbox.AlarmBeyond) {
					t.Errorf("alarms %v", codes)
				}
				r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 5})
				r.settle()
				r.wantAcked(r.tx, 5)
			})
		})
	}
}

func TestAPoisonRecordDoesNotBlockTheHead(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		fill(r.tx, 3)
		r.tx.AppendRaw(json.RawMessage(`{"seq":4,"what":"is this"}`))
		fill(r.tx, 3)
		r.link.Up()
		r.settle()
		r.wantAcked(r.tx, 7)
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 7, Nacks: r.centre.nacks}) // retained, comes again
		r.settle()
		if codes := r.alarmCodes(); len(codes) != 1 || codes[0] != outbox.AlarmNacked {
			t.Errorf("alarms %v, want one", codes)
		}
		if n := r.tx.Nacked(); len(n) != 1 || n[4].Code != contract.CodeBadRecord {
			t.Errorf("copies %v", n)
		}
	})
}

func TestNobodyStarves(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		var order []contract.Stream
		take := r.link.Take
		r.link.Take = func(s contract.Stream, payload []byte) outboxtest.Fate {
			order = append(order, s)
			if s == contract.Tx && len(order) < 300 {
				fill(r.tx, 50) // money keeps coming faster than it goes
			}
			return take(s, payload)
		}
		fill(r.tx, 100)
		fill(r.ev, 1000)
		fill(r.rd, 1000)
		r.link.Up()
		r.settle()
		first := func(s contract.Stream) int { return slices.Index(order, s) }
		if first(contract.Tx) != 0 {
			t.Errorf("the first was %s", order[0])
		}
		if first(contract.Ev) > 20 || first(contract.Rd) > 40 {
			t.Errorf("events had to wait for %d sends, readings for %d", first(contract.Ev), first(contract.Rd))
		}
		if i := slices.Index(order, contract.Ev); order[i+1] != contract.Tx {
			t.Error("money lost its priority")
		}
		r.wantAcked(r.rd, 1000)
	})
}

func TestADiskThatRefusesAnAckIsTriedAgain(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		r.centre.mute = true
		fill(r.tx, 10)
		r.link.Up()
		r.settle()
		r.tx.Break(errors.New("no space left on device"))
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 5})
		r.settle()
		r.link.Ack(contract.Tx, contract.Ack{Epoch: epoch, Ack: 10})
		r.pass(10 * time.Second)
		r.wantAcked(r.tx, 0)
		if codes := r.alarmCodes(); !slices.Contains(codes, outbox.AlarmStore) {
			t.Errorf("alarms %v", codes)
		}
		r.tx.Break(nil)
		r.pass(10 * time.Second)
		r.wantAcked(r.tx, 10)
	})
}

func TestARestoredLedgerStartsItsDeliveryAnew(t *testing.T) {
	inBubble(t, outbox.Config{}, func(r *rig) {
		fill(r.tx, 10)
		r.link.Up()
		r.settle()
		r.wantAcked(r.tx, 10)
		r.centre.set(func() {
			r.centre.stored[contract.Tx], r.centre.acked[contract.Tx] = map[uint64]string{}, 0
		})
		r.tx.Restore("e2")
		fill(r.tx, 1)
		r.settle()
		r.wantAcked(r.tx, 11)
		if len(r.centre.stored[contract.Tx]) != 11 {
			t.Errorf("the centre has %d", len(r.centre.stored[contract.Tx]))
		}
	})
}
