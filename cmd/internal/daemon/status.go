package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tally/cmd/internal/control"
	"tally/counter"
	"tally/meter"
	"tally/meter/poll"
	"tally/sync/outbox"
)

// door is what the control socket sees of a node.
type door struct{ n *Node }

// Status implements control.Node.
func (d door) Status(ctx context.Context) (control.NodeStatus, error) {
	n := d.n
	s := control.NodeStatus{
		Node: n.cfg.Name, Version: n.version, Epoch: n.store.Epoch(), Boot: n.boot, Started: n.started,
		UptimeS: int64(time.Since(n.started) / time.Second), Ready: true,
	}
	if err := n.Ready(ctx); err != nil {
		s.Ready = false
		s.Problems = append(s.Problems, control.Problem{Code: control.ProblemNotReady, Message: err.Error()})
	}
	s.Readers, _ = d.Readers(ctx)
	states, downs := n.poller.States(), n.poller.Lines()
	for _, w := range n.wires {
		l, problem := lineStat(w, lineOf(w.cfg.Name, states))
		if at := lineDown(downs, w.cfg.Name); at != nil {
			l.Down, l.Since, l.Next = true, at.Since, at.Next
			if l.Open {
				problem = control.ProblemLineDown
			}
		}
		s.Lines = append(s.Lines, l)
		if problem != "" {
			s.Problems = append(s.Problems, control.Problem{Code: problem, Subject: l.Name, Message: "line " + l.Name + ": " + problem})
		}
	}
	s.Uplink = d.uplink(ctx)
	if s.Uplink.Configured && !s.Uplink.Connected {
		s.Problems = append(s.Problems, control.Problem{Code: control.ProblemBrokerAway, Message: "no connection to the broker; records wait here"})
	} else if s.Uplink.Configured && !s.Uplink.Central {
		s.Problems = append(s.Problems, control.Problem{Code: control.ProblemCentreAway, Message: "the central system takes no records; they wait here"})
	}
	s.Problems = append(s.Problems, n.ailments()...)
	s.Disk = d.disk(ctx)
	open, err := n.service.OpenOrders(ctx)
	if err != nil {
		return s, err
	}
	for _, o := range open {
		if o.State == counter.Quarantined {
			s.Open.Quarantine++
		} else {
			s.Open.InDoubt++
		}
	}
	if len(open) > 0 {
		s.Problems = append(s.Problems, control.Problem{Code: control.ProblemOrdersOpen, Message: fmt.Sprintf("%d card orders without an end", len(open))})
	}
	return s, nil
}

// lineDown finds the outage of a line, nil if somebody on it answers.
func lineDown(lines []poll.LineState, name string) *poll.LineState {
	for _, l := range lines {
		if l.Line == name && l.Down {
			return &l
		}
	}
	return nil
}

// lineStat is one line, and what is not well with it.
func lineStat(w wire, states []poll.State) (control.LineStat, string) {
	st := w.line.Stats()
	l := control.LineStat{
		Name: w.cfg.Name, Kind: w.cfg.Kind, Where: w.cfg.Port + w.cfg.Address, Open: st.Up, Meters: len(states),
		Asked: st.Sent, Answered: st.OK,
	}
	for _, s := range states {
		if s.Dead {
			l.Dead++
		} else {
			l.Alive++
		}
	}
	switch {
	case !l.Open:
		return l, control.ProblemLineLost
	case l.Dead > 0:
		return l, control.ProblemMetersDead
	}
	return l, ""
}

func (d door) uplink(ctx context.Context) control.Uplink {
	if d.n.uplink == nil {
		return control.Uplink{}
	}
	s := d.n.uplink.pump.Snapshot(ctx)
	u := control.Uplink{Configured: true, Broker: d.n.cfg.Uplink.Broker, Connected: s.Connected, Central: s.Central,
		CertificateEnds: d.n.uplink.cert.ends()}
	for _, st := range s.Streams {
		u.Streams = append(u.Streams, streamOf(st))
	}
	return u
}

