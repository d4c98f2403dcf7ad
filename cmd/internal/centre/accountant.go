package centre

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tally/sync/central"
	"tally/sync/central/sqlstore"
)

// zone is that of business days.
var zone = time.FixedZone("UTC+8", 8*60*60)

// accountant reconciles each day after it has ended (对账).
type accountant struct {
	store *sqlstore.Store
	at    time.Duration    // after midnight
	now   func() time.Time // time.Now when nil
	log   *slog.Logger

	mu       sync.Mutex
	findings map[string]int // by code, of the last report
	last     time.Time
}

// Run looks once a minute whether a day is due, until ctx ends. Of several instances each may come to it; the later report
// replaces the earlier one, and both say the same.
func (a *accountant) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := a.look(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("cannot reconcile", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// due is the last day that has ended long enough ago.
func (a *accountant) due(now time.Time) string {
	return now.In(zone).Add(-a.at).AddDate(0, 0, -1).Format(time.DateOnly)
}

func (a *accountant) clock() time.Time {
	if a.now == nil {
		return time.Now()
	}
	return a.now()
}

func (a *accountant) look(ctx context.Context) error {
	now := a.clock()
	day := a.due(now)
	done, err := a.store.Reconciled(ctx, day)
	if err != nil || done {
		return err
	}
	r, err := a.store.Reconcile(ctx, central.Query{Day: day})
	if err != nil {
		return err
	}
	if err := a.store.KeepReport(ctx, r, now); err != nil {
		return err
	}
	a.note(r, now)
	if len(r.Findings) == 0 {
		a.log.Info("reconciled", "day", day, "nodes", len(r.Accounts))
	}
	for _, f := range r.Findings {
		a.log.Error("node and centre disagree", "day", day, "node", f.Node, "epoch", f.Epoch, "code", f.Code, "what", f.Text)
	}
	return nil
}

func (a *accountant) note(r central.Report, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.findings, a.last = map[string]int{}, now
	for _, f := range r.Findings {
		a.findings[f.Code]++
	}
}

// found is how many findings of a code the last report of this instance has.
func (a *accountant) found(code string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.findings[code]
}
