package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tally/counter"
	"tally/counter/tariff"
	"tally/meter/quantity"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// Outcomes of a part.
const (
	partApplied = "applied"
	partTrial   = "trial"
)

// desk is what the centre's word changes at the counter.
type desk interface {
	SetTables([]tariff.Table) error
	SetLocks(ctx context.Context, asOf time.Time, locks []counter.AccountLock) error
	Absorb(ctx context.Context, deltas []counter.AccountDelta) error
	Confirm(counter.Freshness)
}

// desired keeps the node as the centre wants it. Its become is called by one goroutine.
type desired struct {
	store    *storage.Store
	desk     desk
	settings *settings
	announce func() // tells the centre which version is applied
	log      *slog.Logger
	version  atomic.Uint64
}

// wanted is what the ledger keeps of the desired state.
type wanted struct {
	Version   uint64           `json:"version"`
	Prices    *contract.Prices `json:"prices,omitempty"` // nil: those of the config hold
	LocksAsOf contract.Time    `json:"locks_as_of,omitzero"`
}

const wantedState = "desired"

// load brings back after a start what the centre has wanted last.
func (d *desired) load(ctx context.Context) error {
	var w wanted
	if err := d.store.LoadState(ctx, wantedState, &w); err != nil && !errors.Is(err, counter.ErrNotFound) {
		return err
	}
	d.version.Store(w.Version)
	if w.Prices != nil {
		if err := d.desk.SetTables(tablesOf(*w.Prices)); err != nil {
			return fmt.Errorf("bring back the centre's prices: %w", err)
		}
		d.desk.Confirm(counter.Freshness{Prices: w.Prices.AsOf.Time})
	}
	d.desk.Confirm(counter.Freshness{Locks: w.LocksAsOf.Time})
	return nil
}

// become applies a desired state. One that was applied before, or an older one, changes nothing. A part that cannot be
// applied is refused for good, in words, and leaves the others alone; an error of the ledger is returned, and the same
// state is applied when it comes again.
func (d *desired) become(ctx context.Context, want contract.Desired) error {
	if want.Version <= d.version.Load() {
		return nil
	}
	var w wanted
	if err := d.store.LoadState(ctx, wantedState, &w); err != nil && !errors.Is(err, counter.ErrNotFound) {
		return err
	}
	w.Version = want.Version
	done := contract.DesiredApplied{Version: want.Version, Parts: map[string]string{}}
	trial, err := d.parts(ctx, want, &w, done.Parts)
	if err != nil {
		return fmt.Errorf("apply desired state %d: %w", want.Version, err)
	}
	err = d.store.UpdateState(ctx, func(tx storage.StateTx) error {
		if err := tx.SaveState(wantedState, w); err != nil {
			return err
		}
		if trial != nil {
			if err := tx.SaveState(settingsState, *trial); err != nil {
				return err
			}
		}
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeDesiredApplied, ID: fmt.Sprintf("desired/%d", want.Version), Body: done})
	})
	if err != nil {
		return fmt.Errorf("keep desired state %d: %w", want.Version, err)
	}
	d.version.Store(want.Version)
	d.log.Info("desired state applied", "version", want.Version, "parts", done.Parts)
	if trial != nil {
		d.settings.try(*trial)
	}
	d.announce()
	return nil
}

// parts applies one part after the other; said gets what became of each.
func (d *desired) parts(ctx context.Context, want contract.Desired, w *wanted, said map[string]string) (trial *settingsKept, err error) {
	for name, raw := range want.Parts {
		var refused error
		switch name {
		case contract.PartPrices:
			refused = d.prices(raw, w)
		case contract.PartLocks:
			refused, err = d.locks(ctx, raw, w)
		case contract.PartAccounts:
			refused, err = d.accounts(ctx, raw)
		case contract.PartSettings:
			trial, refused = d.settings.propose(want.Version, raw)
		default:
			refused = errors.New("this version of tally does not know the part")
		}
		if err != nil {
			return nil, err
		}
		said[name] = partApplied
		switch {
		case refused != nil:
			said[name] = clip(refused.Error(), 500)
			d.log.Warn("part of the desired state refused", "version", want.Version, "part", name, "err", refused)
		case name == contract.PartSettings && trial != nil:
			said[name] = partTrial
		}
	}
	return trial, nil
}

func (d *desired) prices(raw json.RawMessage, w *wanted) error {
	var p contract.Prices
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("read prices: %w", err)
	}
	if len(p.Tables) == 0 {
		return errors.New("no price table; a counter without one could not sell")
	}
	if err := d.desk.SetTables(tablesOf(p)); err != nil {
		return err
	}
	w.Prices = &p
	d.desk.Confirm(counter.Freshness{Prices: p.AsOf.Time})
	return nil
}

func tablesOf(p contract.Prices) []tariff.Table {
	tables := make([]tariff.Table, len(p.Tables))
	for i, t := range p.Tables {
		tables[i] = tariff.Table{Class: t.Class, Version: t.Version, From: t.From, PeriodMonths: t.PeriodMonths}
		for _, tier := range t.Tiers {
			tables[i].Tiers = append(tables[i].Tiers, tariff.Tier{UpTo: quantity.Volume(tier.UpToL), Price: quantity.Price(tier.Price)})
		}
	}
	return tables
}

func (d *desired) locks(ctx context.Context, raw json.RawMessage, w *wanted) (refused, err error) {
	var p contract.Locks
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("read locks: %w", err), nil
	}
	list := make([]counter.AccountLock, len(p.Standing))
	for i, l := range p.Standing {
		list[i] = counter.AccountLock{Account: l.Account, Reason: l.Reason, By: l.By, At: l.At.Time}
	}
	if err := d.desk.SetLocks(ctx, p.AsOf.Time, list); err != nil {
		return nil, err
	}
	w.LocksAsOf = p.AsOf
	return nil, nil
}

// accounts: what one delta is refused for does not keep the others from being taken. An error of the ledger matches
// counter.CodeStore and is not a refusal.
func (d *desired) accounts(ctx context.Context, raw json.RawMessage) (refused, err error) {
	var p struct {
		Deltas []counter.AccountDelta `json:"deltas"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("read accounts: %w", err), nil
	}
	err = d.desk.Absorb(ctx, p.Deltas)
	if r, ok := errors.AsType[*counter.Refusal](err); ok {
		return nil, r
	}
	return err, ctx.Err()
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}
