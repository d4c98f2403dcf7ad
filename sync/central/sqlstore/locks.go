package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tally/sync/contract"
)

// ErrLocked and ErrNotLocked say that an account is already, or is not, as it should become.
var (
	ErrLocked    = errors.New("locked already")
	ErrNotLocked = errors.New("not locked")
)

// lockWord keeps what a node says of a sale lock. A lifted one stays lifted, whichever word comes first.
func (w *work) lockWord(ctx context.Context, k key, typ, at string, f *contract.SaleLock) error {
	if err := w.serialise(ctx); err != nil { // before the lock's own row, as everybody does: never in a circle
		return err
	}
	lifted, by := "", ""
	if typ == contract.TypeSaleUnlock {
		lifted, by = at, printable(f.LiftedBy)
	}
	fresh, err := w.exec(ctx, `INSERT INTO sale_lock (account, at, reason, by_whom, node, lifted, lifted_by, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT (account, at) DO UPDATE SET lifted = ?6, lifted_by = ?7, why = ?8 WHERE sale_lock.lifted = '' AND ?6 <> ''`,
		printable(f.Account), stamp(f.At.Time), printable(f.Reason), printable(f.By), k.node, lifted, by, printable(f.Why))
	if err == nil && fresh {
		err = w.changeForAll(ctx)
	}
	return err
}

// Lock stops sales to an account at all nodes. ErrLocked: the centre has a lock on it already.
func (s *Store) Lock(ctx context.Context, account, reason, by string, now time.Time) error {
	err := s.within(ctx, now, func(w *work) error {
		var n int
		if err := w.row(ctx, "SELECT COUNT(*) FROM sale_lock WHERE account = ?1 AND node = '' AND lifted = ''", account).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return ErrLocked
		}
		return w.lockWord(ctx, key{}, contract.TypeSaleLock, w.now, &contract.SaleLock{Account: account, Reason: reason, By: by, At: contract.At(now)})
	})
	if err != nil {
		return fmt.Errorf("lock account: %w", err)
	}
	return nil
}

// Unlock lifts every lock of an account, whoever has set it, and returns how many there were. ErrNotLocked: there was none.
func (s *Store) Unlock(ctx context.Context, account, reason, by string, now time.Time) (n int, err error) {
	err = s.within(ctx, now, func(w *work) error {
		n = 0
		standing, err := w.standing(ctx, "WHERE lifted = '' AND account = ?1", account)
		if err != nil {
			return err
		}
		for _, l := range standing {
			f := contract.SaleLock{Account: l.Account, Reason: l.Reason, By: l.By, At: l.At, LiftedBy: by, Why: reason}
			if err := w.lockWord(ctx, key{}, contract.TypeSaleUnlock, w.now, &f); err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return ErrNotLocked
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("unlock account: %w", err)
	}
	return n, nil
}

func (w *work) standing(ctx context.Context, where string, args ...any) ([]contract.LockState, error) {
	rows, err := w.rows(ctx, "SELECT account, at, reason, by_whom FROM sale_lock "+where+" ORDER BY account, at", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []contract.LockState{}
	for rows.Next() {
		var l contract.LockState
		var at string
		if err := rows.Scan(&l.Account, &at, &l.Reason, &l.By); err != nil {
			return nil, err
		}
		l.At = moment(at)
		out = append(out, l)
	}
	return out, rows.Err()
}

// keepLifted is how long nodes are told that a lock was lifted: as long as one may be away.
const keepLifted = 90 * 24 * time.Hour

// locks is the part of the desired state, for a node of a region. An account of which no card was seen yet is everybody's.
func (w *work) locks(ctx context.Context, region uint16) (contract.Locks, error) {
	const here = ` AND NOT EXISTS (SELECT 1 FROM account_state a WHERE a.account = sale_lock.account AND a.region NOT IN (0, ?1))`
	p := contract.Locks{AsOf: contract.At(w.at), Lifted: []contract.LiftedLock{}}
	var err error
	if p.Standing, err = w.standing(ctx, "WHERE lifted = ''"+here, int64(region)); err != nil {
		return p, err
	}
	rows, err := w.rows(ctx, `SELECT account, at, lifted_by FROM sale_lock WHERE lifted >= ?2`+here+` ORDER BY account, at`,
		int64(region), stamp(w.at.Add(-keepLifted)))
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		var l contract.LiftedLock
		var at string
		if err := rows.Scan(&l.Account, &at, &l.By); err != nil {
			return p, err
		}
		l.At = moment(at)
		p.Lifted = append(p.Lifted, l)
	}
	return p, rows.Err()
}

// ReleasePrices keeps price tables for all nodes, which replace those released before as a whole.
func (s *Store) ReleasePrices(ctx context.Context, tables []contract.PriceTable, by string, now time.Time) error {
	err := s.within(ctx, now, func(w *work) error {
		if err := w.changeForAll(ctx); err != nil {
			return err
		}
		body, err := json.Marshal(contract.Prices{AsOf: contract.At(now), Tables: tables})
		if err != nil {
			return err
		}
		_, err = w.exec(ctx, "INSERT INTO price_release (released, by_whom, body) VALUES (?1, ?2, ?3) ON CONFLICT (released) DO UPDATE SET body = ?3",
			w.now, printable(by), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("release prices: %w", err)
	}
	return nil
}

// Prices returns the tables released last, none when there is no release.
func (s *Store) Prices(ctx context.Context) (p contract.Prices, err error) {
	err = s.reading(ctx, func(w *work) error {
		raw, err := w.prices(ctx)
		if err != nil || raw == nil {
			return err
		}
		return json.Unmarshal(raw, &p)
	})
	return p, err
}

// prices is the part of the desired state; nil when nothing was ever released.
func (w *work) prices(ctx context.Context) (json.RawMessage, error) {
	var body string
	err := w.row(ctx, "SELECT body FROM price_release ORDER BY released DESC LIMIT 1").Scan(&body)
	if err != nil {
		return nil, ignoreNoRows(err)
	}
	return json.RawMessage(body), nil
}

// Set keeps settings for one node, which replace those kept for it before.
func (s *Store) Set(ctx context.Context, node string, settings contract.Settings, now time.Time) error {
	err := s.within(ctx, now, func(w *work) error {
		if err := w.changeForAll(ctx); err != nil {
			return err
		}
		body, err := json.Marshal(settings)
		if err != nil {
			return err
		}
		_, err = w.exec(ctx, "INSERT INTO node_setting (node, body) VALUES (?1, ?2) ON CONFLICT (node) DO UPDATE SET body = ?2", node, string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	return nil
}
