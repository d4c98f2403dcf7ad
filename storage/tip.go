package storage

import (
	"sync"

	"tally/sync/outbox"
)

// tip is the state of a stream as it is known without the disk, and those who wait for it to grow.
type tip struct {
	mu    sync.Mutex
	state outbox.State
	wait  map[uint64]chan struct{} // closed when a record with a sequence above the key is there
}

func newTip(s outbox.State) *tip {
	return &tip{state: s, wait: make(map[uint64]chan struct{})}
}

func (t *tip) get() outbox.State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

func (t *tip) set(s outbox.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = s
	for after, ch := range t.wait {
		if s.Next-1 > after {
			close(ch)
			delete(t.wait, after)
		}
	}
}

func (t *tip) grown(after uint64) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	ch, ok := t.wait[after]
	if ok {
		return ch
	}
	ch = make(chan struct{})
	if t.state.Next-1 > after {
		close(ch)
		return ch
	}
	t.wait[after] = ch
	return ch
}
