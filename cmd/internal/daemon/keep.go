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

// housekeeping throws away once a day what was acknowledged longer ago than the retention.
func housekeeping(ctx context.Context, store *storage.Store, log *slog.Logger) error {
	for {
		n, err := store.Prune(ctx, time.Now().Add(-retention))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil: // a full or failing disk; tomorrow is another day
			log.Warn("old records stay", "err", err)
		case n > 0:
			log.Info("old records thrown away", "records", n, "older_than", retention)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(24 * time.Hour):
		}
	}
}
