package quality

import (
	"context"
	"time"
)

// lineEntry is one line with what is to be told of it.
type lineEntry struct {
	name   string
	state  lineState
	dirty  bool
	events []LineEvent
}

// lineState is kept over a restart.
type lineState struct {
	Down   bool      `json:"down,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Code   string    `json:"code,omitempty"`
	Meters int       `json:"meters,omitempty"`
}

func (l *lineEntry) key() string { return "line/" + l.name }

func (d *Desk) loadLine(ctx context.Context, name string) error {
	if d.lines[name] != nil {
		return nil
	}
	l := &lineEntry{name: name}
	d.lines[name] = l
	var err error
	l.state, err = load(ctx, d, l.key(), func(*lineState) bool { return true })
	return err
}

// LineDown notes that nobody on a line answers. One outage is told once, also when the node starts again in it.
func (d *Desk) LineDown(line string, since, _ time.Time, code string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lines[line]
	if l == nil || l.state.Down {
		return
	}
	l.state = lineState{Down: true, Since: since, Code: code, Meters: n}
	d.tellLine(l, LineEvent{Line: line, Meters: n, Code: code, Began: since})
}

// LineBack notes that somebody on a line answers again.
func (d *Desk) LineBack(line string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.lines[line]; l != nil {
		d.back(l, at)
	}
}

// back ends an outage. Call with d.mu held.
func (d *Desk) back(l *lineEntry, at time.Time) {
	if !l.state.Down {
		return
	}
	was := l.state
	l.state = lineState{}
	d.tellLine(l, LineEvent{Line: l.name, Meters: was.Meters, Code: was.Code, Began: was.Since, Ended: at})
}

func (d *Desk) tellLine(l *lineEntry, ev LineEvent) {
	l.dirty = true
	if len(l.events) == maxTold {
		d.lost++
		return
	}
	l.events = append(l.events, ev)
	d.hint()
}
