package storage_test

import (
	"context"
	"errors"
	"testing"

	"tally/storage/storagetest"
)

// TestAccountsInStepsAreAllOfThemOnce goes through the accounts in steps of every size while others come.
func TestAccountsInStepsAreAllOfThemOnce(t *testing.T) {
	s := storagetest.New(t)
	for n := 10; n < 20; n++ {
		update(t, s, sale(n))
	}
	for step := 1; step <= 11; step++ {
		var got []string
		for from, more := "", true; more; {
			page, err := s.AccountsFrom(t.Context(), from, step)
			if err != nil || len(page) > step {
				t.Fatalf("%d accounts, %v", len(page), err)
			}
			for _, a := range page {
				got, from = append(got, a.No), a.No+"\x00"
			}
			more = len(page) == step
			if step == 3 {
				update(t, s, sale(5)) // behind: it is not met any more
			}
		}
		want := 10
		if step > 3 {
			want = 11
		}
		if len(got) != want || got[want-1] != account(19).No {
			t.Errorf("in steps of %d: %v", step, got)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.AccountsFrom(ended, "", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
