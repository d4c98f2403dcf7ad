package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// backfillTries is how often a meter is asked for what it remembers of an outage.
const backfillTries = 3

// fill asks a meter that answers again for what it remembers of the time since it last did, if that was long ago.
func (p *Poller) fill(t *target, last, now time.Time) {
	h, ok := t.Meter.(meter.History)
	if !ok || p.opts.Backfill <= 0 || last.IsZero() || now.Sub(last) < p.opts.Backfill || !p.opts.Sound() {
		return
	}
	tries := 0
	p.add(&chore{t: t, due: time.Now(), what: "history", do: func(ctx context.Context) time.Duration {
		err := p.history(ctx, t, h, last, now)
		switch tries++; {
		case err == nil || ctx.Err() != nil:
			return 0
		case errors.Is(err, meter.ErrUnable) || errors.Is(err, meter.ErrException) || tries == backfillTries:
			p.opts.Log.Warn("history of the meter could not be read", "meter", t.ID, "from", last, "to", now, "err", err)
			return 0
		}
		return choreLater
	}})
}

// history hands over what the meter froze by its own calendar between two instants. Each value keeps the meter's time
// and says by its mark that nobody heard it then; what the meter gives without a time is left out, for nobody could say
// when it was.
func (p *Poller) history(ctx context.Context, t *target, h meter.History, from, to time.Time) error {
	ctx, cancel := context.WithTimeout(line.WithPriority(ctx, line.Backfill), p.opts.Limit)
	defer cancel()
	list, err := h.ReadHistory(ctx, from, to)
	if err != nil {
		return err
	}
	for _, f := range slices.Backward(list) { // the latest came first
		r := f.Reading
		if sound(t, r) != nil || r.At.Before(from) || !r.At.Before(to) {
			continue
		}
		r.Quality = marked(r.Quality, meter.Quality{meter.Remembered})
		p.queue.put(item{reading: &r})
	}
	return nil
}
