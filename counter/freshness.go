package counter

import (
	"context"
	"slices"
	"time"
)

// AccountLock is one sale lock as the centre lists it.
type AccountLock struct {
	Account string    `json:"account"`
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	At      time.Time `json:"at"` // names the lock within the account
}

// SetLocks takes over the centre's complete list of sale locks as it was at asOf. A lock of the centre that is not on
// it any more is gone; one that was set here stays until the centre has listed it and dropped it again, or somebody
// lifts it here; one that was lifted here never comes back. An older list than the last one changes nothing. Accounts
// that are not known here are passed over.
func (s *Service) SetLocks(ctx context.Context, asOf time.Time, locks []AccountLock) error {
	s.mu.Lock()
	old := asOf.Before(s.fresh.Locks)
	s.mu.Unlock()
	if old {
		return nil
	}
	listed := map[string][]AccountLock{}
	for _, l := range locks {
		listed[l.Account] = append(listed[l.Account], l)
	}
	var changed []Account
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		changed = changed[:0]
		err := tx.EachAccount(func(a Account) bool {
			if after, differs := relocked(a, listed[a.No]); differs {
				changed = append(changed, after)
			}
			return ctx.Err() == nil
		})
		if err == nil {
			err = ctx.Err()
		}
		for _, a := range changed {
			if err == nil {
				err = tx.PutAccount(a)
			}
		}
		return err
	})
	if err != nil {
		return storeRefusal(err)
	}
	s.Confirm(Freshness{Locks: asOf})
	for _, a := range changed {
		s.lookAgain(a.Card)
	}
	s.watch.changed()
	return nil
}

// relocked is an account with the centre's locks on it.
func relocked(a Account, listed []AccountLock) (Account, bool) {
	var locks []Lock
	differs := false
	for _, l := range a.Locks {
		on := slices.ContainsFunc(listed, func(c AccountLock) bool { return c.At.Equal(l.At) })
		switch {
		case l.From == FromCentre && !on:
			differs = true
			continue
		case l.From == "" && on:
			l.From = FromCentre
			differs = true
		}
		locks = append(locks, l)
	}
	for _, c := range listed {
		has := func(l Lock) bool { return l.At.Equal(c.At) }
		if slices.ContainsFunc(locks, has) || slices.ContainsFunc(a.Lifted, c.At.Equal) {
			continue
		}
		locks = append(locks, Lock{Reason: c.Reason, By: c.By, At: c.At, From: FromCentre})
		differs = true
	}
	a.Locks = locks
	return a, differs
}

// Freshness is when the centre last said that what this counter has of it is current. A zero time says nothing.
type Freshness struct {
	Prices   time.Time
	Locks    time.Time
	Accounts time.Time // every delta up to then was absorbed
}

// Confirm notes that the price tables or the lock list are those of the centre at a time, also when nothing in them
// changed. It lives in memory: whoever keeps the centre's word confirms it again after a start.
func (s *Service) Confirm(f Freshness) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Prices.After(s.fresh.Prices) {
		s.fresh.Prices = f.Prices
	}
	if f.Locks.After(s.fresh.Locks) {
		s.fresh.Locks = f.Locks
	}
	if f.Accounts.After(s.fresh.Accounts) {
		s.fresh.Accounts = f.Accounts
	}
}

// stale refuses a sale when the centre has not been heard of for longer than is allowed.
func (s *Service) stale() error {
	f := s.freshness()
	if err := s.older(CodeStalePrices, f.Prices, s.o.MaxPriceAge); err != nil {
		return err
	}
	return s.older(CodeStaleLocks, f.Locks, s.o.MaxLockAge)
}

// staleAccounts refuses a new card likewise: what other counters put on the old one must be known here.
func (s *Service) staleAccounts() error {
	return s.older(CodeStaleAccounts, s.freshness().Accounts, s.o.MaxAccountAge)
}

func (s *Service) freshness() Freshness {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh
}

// older refuses what was confirmed longer ago than most; a most of 0 takes any age.
func (s *Service) older(code string, at time.Time, most time.Duration) error {
	if most <= 0 || s.o.Now().Sub(at) <= most {
		return nil
	}
	said := "–"
	if !at.IsZero() {
		said = at.In(s.o.Location).Format("2006-01-02 15:04")
	}
	return refuse(code, nil, "at", said, "most", most.String())
}
