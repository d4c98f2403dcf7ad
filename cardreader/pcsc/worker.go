//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// errWatchdog: the call did not come back in time.
var errWatchdog = errors.New("no answer in time")

// worker runs calls into PC/SC one after another on one OS thread. A call that hangs keeps the thread; the worker is
// then left behind and tidies up if the call ever returns.
type worker struct {
	calls    chan func()
	quit     chan struct{} // closed by leave
	finished chan struct{} // closed when the thread is free

	mu   sync.Mutex
	over bool
	late func() // to be told when a thread that was left behind is free after all
}

// startWorker starts the thread. tidy runs on it at the very end.
func startWorker(tidy func()) *worker {
	w := &worker{calls: make(chan func()), quit: make(chan struct{}), finished: make(chan struct{})}
	go func() {
		defer w.end()
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		w.loop()
		tidy()
	}()
	return w
}

func (w *worker) end() {
	w.mu.Lock()
	w.over = true
	late := w.late
	w.mu.Unlock()
	if late != nil {
		late()
	}
	close(w.finished)
}

// leaveBehind arranges for late to be called when the thread is free; at once when it is.
func (w *worker) leaveBehind(late func()) {
	w.mu.Lock()
	over := w.over
	w.late = late
	w.mu.Unlock()
	if over {
		late()
	}
}

func (w *worker) loop() {
	for {
		select {
		case f := <-w.calls:
			f()
		case <-w.quit:
			return
		}
	}
}

// leave makes the worker end after the call that it is in, if any. It must be called once.
func (w *worker) leave() { close(w.quit) }

// call runs f on the worker. An error that is errWatchdog or the context's means that f is still running: no further
// call may be made, and leave is due.
func call[T any](ctx context.Context, w *worker, limit time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	w.calls <- func() {
		v, err := guarded(f)
		done <- result{v, err}
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	var zero T
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return zero, gaveUp{ctx.Err()}
	case <-t.C:
		return zero, gaveUp{errWatchdog}
	}
}

// gaveUp wraps the reason why a call was left hanging.
type gaveUp struct{ error }

func (g gaveUp) Unwrap() error { return g.error }

func isGaveUp(err error) bool {
	var g gaveUp
	return errors.As(err, &g)
}
