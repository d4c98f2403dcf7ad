package sqlstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
)

// TestAllLocksOfACityReachAHall: one in a hundred of a million customers is in arrears, and as many paid in the last 90 days.
func TestAllLocksOfACityReachAHall(t *testing.T) {
	s := open(t)
	if err := s.SaveStatus(t.Context(), "hall-1", contract.Status{V: 1, Online: true, Session: "s", Epoch: "e1", Region: 571}, centraltest.Start); err != nil {
		t.Fatal(err)
	}
	tx, err := s.DB().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	at := centraltest.Start.Format("2006-01-02T15:04:05.000Z")
	for i := range 20_000 {
		lifted := at
		if i%2 == 0 {
			lifted = ""
		}
		_, err := tx.Exec("INSERT INTO sale_lock (account, at, reason, by_whom, node, lifted, lifted_by, why) VALUES (?, ?, '欠费', 'zhao', '', ?, 'zhao', '')",
			fmt.Sprintf("%08d", i), at, lifted)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	now := centraltest.Start.Add(time.Minute)
	if err := s.Compose(t.Context(), "hall-1", centraltest.Signer{}, now, time.Hour); err != nil {
		t.Fatal(err)
	}
	var d contract.Desired
	err = s.Publish(t.Context(), "me", now, time.Hour, func(_ context.Context, out central.Outgoing) error {
		d, err = contract.OpenDesired(out.Payload, "hall-1", centraltest.Signer{}.Keys())
		return err
	})
	var locks contract.Locks
	if err != nil || json.Unmarshal(d.Parts[contract.PartLocks], &locks) != nil || len(locks.Standing) != 10_000 || len(locks.Lifted) != 10_000 {
		t.Errorf("%d stand, %d were lifted, %v", len(locks.Standing), len(locks.Lifted), err)
	}
}
