package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// warnings are the days before the end on which the centre is told.
var warnings = []int{30, 14, 7, 3, 1, 0}

// certificate watches the node's client certificate.
type certificate struct {
	expires func() (time.Time, error) // zero without one
	store   *storage.Store
	now     func() time.Time
	log     *slog.Logger
	end     atomic.Pointer[time.Time]
}

// toldOf is what the ledger keeps: each certificate is warned about once for each of the days.
type toldOf struct {
	NotAfter contract.Time `json:"not_after"`
	Day      int           `json:"day"` // of warnings
}

const certificateState = "certificate"

// run looks twice a day.
func (c *certificate) run(ctx context.Context) error {
	tick := time.NewTicker(12 * time.Hour)
	defer tick.Stop()
	for {
		if err := c.look(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("certificate cannot be looked at", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look notes the end of the certificate and warns when it is near. The file may be another one each time.
func (c *certificate) look(ctx context.Context) error {
	end, err := c.expires()
	if err != nil {
		return err
	}
	c.end.Store(&end)
	now := c.now()
	if end.IsZero() || !sound(now) {
		return nil
	}
	left := daysLeft(now, end)
	i := slices.IndexFunc(warnings, func(day int) bool { return left > day })
	if i == 0 {
		return nil
	}
	due := warnings[len(warnings)-1]
	if i > 0 {
		due = warnings[i-1]
	}
	return c.store.UpdateState(ctx, func(tx storage.StateTx) error {
		var told toldOf
		if err := tx.LoadState(certificateState, &told); err != nil && !errors.Is(err, counter.ErrNotFound) {
			return err
		}
		if told.NotAfter.Equal(contract.At(end).Time) && told.Day <= due {
			return nil
		}
		if err := tx.SaveState(certificateState, toldOf{contract.At(end), due}); err != nil {
			return err
		}
		c.log.Warn("certificate ends soon", "not_after", end, "days_left", left)
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: contract.TypeCertificateExpiring, ID: fmt.Sprintf("certificate/%d", due),
			Body: contract.CertificateExpiring{NotAfter: contract.At(end), DaysLeft: left}})
	})
}

func daysLeft(now, end time.Time) int {
	left := end.Sub(now)
	if left < 0 {
		return int(left/(24*time.Hour)) - 1
	}
	return int(left / (24 * time.Hour))
}

// ends is when the certificate ends, as far as is known; zero for none.
func (c *certificate) ends() time.Time {
	if c == nil {
		return time.Time{}
	}
	if end := c.end.Load(); end != nil {
		return *end
	}
	return time.Time{}
}

// nearEnd reports that somebody has to renew the certificate soon.
func (c *certificate) nearEnd() bool {
	end := c.ends()
	now := time.Now()
	return !end.IsZero() && sound(now) && daysLeft(now, end) <= warnings[0]
}