func streamOf(st outbox.StreamSnapshot) control.Stream {
	return control.Stream{Name: string(st.Stream), Next: st.Next, Acked: st.Acked, Waiting: st.Waiting}
}

func (d door) disk(ctx context.Context) control.Disk {
	disk := control.Disk{Dir: d.n.cfg.DataDir, SalesRoom: d.n.store.Room(ctx) == nil}
	u, err := d.n.store.Usage()
	if err != nil {
		d.n.log.Warn("disk cannot be asked", "err", err)
	}
	disk.FreeBytes, disk.UsedBytes = u.Free, uint64(u.Ledger+u.Readings)
	return disk
}

// Readers implements control.Cards.
func (d door) Readers(context.Context) ([]control.Reader, error) {
	var readers []control.Reader
	for _, k := range d.n.service.Desks() {
		r := control.Reader{Name: k.Reader, Card: control.CardNone}
		switch k.Phase {
		case counter.NoReader:
			continue
		case counter.Empty:
		case counter.Failed:
			r.Card = control.CardMute
		default:
			r.Card = control.CardPresent
		}
		readers = append(readers, r)
	}
	if len(readers) == 0 {
		return nil, d.n.cards.asked()
	}
	return readers, nil
}

// Card implements control.Cards with what the desk read at the insertion; the card is not touched again.
func (d door) Card(_ context.Context, reader string) (control.Card, error) {
	var found []counter.Desk
	for _, k := range d.n.service.Desks() {
		if k.Reader == reader || (reader == "" && k.Phase != counter.NoReader && k.Phase != counter.Empty) {
			found = append(found, k)
		}
	}
	if len(found) == 0 {
		if err := d.n.cards.asked(); err != nil {
			return control.Card{}, err
		}
	}
	switch {
	case len(found) == 0 && reader != "":
		return control.Card{}, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no reader %q", reader)}
	case len(found) == 0:
		return control.Card{}, &control.Error{Code: control.CodeNoCard, Message: "no reader holds a card"}
	case len(found) > 1:
		var names []string
		for _, k := range found {
			names = append(names, fmt.Sprintf("%q", k.Reader))
		}
		return control.Card{}, &control.Error{Code: control.CodeAmbiguous, Message: "several readers hold a card: " + strings.Join(names, ", "),
			Hint: "Name one."}
	}
	return cardOf(found[0])
}

func cardOf(k counter.Desk) (control.Card, error) {
	if k.Card == nil {
		e := &control.Error{Code: control.CodeNoCard, Message: fmt.Sprintf("reader %q: %s", k.Reader, k.Phase)}
		if k.Problem != nil {
			e.Code = k.Problem.Code
		}
		return control.Card{}, e
	}
	c := control.Card{Reader: k.Reader, State: *k.Card}
	if a := k.Account; a != nil {
		c.Customer = &control.Customer{No: a.No, Name: a.Name, Meter: a.Meter, Locked: a.Locked}
	}
	return c, nil
}

// Meters implements control.Node.
func (d door) Meters(context.Context) ([]control.Meter, error) {
	var meters []control.Meter
	for _, v := range d.n.Meters() {
		meters = append(meters, control.Meter{ID: v.ID, Line: v.Line, Model: v.Model, Dead: v.Dead, Last: v.Last, Failure: v.Failure,
			Since: v.Since, Next: v.Next, Valve: v.Valve})
	}
	return meters, nil
}

// MeterRead implements control.Node.
func (d door) MeterRead(ctx context.Context, id meter.ID) (meter.Reading, error) {
	r, err := d.n.poller.ReadNow(ctx, id)
	if errors.Is(err, poll.ErrUnknown) {
		return r, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("no meter %q on this node", id)}
	}
	d.n.service.Notify()
	return r, err
}
