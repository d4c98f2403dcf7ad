package daemon

import (
	"context"
	"testing"
	"time"

	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// TestHousekeepingThrowsOnlyOldAcknowledgedRecordsAway: what the centre has not committed stays, however old.
func TestHousekeepingThrowsOnlyOldAcknowledgedRecordsAway(t *testing.T) {
	now := time.Now().Add(-2 * retention)
	store, err := storage.Open(t.TempDir(), storage.Options{Ballast: -1, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	emit := func() {
		err := store.Update(t.Context(), func(tx counter.Tx) error {
			return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeNodeStarted, ID: "x", Body: contract.NodeStarted{Version: "v"}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	emit() // old, acknowledged
	emit() // old, waiting
	q := store.Queue(contract.Ev)
	if err := q.Ack(t.Context(), contract.Ack{Epoch: store.Epoch(), Ack: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- housekeeping(ctx, store, quiet) }()
	for q.State().First != 2 {
		if ctx.Err() != nil {
			t.Fatal("the old record stayed")
		}
		if err := store.View(t.Context(), func(counter.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if s := q.State(); s.Waiting() != 1 || s.First != 2 {
		t.Errorf("state %+v", s)
	}
}
