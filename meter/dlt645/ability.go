package dlt645

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tally/meter"
	"tally/meter/line"
	"tally/meter/telegram"
)

// What a DL/T 645 meter can do beyond being read. Its relay cannot be moved from here: electricity is metered in passing,
// and nobody types the number of an electricity meter to cut it off.
var (
	_ meter.Items         = (*Meter)(nil)
	_ meter.History       = (*Meter)(nil)
	_ meter.ClockReader   = (*Meter)(nil)
	_ meter.ClockSetter   = (*Meter)(nil)
	_ meter.AddressReader = (*Meter)(nil)
	_ meter.Identifier    = (*Meter)(nil)
	_ meter.Prober        = (*Meter)(nil)
)

// edition is the one that the meter's items belong to.
func (m *Meter) edition() Edition { return m.opts.Items[0].Edition }

// lend runs f with the line.
func (m *Meter) lend(ctx context.Context, what string, p line.Priority, f func(*line.Lease) error) error {
	lease, err := m.line.Lease(ctx, p)
	if err == nil {
		defer lease.Release()
		err = f(lease)
	}
	if err != nil {
		return fmt.Errorf("%s of meter %s: %w", what, m.id, err)
	}
	return nil
}

// ReadItem reads one item by its identifier: eight hexadecimal digits in 2007, four in 1997.
func (m *Meter) ReadItem(ctx context.Context, item string) (meter.Reading, error) {
	digits := 8
	if m.edition() == Edition1997 {
		digits = 4
	}
	code, err := strconv.ParseUint(item, 16, 32)
	if err != nil || len(item) != digits {
		return meter.Reading{}, fmt.Errorf("read item %q of meter %s: %d hexadecimal digits: %w", item, m.id, digits, meter.ErrUnable)
	}
	r := meter.Reading{Meter: m.id, Line: m.line.Name()}
	err = m.lend(ctx, "read item "+item, line.PriorityOf(ctx), func(lease *line.Lease) error {
		w, err := m.ask(ctx, lease, Item{m.edition(), uint32(code)})
		if err != nil {
			return err
		}
		r.At, r.Raw = w.at, w.raw[:min(len(w.raw), maxRaw)]
		r.Values, err = m.values(w)
		return err
	})
	if err != nil {
		return meter.Reading{}, err
	}
	return r, nil
}

// Probe reads the first item of the model.
func (m *Meter) Probe(ctx context.Context) error {
	return m.lend(ctx, "probe", line.PriorityOf(ctx), func(lease *line.Lease) error {
		_, err := m.ask(ctx, lease, m.opts.Items[0])
		return err
	})
}

// ReadAddress asks whoever is on the line for its address. It may be used only where one meter is alone.
func (m *Meter) ReadAddress(ctx context.Context) (string, error) {
	a, err := AskAddress(ctx, m.line, m.opts)
	if err != nil {
		return "", fmt.Errorf("read address: %w", err)
	}
	return a.String(), nil
}

// Items that say what a meter is, 2007 edition, table A.5. Texts come with their last character first.
var (
	meterNumber = Item{Edition2007, 0x04000402}
	meterModel  = Item{Edition2007, 0x0400040B}
	meterMaker  = Item{Edition2007, 0x04800003}
	software    = Item{Edition2007, 0x04800001}
)

// Identify reads the meter's number, model, maker and software, as far as it tells.
func (m *Meter) Identify(ctx context.Context) (meter.Identity, error) {
	id := meter.Identity{Medium: "electricity"}
	if m.edition() == Edition1997 {
		return id, fmt.Errorf("identify meter %s: the edition of 1997 has no items for that: %w", m.id, meter.ErrUnable)
	}
	err := m.lend(ctx, "identify", line.PriorityOf(ctx), func(lease *line.Lease) error {
		for _, x := range []struct {
			item Item
			to   *string
		}{{meterNumber, &id.Number}, {meterModel, &id.Product}, {meterMaker, &id.Maker}, {software, &id.Version}} {
			w, err := m.ask(ctx, lease, x.item)
			switch {
			case errors.Is(err, meter.ErrException):
				continue
			case err != nil:
				return err
			}
			id.At, id.Raw = w.at, append(id.Raw, w.raw...)
			if *x.to = text(w.data); x.item == meterNumber && len(w.data) == len(Address{}) {
				*x.to = Address(w.data).String()
			}
		}
		return nil
	})
	if err != nil {
		return meter.Identity{}, err
	}
	id.Raw = id.Raw[:min(len(id.Raw), maxRaw)]
	return id, nil
}

// text reads characters whose last one comes first; what cannot be printed is left out.
func text(b []byte) string {
	b = slices.Clone(b)
	slices.Reverse(b)
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(b)))
}

