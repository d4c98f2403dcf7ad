package counter

import (
	"context"
	"sync"
)

// calls makes the same request, asked while it is being carried out, one request: everybody gets the one answer. What
// has an answer already is found in the ledger.
type calls struct {
	mu   sync.Mutex
	open map[string]*call
}

type call struct {
	content string
	done    chan struct{} // closed when the answer is set
	receipt Receipt
	err     error
}

func (c *calls) init() { c.open = map[string]*call{} }

// once runs start for the first caller of key, which must answer exactly once, now or later; every caller waits for the
// answer. Another content under the same key is refused.
func (c *calls) once(ctx context.Context, key, content string, start func(answer func(Receipt, error))) (Receipt, error) {
	c.mu.Lock()
	known, ok := c.open[key]
	if !ok {
		known = &call{content: content, done: make(chan struct{})}
		c.open[key] = known
	}
	c.mu.Unlock()
	if known.content != content {
		return Receipt{}, refuse(CodeRequestReused, nil)
	}
	if !ok {
		start(func(r Receipt, err error) { c.answer(key, known, r, err) })
	}
	select {
	case <-known.done:
		return known.receipt, known.err
	case <-ctx.Done():
		return Receipt{}, refuse(CodeInternal, ctx.Err()) // the work goes on; asking again tells how it ended
	}
}

func (c *calls) answer(key string, known *call, r Receipt, err error) {
	c.mu.Lock()
	delete(c.open, key)
	c.mu.Unlock()
	known.receipt, known.err = r, err
	close(known.done)
}
