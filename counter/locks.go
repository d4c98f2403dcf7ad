package counter

import (
	"context"
	"slices"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Types of event records about a sale lock; their body is a SaleLock.
const (
	TypeSaleLock   = "sale_lock"
	TypeSaleUnlock = "sale_unlock"
)

// SaleLock tells the centre that sales to a customer were stopped (停售), or that one such lock was lifted.
type SaleLock struct {
	Account  string        `json:"account"`
	Reason   string        `json:"reason"`
	By       string        `json:"by"`
	At       contract.Time `json:"at"` // when it was set; names the lock within the account
	LiftedBy string        `json:"lifted_by,omitempty"`
	Why      string        `json:"why,omitempty"` // it was lifted
}

const maxLifted = 32 // lifted locks remembered of a customer

// Lock stops sales to a customer, with a written reason. A customer may have several locks; each must be lifted.
func (s *Service) Lock(ctx context.Context, sess Session, account, reason string) error {
	live, err := s.allow(sess, Leader, Technician)
	if err != nil {
		return err
	}
	if reason, err = written(reason); err != nil {
		return err
	}
	l := Lock{Reason: reason, By: live.Operator, At: s.o.Now().UTC().Truncate(time.Millisecond)}
	return s.changeLocks(ctx, live, account, func(a *Account) (outbox.Draft, error) {
		for slices.ContainsFunc(a.Locks, func(o Lock) bool { return o.At.Equal(l.At) }) {
			l.At = l.At.Add(time.Millisecond) // its time names it
		}
		a.Locks = append(a.Locks, l)
		return lockRecord(TypeSaleLock, a.No, l, "", ""), nil
	})
}

// Unlock lifts the lock that was set at a time, with a written reason. Only a leader lifts, and not a lock of their own:
// who stopped a sale does not also release it.
func (s *Service) Unlock(ctx context.Context, sess Session, account string, at time.Time, reason string) error {
	live, err := s.allow(sess, Leader)
	if err != nil {
		return err
	}
	if reason, err = written(reason); err != nil {
		return err
	}
	return s.changeLocks(ctx, live, account, func(a *Account) (outbox.Draft, error) {
		i := slices.IndexFunc(a.Locks, func(l Lock) bool { return l.At.Equal(at) })
		if i < 0 {
			return outbox.Draft{}, refuse(CodeNotFound, nil)
		}
		l := a.Locks[i]
		if l.By == live.Operator {
			return outbox.Draft{}, refuse(CodeOwnRequest, nil)
		}
		a.Locks = slices.Delete(slices.Clone(a.Locks), i, i+1)
		a.Lifted = append(slices.Clone(a.Lifted), l.At) // however long the centre still lists it
		a.Lifted = a.Lifted[max(0, len(a.Lifted)-maxLifted):]
		return lockRecord(TypeSaleUnlock, a.No, l, live.Operator, reason), nil
	})
}

func (s *Service) changeLocks(ctx context.Context, live Session, account string, change func(*Account) (outbox.Draft, error)) error {
	var a Account
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		if _, err := still(tx, live); err != nil {
			return err
		}
		var err error
		if a, err = tx.Account(account); err != nil {
			return err
		}
		draft, err := change(&a)
		if err != nil {
			return err
		}
		if err := tx.PutAccount(a); err != nil {
			return err
		}
		return tx.Emit(draft)
	})
	if err != nil {
		return storeRefusal(err)
	}
	s.log.Info("sale locks changed", "account", a.No, "locks", len(a.Locks), "by", live.Operator)
	s.lookAgain(a.Card)
	s.watch.changed()
	return nil
}

func lockRecord(typ, account string, l Lock, liftedBy, why string) outbox.Draft {
	return outbox.Draft{Stream: contract.Ev, Type: typ, ID: account, Body: SaleLock{
		Account: account, Reason: l.Reason, By: l.By, At: contract.At(l.At), LiftedBy: liftedBy, Why: why,
	}}
}
