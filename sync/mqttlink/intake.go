package mqttlink

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"tally/sync/contract"
)

// Bounds of what waits for the database.
const (
	defaultQueue = 256       // envelopes
	readAhead    = 64        // of them in the order in which they are given out
	maxWaiting   = 128 << 10 // bytes of one payload; what is longer is refused all the same, and is cut to be so
)

// intake keeps envelopes until somebody takes them, in turns by node and in order within a node. A node has a quarter of the
// room at the most, and when there is none left the one that has most gives way: a node that sends without end keeps nobody
// else from being heard.
type intake struct {
	most, share int
	out         chan contract.Delivery
	more        chan struct{} // something has come

	mu      sync.Mutex
	waiting map[string][]contract.Delivery // by node
	turn    []string                       // nodes that have something, next first
	n       int
	dropped uint64
}

func newIntake(most int) *intake {
	if most <= 0 {
		most = defaultQueue
	}
	return &intake{
		most: most, share: max(most/4, 1), waiting: map[string][]contract.Delivery{}, more: make(chan struct{}, 1),
		out: make(chan contract.Delivery, min(readAhead, most)),
	}
}

// put never blocks.
func (q *intake) put(d contract.Delivery) {
	if len(d.Payload) > maxWaiting {
		d.Payload = bytes.Clone(d.Payload[:maxWaiting])
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	node := nodeOf(d.Topic)
	if len(q.waiting[node]) >= q.share || q.n >= q.most && !q.makeRoom(len(q.waiting[node])) {
		q.dropped++
		return
	}
	if len(q.waiting[node]) == 0 {
		q.turn = append(q.turn, node)
	}
	q.waiting[node] = append(q.waiting[node], d)
	q.n++
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// makeRoom drops the newest of the node that has most, if that is more than somebody with have would have then.
func (q *intake) makeRoom(have int) bool {
	rich := ""
	for node, list := range q.waiting {
		if len(list) > len(q.waiting[rich]) {
			rich = node
		}
	}
	list := q.waiting[rich]
	if len(list) <= have+1 {
		return false
	}
	q.waiting[rich] = list[:len(list)-1]
	q.n--
	q.dropped++
	return true
}

// take returns the oldest of the node whose turn it is.
func (q *intake) take() (contract.Delivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.turn) == 0 {
		return contract.Delivery{}, false
	}
	node := q.turn[0]
	list := q.waiting[node]
	q.turn = q.turn[1:]
	q.n--
	if len(list) == 1 {
		delete(q.waiting, node)
	} else {
		q.waiting[node] = list[1:]
		q.turn = append(q.turn, node)
	}
	return list[0], true
}

// run gives out until ctx ends.
func (q *intake) run(ctx context.Context) {
	for {
		d, ok := q.take()
		if !ok {
			select {
			case <-q.more:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case q.out <- d:
		case <-ctx.Done():
			return
		}
	}
}

func (q *intake) lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// nodeOf is whose topic it is, whatever stands behind the name; a broker lets a node write below its own only.
func nodeOf(topic string) string {
	rest := strings.TrimPrefix(topic, "tally/v1/")
	node, _, _ := strings.Cut(rest, "/")
	return node[:min(len(node), 64)]
}
