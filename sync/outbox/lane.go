package outbox

import (
	"time"

	"tally/sync/contract"
)

// lane is what the pump knows of one stream. It decides; it neither sends nor waits. next is only a cursor: what it
// passes is not delivered until covered passes it too.
type lane struct {
	q      Queue
	stream contract.Stream
	limits contract.Limits
	cfg    *Config
	linger time.Duration
	forget func() // drops acks that are not durable yet and speak of a state that is no more

	epoch    string
	rewound  uint64 // State.Rewound as it is known here
	next     uint64 // the next sequence to send
	covered  uint64 // the centre has said that it has everything up to here
	sentHigh uint64 // the highest that may ever have been sent within the epoch
	flights  []flight
	seen     map[uint64]bool // nacks above the watermark that were reported

	progress time.Time // since when the oldest flight waits for the watermark to move
	patience time.Duration
	holdOff  time.Time // nothing is sent before
	pause    time.Duration
	since    time.Time // when something unsent was first noticed; zero when nothing is
	skipped  int       // sends of others while this one was ready
	lastAck  time.Time
	shown    uint64 // the highest sequence that was shown as newest
	nextShow time.Time
}

// flight is one envelope that was sent and is not covered yet.
type flight struct {
	id     uint64
	last   uint64
	size   int
	landed time.Time // when the broker took it; zero: not yet
}

func newLane(q Queue, cfg *Config) *lane {
	s := q.Stream()
	l := &lane{q: q, stream: s, limits: s.Limits(), cfg: cfg, forget: func() {}}
	if s == contract.Rd {
		l.linger = cfg.Linger
	}
	l.begin(q.State())
	return l
}

// begin forgets everything: the first state after a start, a new epoch after a restore, or a watermark that was moved
// back.
func (l *lane) begin(st State) {
	l.epoch, l.rewound, l.covered, l.next = st.Epoch, st.Rewound, st.Acked, st.Acked+1
	l.sentHigh = st.Next - 1 // an earlier run may have sent all of it
	l.flights, l.seen = nil, map[uint64]bool{}
	l.patience, l.pause, l.holdOff, l.since = l.cfg.AckTimeout, 0, time.Time{}, time.Time{}
}

func (l *lane) state() State {
	st := l.q.State()
	if st.Epoch != l.epoch || st.Rewound != l.rewound {
		l.begin(st)
		l.forget()
	}
	if st.Acked > l.covered { // the queue has let go of records for a reason of its own
		l.cover(st.Acked, l.cfg.Now())
	}
	return st
}

// ready says whether an envelope may be sent now; if not, when to look again (zero: when something happens).
func (l *lane) ready(now time.Time) (bool, time.Time) {
	st := l.state()
	switch {
	case l.next >= st.Next:
		l.since = time.Time{}
		return false, time.Time{}
	case len(l.flights) >= l.cfg.Window || l.flying() >= l.cfg.WindowBytes:
		return false, time.Time{}
	case now.Before(l.holdOff):
		return false, l.holdOff
	}
	if l.since.IsZero() {
		l.since = now
	}
	due := l.since.Add(l.linger)
	if st.Next-l.next >= uint64(l.limits.Records) || !now.Before(due) {
		return true, time.Time{}
	}
	return false, due
}

// sent notes that records up to last went out as flight id of size bytes.
func (l *lane) sent(id, last uint64, size int, now time.Time) {
	if len(l.flights) == 0 {
		l.progress = now
	}
	l.flights = append(l.flights, flight{id: id, last: last, size: size})
	if rate := l.cfg.rate.Load(); rate > 0 && l.stream == contract.Rd {
		l.holdOff = now.Add(time.Duration(last+1-l.next) * time.Second / time.Duration(rate))
	}
	l.next = last + 1
	l.sentHigh = max(l.sentHigh, last)
	if l.next >= l.q.State().Next {
		l.since = time.Time{}
	}
}

