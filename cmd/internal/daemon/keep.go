package daemon

import (
	"context"
	"log/slog"
	"time"

	"tally/storage"
)

// retention is how long records of money and events are kept after the centre has them: business data are kept unaltered
// for at least two years.
const retention = 2*365*24*time.Hour + 31*24*time.Hour

// businessDay is the time zone of the trade (UTC+8, no daylight saving).
var businessDay = time.FixedZone("UTC+8", 8*60*60)

// mostStatements is how many days are stated at once after a long time switched off.
const mostStatements = 31

// housekeeping throws away once a day what was acknowledged longer ago than the retention, and tells the centre soon
// after each midnight what the node counts for the day and how far its chains are, signed.
func housekeeping(ctx context.Context, store *storage.Store, log *slog.Logger) error {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	look := time.NewTicker(10 * time.Minute)
	defer look.Stop()
	prune(ctx, store, log)
	for {
		state(ctx, store, log)
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-day.C:
			prune(ctx, store, log)
		}
	}
}

func prune(ctx context.Context, store *storage.Store, log *slog.Logger) {
	n, err := store.Prune(ctx, time.Now().Add(-retention))
	switch {
	case ctx.Err() != nil:
	case err != nil: // a full or failing disk; tomorrow is another day
		log.Warn("old records stay", "err", err)
	case n > 0:
		log.Info("old records thrown away", "records", n, "older_than", retention)
	}
}

// state makes the statements of the days that have ended, if there are any, and signs the heads that they name.
func state(ctx context.Context, store *storage.Store, log *slog.Logger) {
	if !sound(time.Now()) {
		return
	}
	n, err := store.State(ctx, storage.Days{Zone: businessDay, Most: mostStatements})
	if err == nil && n > 0 {
		err = store.SignHeads(ctx, store.Key())
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		log.Warn("business day could not be stated", "err", err)
	case n > 0:
		log.Info("business days stated", "days", n)
	}
}
