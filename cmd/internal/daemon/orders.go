package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/poll"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/inbox"
)

// meters is what commands may do with the node's meters: a poll.Poller.
type meters interface {
	ReadNow(ctx context.Context, id meter.ID) (meter.Reading, error)
	Valve(ctx context.Context, id meter.ID, want meter.ValveState, typed string) (meter.ValveState, error)
	SetClock(ctx context.Context, id meter.ID) error
	States() []poll.State
}

// orders carries out the centre's commands.
type orders struct {
	meters meters
	store  *storage.Store
	backup func(ctx context.Context, why string) (string, storage.Manifest, error)
	level  func(level string, d time.Duration) error
}

// readNow reads outside the schedule, behind people who wait in front of a screen.
func (o orders) readNow(ctx context.Context, a contract.ReadNowArgs) (any, error) {
	read, failed, err := o.each(ctx, a.Meters, func(ctx context.Context, id meter.ID) error {
		_, err := o.meters.ReadNow(ctx, id)
		return err
	})
	return contract.ReadNowResult{Read: read, Failed: failed}, err
}

// clocksResult is what came of set_clock.
type clocksResult struct {
	Set    int `json:"set"`
	Failed int `json:"failed"` // meters without a clock that can be set among them
}

func (o orders) setClock(ctx context.Context, a contract.SetClockArgs) (any, error) {
	set, failed, err := o.each(ctx, a.Meters, o.meters.SetClock)
	return clocksResult{Set: set, Failed: failed}, err
}

// each does something with the named meters, or with all: the lines side by side, the meters of a line one after the
// other. A name that is none of this node's is an error, and nothing is done.
func (o orders) each(ctx context.Context, names []string, do func(context.Context, meter.ID) error) (good, bad int, err error) {
	lines := map[string][]meter.ID{}
	known := 0
	for _, s := range o.meters.States() {
		if len(names) == 0 || slices.Contains(names, string(s.ID)) {
			lines[s.Line] = append(lines[s.Line], s.ID)
			known++
		}
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(names))); known < len(distinct) {
		return 0, 0, fmt.Errorf("%d of the meters are not of this node", len(distinct)-known)
	}
	var done, failed atomic.Int64
	var wg sync.WaitGroup
	for _, ids := range lines {
		wg.Go(func() {
			for _, id := range ids {
				if ctx.Err() != nil || do(line.WithPriority(ctx, line.Command), id) != nil {
					failed.Add(1)
					continue
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return int(done.Load()), int(failed.Load()), nil
}

// valveResult is where the valve reads after the command.
type valveResult struct {
	State string `json:"state"`
}

// valve moves one valve, once. What nobody knows the outcome of is reported as that and never tried again.
func (o orders) valve(ctx context.Context, a contract.ValveArgs) (any, error) {
	want := meter.ValveClosed
	if a.Do == contract.ValveOpen {
		want = meter.ValveOpen
	}
	state, err := o.meters.Valve(ctx, meter.ID(a.Meter), want, a.Meter)
	if errors.Is(err, meter.ErrOutcomeUnknown) {
		return nil, fmt.Errorf("%w: %w", inbox.ErrUnknown, err)
	}
	return valveResult{State: string(state)}, err
}

// resend delivers again what a restored centre lacks, as far as it is kept.
func (o orders) resend(ctx context.Context, a contract.ResendArgs) (any, error) {
	if a.Epoch != o.store.Epoch() {
		return nil, otherEpoch(a.Epoch, o.store.Epoch())
	}
	first, err := o.store.Resend(ctx, a.Stream, a.From)
	to := o.store.Queue(a.Stream).State().Next - 1
	return contract.ResendResult{From: first, To: to}, err
}

// backupResult names the backup.
type backupResult struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

func (o orders) makeBackup(ctx context.Context, _ contract.BackupArgs) (any, error) {
	dir, m, err := o.backup(ctx, backupByCommand)
	r := backupResult{Name: filepath.Base(dir)}
	for _, f := range m.Files {
		r.Bytes += f.Size
	}
	return r, err
}

// usualLevelTime is how long a level from afar holds when nothing is said.
const usualLevelTime = time.Hour

func (o orders) logLevel(_ context.Context, a contract.LogLevelArgs) (any, error) {
	d := time.Duration(a.ForS) * time.Second
	if d == 0 {
		d = usualLevelTime
	}
	return struct{}{}, o.level(a.Level, d)
}