// landed notes that the broker has taken flight id, which only says that publishing works. The patience with the
// centre begins here and not before: a slow line is the link's to judge.
func (l *lane) landed(id uint64, now time.Time) {
	if f := l.find(id); f != nil {
		f.landed, l.pause = now, 0
	}
}

// broken notes that flight id did not arrive as far as is known.
func (l *lane) broken(id uint64, now time.Time) {
	if l.find(id) == nil {
		return // an earlier failure has gone back already
	}
	l.goBack(now)
	l.rest(now)
}

// rest keeps the lane from its turn for a while, each time longer until something works.
func (l *lane) rest(now time.Time) {
	l.pause = min(max(2*l.pause, l.cfg.Pause), l.cfg.PauseMax)
	l.holdOff = now.Add(l.pause)
}

func (l *lane) find(id uint64) *flight {
	for i := range l.flights {
		if l.flights[i].id == id {
			return &l.flights[i]
		}
	}
	return nil
}

// flying is how many bytes are under way.
func (l *lane) flying() int {
	n := 0
	for _, f := range l.flights {
		n += f.size
	}
	return n
}

// goBack to the watermark: everything above it is sent again, at once.
func (l *lane) goBack(now time.Time) {
	l.flights = nil
	l.next = l.covered + 1
	if l.next <= l.sentHigh {
		l.since = now.Add(-l.linger) // old enough: no linger for what was sent before
	}
}

// renew is goBack after a new connection or the return of the centre: earlier waits mean nothing any more.
func (l *lane) renew(now time.Time) {
	l.goBack(now)
	l.patience, l.pause, l.holdOff = l.cfg.AckTimeout, 0, time.Time{}
}

// overdue goes back when the watermark has not moved for too long, each time more patiently; it returns when to look
// again.
func (l *lane) overdue(now time.Time) time.Time {
	if len(l.flights) == 0 {
		return time.Time{}
	}
	since, patience := l.progress, l.cfg.AckTimeoutMax // the link should have given up long before
	if landed := l.flights[0].landed; !landed.IsZero() {
		patience = l.patience
		if landed.After(since) {
			since = landed
		}
	}
	if due := since.Add(patience); now.Before(due) {
		return due
	}
	l.patience = min(2*l.patience, l.cfg.AckTimeoutMax)
	l.goBack(now)
	return time.Time{}
}

// verdict is what an ack means for the lane.
type verdict struct {
	stale  bool            // another epoch or nothing new: ignored
	beyond uint64          // a sequence that was never sent: alarm, ignored
	ack    contract.Ack    // to be made durable
	nacks  []contract.Nack // not reported before
}

// heard takes the centre's word, if it can be true.
func (l *lane) heard(a contract.Ack, now time.Time) verdict {
	st := l.state()
	if a.Epoch != l.epoch {
		return verdict{stale: true}
	}
	if a.Ack > l.sentHigh {
		return verdict{beyond: a.Ack}
	}
	v := verdict{ack: a}
	for _, n := range a.Nacks {
		if n.Seq > l.sentHigh {
			return verdict{beyond: n.Seq}
		}
		if n.Seq > st.Acked && n.Seq > l.covered && !l.seen[n.Seq] {
			v.nacks = append(v.nacks, n)
		}
	}
	l.lastAck = now
	v.stale = a.Ack <= l.covered && len(v.nacks) == 0
	for _, n := range v.nacks {
		l.seen[n.Seq] = true
	}
	if a.Ack > l.covered {
		l.cover(a.Ack, now)
	}
	return v
}

func (l *lane) cover(upto uint64, now time.Time) {
	l.covered = upto
	l.next = max(l.next, upto+1)
	for len(l.flights) > 0 && l.flights[0].last <= upto {
		l.flights = l.flights[1:]
	}
	for seq := range l.seen {
		if seq <= upto {
			delete(l.seen, seq)
		}
	}
	l.progress, l.patience, l.pause = now, l.cfg.AckTimeout, 0
}
