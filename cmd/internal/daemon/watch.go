package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tally/cmd/internal/config"
	"tally/counter"
	"tally/meter"
	"tally/meter/poll"
	"tally/meter/profile"
	"tally/meter/quality"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// zone is the utility's local time.
func zone(r config.Rules) *time.Location {
	return time.FixedZone("", int(r.UTCOffset/time.Second))
}

// newDesk makes what watches the meters of the config, with what it knew before and the newest that the store has.
func (n *Node) newDesk(ctx context.Context) (*quality.Desk, error) {
	rules := n.cfg.Meters.Rules
	o := quality.Options{Zone: zone(rules), ClockLimit: rules.ClockLimit, Classes: quality.Defaults(), Log: n.log}
	for _, c := range rules.Classes {
		o.Classes[c.Class] = c.Limits
	}
	var meters []quality.Meter
	for _, l := range n.cfg.Lines {
		for _, m := range l.Meters {
			w := m.Watched
			meters = append(meters, quality.Meter{ID: m.ID, Line: l.Name, Class: cmp.Or(w.Class, quality.Residential), MaxFlow: w.MaxFlow, Digits: w.Digits, Frozen: w.DailyValue})
		}
	}
	desk, err := quality.New(ctx, meterBook{n.store}, meters, o)
	if err != nil {
		return nil, err
	}
	for _, l := range n.store.Latest() {
		if l.Reading != nil {
			desk.Resume(*l.Reading)
		}
	}
	return desk, nil
}

// scheduleOptions are those of the config.
func (n *Node) scheduleOptions() poll.Options {
	r := n.cfg.Meters.Rules
	o := poll.Options{
		Watch: n.desk, Backfill: r.Backfill, ClockEvery: r.ClockEvery, ClockLimit: r.ClockLimit, SetClocks: r.SetClocks, Log: n.log,
		Sound: func() bool { return sound(time.Now()) },
	}
	if r.Freeze {
		o.Zone = zone(r)
	}
	return o
}

// target is a meter of the config in the schedule.
func target(c config.Line, m config.Meter, driver meter.Meter, t profile.Timing, seen time.Time) poll.Target {
	slow := cmp.Or(m.Timeout, t.Max, t.Timeout)
	fast := min(cmp.Or(t.Min, max(slow/4, shortestThought)), slow)
	return poll.Target{
		ID: m.ID, Line: c.Name, Meter: driver, Every: m.Every, Model: m.Model, Fast: fast, Slow: slow, Seen: seen,
		Permit: poll.Permit{Close: m.Watched.ValveClose, Open: m.Watched.ValveOpen},
	}
}

// shortestThought is the least that a meter is given to think where its model says nothing: gateways and adapters add
// delays of their own.
const shortestThought = 200 * time.Millisecond

// meterBook keeps what is known of meters in the ledger, in one transaction with the records that tell of it.
type meterBook struct{ store *storage.Store }

// Load implements quality.Book.
func (b meterBook) Load(ctx context.Context, name string) (json.RawMessage, error) {
	var raw json.RawMessage
	err := b.store.LoadState(ctx, name, &raw)
	if errors.Is(err, counter.ErrNotFound) {
		return nil, quality.ErrNone
	}
	return raw, err
}

// Save implements quality.Book.
func (b meterBook) Save(ctx context.Context, p quality.Page) error {
	drafts := draftsOf(p)
	return b.store.UpdateState(ctx, func(tx storage.StateTx) error {
		for name, state := range p.States {
			if err := tx.SaveState(name, state); err != nil {
				return err
			}
		}
		for _, d := range drafts {
			if err := tx.Emit(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// draftsOf are the records that a page is told with.
func draftsOf(p quality.Page) []outbox.Draft {
	var drafts []outbox.Draft
	add := func(typ, id string, body any) {
		drafts = append(drafts, outbox.Draft{Stream: contract.Ev, Type: typ, ID: id, Body: body})
	}
	for _, e := range p.Lines {
		phase, ended := phaseOf(e.Ended)
		add(contract.TypeLineEvent, eventID(e.Line, "", e.Began), contract.LineEvent{
			Line: e.Line, Meters: e.Meters, Phase: phase, Code: e.Code, Began: contract.At(e.Began), Ended: ended,
		})
	}
	for _, e := range p.Events {
		phase, ended := phaseOf(e.Ended)
		body := contract.MeterEvent{
			Meter: string(e.Meter), Line: e.Line, Class: string(e.Class), Kind: string(e.Kind), Phase: phase, Began: contract.At(e.Began), Ended: ended,
			Evidence: []contract.Evidence{},
		}
		for _, v := range e.Evidence {
			body.Evidence = append(body.Evidence, contract.Evidence{At: contract.At(v.At), Name: v.Name, Value: v.Value, Unit: string(v.Unit)})
		}
		add(contract.TypeMeterEvent, eventID(string(e.Meter), "/"+string(e.Kind), e.Began), body)
	}
	for _, d := range p.Days {
		add(contract.TypeMeterDay, fmt.Sprintf("%s/%s", d.Meter, d.Day), dayBody(d))
	}
	return drafts
}

func phaseOf(ended time.Time) (string, *contract.Time) {
	if ended.IsZero() {
		return contract.PhaseBegin, nil
	}
	at := contract.At(ended)
	return contract.PhaseEnd, &at
}

// eventID names an event: the same at its beginning and its end.
func eventID(subject, kind string, began time.Time) string {
	return subject + kind + "/" + began.UTC().Format("20060102T150405.000Z")
}

func dayBody(d quality.Day) contract.MeterDay {
	body := contract.MeterDay{
		Meter: string(d.Meter), Line: d.Line, Class: string(d.Class), Day: d.Day, Days: d.Days, At: contract.At(d.At), Source: contract.FrozenByRead,
		Value: d.Value.String(), Unit: string(d.Unit), Quality: d.Quality, Flags: d.Flags,
	}
	if d.ByMeter {
		body.Source = contract.FrozenByMeter
	}
	if d.Known {
		body.Used = quality.InUnit(d.Used, d.Unit)
	}
	if d.Compared {
		body.Mean, body.Deviation = quality.InUnit(d.Mean, d.Unit), quality.InUnit(d.Deviation, d.Unit)
	}
	return body
}
