package outbox

import (
	"context"
	"time"

	"tally/sync/contract"
)

// Snapshot is how the delivery stands, for pages and status messages.
type Snapshot struct {
	Connected bool // to the broker
	Central   bool // the centre is known to take records
	Streams   []StreamSnapshot
}

// StreamSnapshot is how one stream stands.
type StreamSnapshot struct {
	Stream contract.Stream
	contract.StreamStatus
	Waiting  uint64    // records that the centre has not committed yet
	InFlight int       // envelopes sent and not covered
	LastAck  time.Time // when the centre last said something true; zero: not since the start
	Oldest   time.Time // when the oldest waiting record happened; zero when none waits or it cannot be read
}

// Waiting is the sum over all streams.
func (s Snapshot) Waiting() uint64 {
	var n uint64
	for _, st := range s.Streams {
		n += st.Waiting
	}
	return n
}

// view is the pump's own part of a snapshot.
type view struct {
	connected, central bool
	lanes              []laneView
}

type laneView struct {
	inFlight int
	lastAck  time.Time
}

func (p *Pump) show() {
	v := &view{connected: p.connected, central: p.central}
	for _, l := range p.lanes {
		v.lanes = append(v.lanes, laneView{len(l.flights), l.lastAck})
	}
	p.view.Store(v)
}

// Snapshot may be called at any time from any goroutine. It reads one record of each stream that waits.
func (p *Pump) Snapshot(ctx context.Context) Snapshot {
	v := p.view.Load()
	s := Snapshot{Connected: v.connected, Central: v.central}
	for i, l := range p.lanes {
		st := l.q.State()
		s.Streams = append(s.Streams, StreamSnapshot{
			Stream:       l.stream,
			StreamStatus: contract.StreamStatus{First: st.First, Next: st.Next, Acked: st.Acked},
			Waiting:      st.Waiting(), InFlight: v.lanes[i].inFlight, LastAck: v.lanes[i].lastAck,
			Oldest: oldest(ctx, l.q, st),
		})
	}
	return s
}

func oldest(ctx context.Context, q Queue, st State) time.Time {
	if st.Waiting() == 0 {
		return time.Time{}
	}
	records, err := q.Read(ctx, st.Acked+1, 1, contract.MaxRecord)
	if err != nil || len(records) == 0 {
		return time.Time{}
	}
	r, err := contract.ParseRecord(records[0].Raw)
	if err != nil {
		return time.Time{}
	}
	return r.At.Time
}

// Streams is the same for a node's status message; it reads nothing from the disk.
func (p *Pump) Streams() map[contract.Stream]contract.StreamStatus {
	m := make(map[contract.Stream]contract.StreamStatus, len(p.lanes))
	for _, l := range p.lanes {
		st := l.q.State()
		m[l.stream] = contract.StreamStatus{First: st.First, Next: st.Next, Acked: st.Acked}
	}
	return m
}
