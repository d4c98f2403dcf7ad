package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tally/meter"
	"tally/meter/line"
)

// Event is what a scan reports while it runs.
type Event struct {
	Kind    EventKind
	Step    Step          // what is asked, or listened to
	Address string        // who is asked
	Asked   int           // questions so far, in all runs
	Left    int           // questions at least
	ETA     time.Duration // how long the rest will take, as the line has been so far
	Find    *Find         // of Found
}

// EventKind says what an Event reports.
type EventKind string

// Events.
const (
	Listening EventKind = "listening"
	Asking    EventKind = "asking"
	Found     EventKind = "found"
	Noisy     EventKind = "noisy" // never silent at this setting: it is skipped
)

// ErrInUse says that somebody else asks on the line: to ask as well would disturb both.
var ErrInUse = errors.New("another master asks on this line")

// Options of the line that suit a scan: most questions stay without an answer.
func LineOptions() line.Options {
	return line.Options{Quiet: 30 * time.Millisecond, Noise: time.Second}
}

// Runner runs a scan over a line.
type Runner struct {
	Line   *line.Line
	Report func(Event)        // called from Run, in order; must not be nil
	Save   func(*State) error // after every step; nil to keep nothing
	Now    func() time.Time   // nil for time.Now
	Ignore bool               // go on although somebody else asks on the line

	state  *State
	serial byte
	paid   time.Duration // estimated for what was asked in this run
	began  time.Time
	before time.Duration // spent in earlier runs

	steps  int           // of the queue when behind and rest were counted
	behind int           // questions of the steps behind the first one
	rest   time.Duration // and their time
}

// Run goes on with s until nothing is left, ctx ends or the line is lost; s is then what is left. It returns ctx's error,
// ErrInUse, an error matching meter.ErrLine, or that of Save.
func (r *Runner) Run(ctx context.Context, s *State) error {
	if r.Now == nil {
		r.Now = time.Now
	}
	r.state, r.began, r.before, r.behind = s, r.Now(), s.Spent, -1
	defer r.clock()
	if err := r.listen(ctx); err != nil {
		return err
	}
	for len(s.Queue) > 0 {
		if err := r.step(ctx); err != nil {
			return err
		}
		r.clock()
		if r.Save != nil {
			if err := r.Save(s); err != nil {
				return fmt.Errorf("save scan state: %w", err)
			}
		}
	}
	return nil
}

func (r *Runner) clock() { r.state.Spent = r.before + r.Now().Sub(r.began) }

// step asks the first step of the queue to its end.
func (r *Runner) step(ctx context.Context) error {
	s := r.state
	silentBefore := len(s.Found)
	odd := 0
	for {
		now := s.Queue[0]
		f, err := r.ask(ctx, now, now.From)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, line.ErrNoisy):
			r.skip(now)
			return nil
		case err != nil:
			return err
		}
		s.Asked++
		r.paid += r.cost(now)
		if f == nil || f.Certain() {
			odd = 0
		} else {
			odd++
		}
		s.Queue[0].From++
		if now.Ask != askRange || now.From >= now.To || odd >= mostOdd {
			s.Queue = s.Queue[1:]
			if f != nil {
				s.Queue = append(deeper(now, *f), s.Queue...)
			}
			if len(s.Found) > silentBefore {
				r.prefer(now.Setting)
			}
			return nil
		}
	}
}

// mostOdd is how many addresses in a row may answer with nonsense before the rest of them is left out.
const mostOdd = 8

// skip leaves out what would be asked at a setting at which the line is never silent.
func (r *Runner) skip(now Step) {
	s := r.state
	s.Queue = slices.DeleteFunc(s.Queue, func(o Step) bool { return o.Setting == now.Setting })
	r.report(Event{Kind: Noisy, Step: now})
}

// prefer asks what is left at the setting of a find first. With First the rest is left out.
func (r *Runner) prefer(at Setting) {
	s := r.state
	if !slices.ContainsFunc(s.Found, func(f Find) bool { return f.Certain() && f.Setting == at }) {
		return
	}
	var here, elsewhere []Step
	for _, q := range s.Queue {
		if q.Setting == at {
			here = append(here, q)
		} else {
			elsewhere = append(elsewhere, q)
		}
	}
	if s.Options.First {
		elsewhere = nil
	}
	s.Queue = append(here, elsewhere...)
}

// deeper narrows a pattern by its next digits when more than one meter answered to it.
func deeper(s Step, f Find) []Step {
	if f.Certain() {
		return nil
	}
	var all []Step
	switch {
	case s.Protocol == MBus && s.Ask == askSelect:
		at := indexByte(s.Pattern, 'F')
		for d := byte('0'); at >= 0 && d <= '9'; d++ {
			next := s
			next.Pattern = s.Pattern[:at] + string(d) + s.Pattern[at+1:]
			all = append(all, next)
		}
	case s.Protocol == DLT645 && s.Pattern != "" && s.Ask != askNumber:
		// Shortened addresses know the lowest digits, a byte at a time.
		at := lastByte(s.Pattern, 'A')
		for d := 0; at >= 1 && d < 100; d++ {
			next := s
			next.Pattern = s.Pattern[:at-1] + fmt.Sprintf("%02d", d) + s.Pattern[at+1:]
			all = append(all, next)
		}
	}
	return all
}

func indexByte(s string, c byte) int { return slices.Index([]byte(s), c) }

