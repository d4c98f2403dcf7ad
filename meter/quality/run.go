package quality

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Pauses after the book refused, and what is done at the end.
const (
	firstPause   = time.Second
	longestPause = 30 * time.Second
	lastChance   = 2 * time.Second
	atOnce       = 64 // meters a page
)

// Run tells what there is to tell until ctx ends, and saves everything then.
func (d *Desk) Run(ctx context.Context) error {
	pause := firstPause
	save := time.NewTicker(d.opts.SaveEvery)
	defer save.Stop()
	retry := time.NewTimer(0)
	defer retry.Stop()
	for all := false; ctx.Err() == nil; {
		if err := d.flush(ctx, all); err != nil && ctx.Err() == nil {
			d.opts.Log.Error("events of meters not stored", "err", err)
			retry.Reset(pause)
			pause = min(2*pause, longestPause)
		} else {
			all, pause = false, firstPause
		}
		select {
		case <-ctx.Done():
		case <-d.more:
		case <-retry.C:
		case <-save.C:
			all = true
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance)
	defer cancel()
	if err := d.flush(ctx, true); err != nil {
		d.opts.Log.Error("what is known of the meters not stored at the end", "err", err)
	}
	return nil
}

// told is how much of an entry a page carries.
type told struct {
	e            *entry
	events, days int
	moves        uint64
}

// flush saves page after page, until nothing waits any more.
func (d *Desk) flush(ctx context.Context, all bool) error {
	if err := d.flushLines(ctx); err != nil {
		return err
	}
	for from := 0; from < len(d.order); {
		page, what, next, err := d.page(from, all)
		if err != nil {
			return err
		}
		if len(what) > 0 {
			if err := d.book.Save(ctx, page); err != nil {
				return fmt.Errorf("save what is known of %d meters: %w", len(what), err)
			}
			d.done(what)
		}
		from = next
	}
	return nil
}

// page collects meters from a place in the list on, each with its state and everything that waits: state and events are
// of one instant.
func (d *Desk) page(from int, all bool) (p Page, what []told, next int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.States = map[string]json.RawMessage{}
	for next = from; next < len(d.order) && len(what) < atOnce; next++ {
		e := d.order[next]
		if len(e.events)+len(e.days) == 0 && !(all && e.moves != e.saved) {
			continue
		}
		if p.States[e.key()], err = json.Marshal(&e.state); err != nil {
			return p, nil, 0, fmt.Errorf("encode what is known of %s: %w", e.ID, err)
		}
		p.Events = append(p.Events, e.events...)
		p.Days = append(p.Days, e.days...)
		what = append(what, told{e, len(e.events), len(e.days), e.moves})
	}
	return p, what, next, nil
}

// done takes out what is saved.
func (d *Desk) done(what []told) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range what {
		t.e.saved = t.moves
		t.e.events, t.e.days = t.e.events[t.events:], t.e.days[t.days:]
		if len(t.e.events) == 0 {
			t.e.events = nil
		}
		if len(t.e.days) == 0 {
			t.e.days = nil
		}
	}
}

func (d *Desk) flushLines(ctx context.Context) error {
	d.mu.Lock()
	p := Page{States: map[string]json.RawMessage{}}
	counts := map[*lineEntry]int{}
	for _, l := range d.lines {
		if !l.dirty {
			continue
		}
		raw, err := json.Marshal(l.state)
		if err != nil {
			d.mu.Unlock()
			return fmt.Errorf("encode what is known of line %s: %w", l.name, err)
		}
		p.States[l.key()] = raw
		p.Lines = append(p.Lines, l.events...)
		counts[l] = len(l.events)
	}
	d.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	if err := d.book.Save(ctx, p); err != nil {
		return fmt.Errorf("save what is known of %d lines: %w", len(counts), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for l, n := range counts {
		l.events = l.events[n:]
		l.dirty = len(l.events) > 0
	}
	return nil
}