// ReadClock reads date and time, two items: the date again when midnight may have come between.
func (m *Meter) ReadClock(ctx context.Context) (shows, at time.Time, err error) {
	err = m.lend(ctx, "read clock", line.PriorityOf(ctx), func(lease *line.Lease) (err error) {
		shows, at, err = m.clock(ctx, lease)
		return err
	})
	return shows, at, err
}

func (m *Meter) clock(ctx context.Context, lease *line.Lease) (shows, at time.Time, err error) {
	if m.opts.NoClock {
		return shows, at, fmt.Errorf("model has no clock: %w", meter.ErrUnable)
	}
	dateItem, timeItem := Date, Time
	if m.edition() == Edition1997 {
		dateItem, timeItem = Item{Edition1997, 0xC010}, Item{Edition1997, 0xC011}
	}
	day, _, err := m.number(ctx, lease, dateItem, 4)
	for range 2 {
		if err != nil {
			return shows, at, err
		}
		var clock, again int64
		if clock, at, err = m.number(ctx, lease, timeItem, 3); err != nil {
			return shows, at, err
		}
		if shows, err = m.instant(day/100, clock); err != nil || clock >= 500 { // midnight was more than five minutes ago
			return shows, at, err
		}
		if again, _, err = m.number(ctx, lease, dateItem, 4); err == nil && again == day {
			return shows, at, nil
		}
		day = again
	}
	return shows, at, fmt.Errorf("date changes while it is read: %w", meter.ErrMalformed)
}

// number reads an item of so many BCD bytes.
func (m *Meter) number(ctx context.Context, lease *line.Lease, item Item, bytes int) (int64, time.Time, error) {
	w, err := m.ask(ctx, lease, item)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("item %s: %w", item, err)
	}
	if p := length(w.data, bytes); p != nil {
		return 0, w.at, p
	}
	n, p := telegram.Digits(w.data)
	if p != nil {
		return 0, w.at, p
	}
	return n, w.at, nil
}

// instant puts YYMMDD and hhmmss together.
func (m *Meter) instant(day, clock int64) (time.Time, error) {
	s := fmt.Sprintf("%06d%06d", day, clock)
	t, err := time.ParseInLocation("060102150405", s, m.opts.Zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("clock shows %s: %w", s, meter.ErrImplausible)
	}
	return t, nil
}

// The standard lets a broadcast move a clock by five minutes, once a day.
const (
	clockReach = 5 * time.Minute
	clockSlack = 5 * time.Second
)

// SetClock sends the broadcast of the time (control code 08) to this meter's own address, once, and reads the clock back.
// Nobody answers it. What is further off than five minutes the meter must not follow, and setting it otherwise needs the
// meter's password: that is ErrUnable.
func (m *Meter) SetClock(ctx context.Context, now func() time.Time) error {
	if m.address == Anyone {
		return fmt.Errorf("set clock of meter %s: a command is never sent to everybody: %w", m.id, meter.ErrUnable)
	}
	return m.lend(ctx, "set clock", min(line.PriorityOf(ctx), line.Command), func(lease *line.Lease) error {
		shows, _, err := m.clock(ctx, lease)
		switch off := shows.Sub(now()).Abs(); {
		case err != nil:
			return err
		case off > clockReach:
			return fmt.Errorf("it is off by %s, the command moves five minutes at most: %w", off.Round(time.Second), meter.ErrUnable)
		}
		sent := m.tell(ctx, lease, now())
		if shows, _, err = m.clock(ctx, lease); err == nil && shows.Sub(now()).Abs() > clockSlack {
			err = fmt.Errorf("clock shows %s", shows.Format(time.DateTime))
		}
		if err != nil {
			return fmt.Errorf("%w: %w", meter.ErrOutcomeUnknown, errors.Join(sent, err))
		}
		return nil
	})
}

// tell sends the time. Silence is what follows when all is well.
func (m *Meter) tell(ctx context.Context, lease *line.Lease, t time.Time) error {
	t = t.In(m.opts.Zone)
	data := make([]byte, 6)
	for i, n := range []int{t.Second(), t.Minute(), t.Hour(), t.Day(), int(t.Month()), t.Year() % 100} {
		data[i] = byte(n/10<<4 | n%10)
	}
	_, err := lease.Exchange(ctx, line.Exchange{
		Request: Frame{Address: m.address, Control: BroadcastTime, Data: data}.Append(nil), Timeout: quiet,
		Expect: func([]byte) (line.Verdict, error) { return line.Verdict{Drop: 1}, nil },
	})
	if errors.Is(err, meter.ErrSilent) || errors.Is(err, meter.ErrForeign) {
		return nil
	}
	return err
}

// quiet is how long a line is left alone after a broadcast.
const quiet = 200 * time.Millisecond
