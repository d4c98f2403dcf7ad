package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// job is one caller's part of a shared commit.
type job struct {
	ctx    context.Context
	do     func(*writeTx) error
	urgent bool // may use the ballast
	weight int  // records
	err    error
	done   chan struct{}
}

func (j *job) finish(err error) {
	j.err = err
	close(j.done)
}

// committer lets concurrent callers share one transaction. It has no goroutine: the first caller leads, and takes along
// whoever came while the last commit was under way.
type committer struct {
	lead   chan struct{} // holds one token while somebody leads
	run    func([]*job)  // commits the jobs and finishes each
	linger time.Duration // how long a leader waits for company
	enough int           // how many end the wait

	mu      sync.Mutex
	queue   []*job
	stopped bool
	full    chan struct{} // closed when enough are queued; nil when nobody waits
}

func newCommitter(run func([]*job)) *committer {
	return &committer{lead: make(chan struct{}, 1), run: run}
}

// do returns when f is committed, or has failed, or was withdrawn because ctx ended before its turn.
func (c *committer) do(ctx context.Context, urgent bool, f func(*writeTx) error) error {
	return c.submit(&job{ctx: ctx, do: f, urgent: urgent, weight: 1, done: make(chan struct{})})
}

// doMany is do for a job of several records.
func (c *committer) doMany(ctx context.Context, records int, f func(*writeTx) error) error {
	return c.submit(&job{ctx: ctx, do: f, weight: records, done: make(chan struct{})})
}

func (c *committer) submit(j *job) error {
	ctx := j.ctx
	if !c.enqueue(j) {
		return storeErr(ErrClosed)
	}
	select {
	case c.lead <- struct{}{}:
		c.serve(ctx)
		<-j.done
	case <-j.done:
	case <-ctx.Done():
		if c.withdraw(j) {
			return ctx.Err()
		}
		<-j.done
	}
	return j.err
}

// exclusive runs f while nobody commits.
func (c *committer) exclusive(ctx context.Context, f func() error) error {
	select {
	case c.lead <- struct{}{}:
		defer func() { <-c.lead }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop waits for the running commit, fails who is queued, and refuses who comes later.
func (c *committer) stop() {
	c.lead <- struct{}{}
	defer func() { <-c.lead }()
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	for _, j := range c.take() {
		j.finish(storeErr(ErrClosed))
	}
}

func (c *committer) enqueue(j *job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return false
	}
	c.queue = append(c.queue, j)
	if c.full != nil && weigh(c.queue) >= uint64(c.enough) {
		close(c.full)
		c.full = nil
	}
	return true
}

func (c *committer) withdraw(j *job) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, q := range c.queue {
		if q == j {
			c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
			return true
		}
	}
	return false
}

// serve commits what is queued and hands the lead on. Jobs are finished even if a caller's function ends the goroutine.
func (c *committer) serve(ctx context.Context) {
	var jobs []*job
	defer func() {
		for _, j := range jobs {
			select {
			case <-j.done:
			default:
				j.finish(storeErr(errors.New("commit was abandoned")))
			}
		}
		<-c.lead
	}()
	c.wait(ctx)
	for _, j := range c.take() {
		if err := j.ctx.Err(); err != nil {
			j.finish(err)
			continue
		}
		jobs = append(jobs, j)
	}
	if len(jobs) > 0 {
		c.run(jobs)
	}
}

func (c *committer) take() []*job {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queue
	c.queue, c.full = nil, nil
	return q
}

// wait lingers for company.
func (c *committer) wait(ctx context.Context) {
	if c.linger <= 0 {
		return
	}
	full := make(chan struct{})
	c.mu.Lock()
	enough := weigh(c.queue) >= uint64(c.enough) || len(c.queue) == 0
	if !enough {
		c.full = full
	}
	c.mu.Unlock()
	if enough {
		return
	}
	t := time.NewTimer(c.linger)
	defer t.Stop()
	select {
	case <-full:
	case <-t.C:
	case <-ctx.Done():
	}
}

// weigh counts the records of jobs.
func weigh(jobs []*job) (n uint64) {
	for _, j := range jobs {
		n += uint64(j.weight)
	}
	return n
}

// call runs a caller's function; a panic is its error.
func call(f func(*writeTx) error, w *writeTx) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			err, panicked = storeErr(fmt.Errorf("transaction panicked: %v\n%s", p, debug.Stack())), true
		}
	}()
	return f(w), false
}