func lastByte(s string, c byte) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// ask asks one question, and again when the answer is nonsense: a single disturbance is no trace of a meter.
func (r *Runner) ask(ctx context.Context, s Step, address int) (*Find, error) {
	var odd *Find
	for range 2 {
		r.serial++
		q, err := questionOf(s, address, r.state.Options, r.serial)
		if err != nil {
			return nil, err
		}
		r.report(Event{Kind: Asking, Step: s, Address: q.address})
		f, err := r.exchange(ctx, s, q)
		if err != nil || f == nil {
			if odd != nil && err == nil {
				break // nonsense once, silence then: there is something, it does not always answer
			}
			return nil, err
		}
		if !f.Certain() {
			odd = f
			continue
		}
		if f, err = r.identify(ctx, s, *f); err != nil || f == nil {
			return nil, err
		}
		if f.Certain() {
			return r.found(*f), nil
		}
		odd = f
	}
	return r.found(*odd), nil
}

// identify asks an M-Bus meter that has acknowledged who it is. Several may have acknowledged at once.
func (r *Runner) identify(ctx context.Context, s Step, f Find) (*Find, error) {
	if s.Protocol != MBus {
		return &f, nil
	}
	address := byte(253)
	switch s.Ask {
	case askAll:
		address = 254
	case askRange:
		address = byte(s.From)
	}
	data, err := r.exchange(ctx, s, dataOf(address, r.state.Options))
	switch {
	case err != nil:
		return nil, err
	case data != nil && data.Certain():
		return data, nil
	case s.Ask == askRange:
		return &f, nil // it acknowledges, so it is there; its data did not come whole
	}
	f.Evidence, f.Address, f.Asked = Damaged, "", s.Pattern
	if data != nil {
		f.Raw = data.Raw
	}
	return &f, nil
}

// found keeps a find and reports it if it is new.
func (r *Runner) found(f Find) *Find {
	all, fresh := add(r.state.Found, f)
	r.state.Found = all
	if fresh {
		r.report(Event{Kind: Found, Step: Step{Setting: f.Setting, Protocol: f.Protocol}, Address: f.Address, Find: &f})
	}
	return &f
}

// exchange asks once. It returns nil for silence.
func (r *Runner) exchange(ctx context.Context, s Step, q question) (*Find, error) {
	lease, err := r.Line.For("scan", s.Mode()).Lease(ctx, line.Interactive)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	e := ear{q: q}
	answer, err := lease.Exchange(ctx, line.Exchange{Request: q.request, Length: q.length, Timeout: q.timeout, Expect: e.expect})
	switch {
	case errors.Is(err, meter.ErrLine):
		return nil, err
	case len(e.raw) == 0 || e.find != nil && e.find.gateway:
		return nil, nil
	}
	f := Find{Evidence: Garbage, Asked: q.address}
	switch {
	case e.find != nil:
		f = *e.find
		f.Evidence = Answered
		if f.Refused {
			f.Evidence = Refused
		}
		if f.Address == "" {
			f.Address = q.address
		}
	case damaged(e.raw) || looksRTU(q.request, e.raw):
		f.Evidence = Damaged
	}
	f.Setting, f.Protocol, f.Echo, f.Raw, f.At = s.Setting, s.Protocol, answer.Echoed, e.raw, r.Now().UTC()
	return &f, nil
}

// looksRTU tells whether bytes begin as the answer to a Modbus question does: such a frame has no form but its CRC.
func looksRTU(request, b []byte) bool {
	return len(request) == 8 && len(b) >= 3 && b[0] == request[0] && b[1]&0x7F == request[1]
}

// cost estimates the time of one question that stays without an answer.
func (r *Runner) cost(s Step) time.Duration {
	q, err := questionOf(s, s.From, r.state.Options, 0)
	if err != nil {
		return 0
	}
	return q.timeout + s.Mode().Char()*time.Duration(len(q.request)+q.length) + LineOptions().Quiet
}

// report fills in how far the scan is.
func (r *Runner) report(e Event) {
	s := r.state
	e.Asked = s.Asked
	if r.behind < 0 || r.steps != len(s.Queue) { // the steps behind the first one change only from step to step
		r.count()
	}
	e.Left = r.behind
	rest := r.rest
	if len(s.Queue) > 0 {
		n := s.Queue[0].count()
		e.Left += n
		rest += r.cost(s.Queue[0]) * time.Duration(n)
	}
	// What the first questions took, answers and openings included, corrects the estimate for the rest.
	if spent := r.Now().Sub(r.began); r.paid > 5*time.Second {
		rest = time.Duration(float64(rest) * float64(spent) / float64(r.paid))
	}
	e.ETA = rest.Round(time.Second)
	r.Report(e)
}

// count sums up the steps behind the first one.
func (r *Runner) count() {
	r.steps, r.behind, r.rest = len(r.state.Queue), 0, 0
	for i, q := range r.state.Queue {
		if i > 0 {
			n := q.count()
			r.behind += n
			r.rest += r.cost(q) * time.Duration(n)
		}
	}
}

// ear listens to what comes after a question and keeps it.
type ear struct {
	q    question
	raw  []byte
	find *Find
}

// mostLead is how many bytes may stand before an answer: preambles, glitches of the driver chip.
const mostLead = 16

func (e *ear) expect(b []byte) (line.Verdict, error) {
	e.raw = append(e.raw[:0], b...)
	for lead := 0; lead < min(len(b), mostLead); lead++ {
		if n, f := e.q.known(b[lead:]); n > 0 {
			e.find = &f
			return line.Verdict{Need: lead + n}, nil
		}
	}
	return line.Verdict{Need: len(b) + 1}, nil // the deadline ends it
}
