package outbox

import (
	"context"
	"encoding/json"
	"time"

	"tally/sync/contract"
)

// newest is how many records are shown at a time; what it leaves out comes with the backlog.
const newest = 50

// showNewest publishes the newest readings beside the queue while more than one envelope of older ones is waiting. It
// returns when to do so again; zero while the line keeps up.
func (p *Pump) showNewest(ctx context.Context, now time.Time) time.Time {
	var at time.Time
	for _, l := range p.lanes {
		if l.stream == contract.Rd && p.cfg.Newest != nil {
			at = p.showLane(ctx, l, now)
		}
	}
	return at
}

func (p *Pump) showLane(ctx context.Context, l *lane, now time.Time) time.Time {
	st := l.state()
	last := st.Next - 1
	if last < l.covered+uint64(l.limits.Records) || last <= l.shown {
		return time.Time{}
	}
	if now.Before(l.nextShow) {
		return l.nextShow
	}
	l.nextShow = now.Add(p.cfg.NewestEvery)
	from := max(l.shown+1, last-min(last, newest)+1)
	records, err := l.q.Read(ctx, from, newest, l.limits.Bytes)
	l.shown = last
	if err != nil || len(records) == 0 {
		return l.nextShow // the queue's own turn will tell why
	}
	raws := make([]json.RawMessage, len(records))
	for i, r := range records {
		raws[i] = r.Raw
	}
	if payload, err := p.pack(l, records[0].Seq, raws); err == nil {
		p.cfg.Newest(payload)
	}
	return l.nextShow
}
