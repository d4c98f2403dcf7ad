package counter

import (
	"context"
	"sync"
	"time"

	"tally/cardreader"
)

// Run watches the readers of src and serves the desks until ctx ends; then it takes no new operation, lets a card write
// under way come to its end (cut off after Options.Grace, which leaves it in doubt) and returns nil. It returns
// an error only when src cannot watch at all. It is called once.
func (s *Service) Run(ctx context.Context, src cardreader.Source) error {
	detached := context.WithoutCancel(ctx)
	watching, stopWatching := context.WithCancel(detached)
	working, cutOff := context.WithCancel(detached)
	defer stopWatching()
	defer cutOff()

	stop := make(chan struct{}) // closed when no new operation begins
	var workers, rest sync.WaitGroup
	s.settle(ctx)
	rest.Go(func() { s.settleLoop(stop, working) })
	ended := make(chan error, 1)
	rest.Go(func() {
		ended <- src.Run(watching, func(e cardreader.Event) {
			s.event(e, func(d *desk) { workers.Go(func() { d.work(stop, working) }) })
		})
	})

	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	close(stop)
	defer time.AfterFunc(s.o.Grace, cutOff).Stop()
	workers.Wait()
	stopWatching() // the readers are needed until the last write was read back
	rest.Wait()
	return err
}

// event hands an event to the desk of its reader; start is called for a desk that was not there before.
func (s *Service) event(e cardreader.Event, start func(*desk)) {
	s.mu.Lock()
	d, ok := s.desks[e.Reader]
	if !ok && !s.stopping {
		d = newDesk(s, e.Reader)
		s.desks[e.Reader] = d
		start(d)
	}
	s.mu.Unlock()
	if d != nil {
		d.event(e)
		s.watch.changed()
	}
}

// work is the worker of one desk.
func (d *desk) work(stop <-chan struct{}, working context.Context) {
	for {
		select {
		case <-stop:
			d.finish(working)
			return
		case <-d.wake:
			d.look(working)
		case j := <-d.jobs:
			j.work(working, j.ins)
		}
	}
}

// finish refuses further jobs and does the one that was accepted before.
func (d *desk) finish(working context.Context) {
	d.mu.Lock()
	d.closed = true
	d.gone()
	d.mu.Unlock()
	select {
	case j := <-d.jobs:
		j.work(working, j.ins)
	default:
	}
}

// settleLoop tries what could not be stored again, until there is no more of it.
func (s *Service) settleLoop(stop <-chan struct{}, working context.Context) {
	tick := time.NewTicker(s.o.StoreRetry)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			s.settle(working) // the last chance before the next start finds it
			return
		case <-tick.C:
			s.settle(working)
		}
	}
}
