package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
	"tally/cmd/internal/fieldwork"
	"tally/counter/web"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/poll"
	"tally/storage"
)

// wire is one line of the config with what runs on it.
type wire struct {
	cfg    config.Line
	line   *line.Line
	meters map[meter.ID]fieldwork.Meter
}

// addLines puts every line and meter of the config into the schedule. kept is the newest that the store has.
func addLines(p *poll.Poller, cfg config.Node, open func(config.Line) line.Opener, kept map[meter.ID]storage.Latest) ([]wire, error) {
	models, err := devices.Models(cfg.Meters)
	if err != nil {
		return nil, fmt.Errorf("load meter models: %w", err)
	}
	var wires []wire
	for _, c := range cfg.Lines {
		l := line.New(c.Name, open(c), devices.LineOptions(c))
		w := wire{c, l, map[meter.ID]fieldwork.Meter{}}
		wires = append(wires, w)
		for _, m := range c.Meters {
			driver, err := devices.FieldMeter(l, c, m, models)
			if err != nil {
				return nil, err
			}
			w.meters[m.ID] = driver
			model, err := models.Get(m.Model)
			if err != nil {
				return nil, fmt.Errorf("line %s, meter %s: %w", c.Name, m.ID, err)
			}
			var seen time.Time
			if r := kept[m.ID].Reading; r != nil {
				seen = r.At
			}
			if err := p.Add(target(c, m, driver.Driver, model.Timing, seen)); err != nil {
				return nil, fmt.Errorf("line %s: %w", c.Name, err)
			}
		}
	}
	return wires, nil
}

// sink tells the page of what the store has kept. It stands between schedule and store and changes nothing.
type sink struct {
	store   *storage.Store
	changed func()
}

// Keep implements poll.Sink.
func (s sink) Keep(ctx context.Context, r meter.Reading) error {
	err := s.store.Keep(ctx, r)
	s.changed()
	return err
}

// Fail implements poll.Sink.
func (s sink) Fail(ctx context.Context, f meter.Failure) error {
	err := s.store.Fail(ctx, f)
	s.changed()
	return err
}

// KeepAll implements poll.BatchSink.
func (s sink) KeepAll(ctx context.Context, values []poll.Value) error {
	batch := make([]storage.Value, len(values))
	for i, v := range values {
		batch[i] = storage.Value{Reading: v.Reading, Failure: v.Failure}
	}
	err := s.store.KeepAll(ctx, batch)
	s.changed()
	return err
}

// Meters implements web.Meters: what the schedule knows since the start, and before the first answer what the store
// kept from earlier, with the time at which it was measured.
func (n *Node) Meters() []web.MeterView {
	kept := n.kept()
	var views []web.MeterView
	for _, s := range n.poller.States() {
		v := web.MeterView{ID: s.ID, Line: s.Line, Model: s.Model, Last: s.Last, Failure: s.Failure, Dead: s.Dead,
			Since: s.Since, Next: s.Next, Valve: s.Valve}
		views = append(views, before(v, kept[s.ID]))
	}
	return views
}

// before fills in what is known of a meter from before the start: its last reading, and as long as the meter was not
// asked since, the failure that came after it.
func before(v web.MeterView, kept storage.Latest) web.MeterView {
	if v.Last != nil {
		return v
	}
	v.Last = kept.Reading
	if v.Failure == nil && kept.Failure != nil && (v.Last == nil || kept.Failure.At.After(v.Last.At)) {
		v.Failure = kept.Failure
	}
	return v
}

// kept is the newest that the store has of each meter.
func (n *Node) kept() map[meter.ID]storage.Latest {
	kept := map[meter.ID]storage.Latest{}
	for _, l := range n.store.Latest() {
		kept[l.Meter] = l
	}
	return kept
}

// lineOf finds the meters of one line.
func lineOf(name string, states []poll.State) []poll.State {
	return slices.DeleteFunc(slices.Clone(states), func(s poll.State) bool { return s.Line != name })
}
