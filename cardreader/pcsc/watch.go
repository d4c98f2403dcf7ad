//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// plugAndPlay is the pseudo reader whose state changes when readers come and go.
const plugAndPlay = `\\?PnP?\Notification`

// look is how long one wait for a change lasts at most. The list of readers is taken anew after each, so that a reader
// that came between list and wait is not missed.
const look = time.Second

// pollPause is between two looks where waiting in the service is not safe: on Windows the binding hands it addresses of
// names that nothing keeps alive, which a long wait would give the garbage collector time to reuse.
const pollPause = 200 * time.Millisecond

// Run watches until ctx ends. A missing service is waited for.
func (s *Source) Run(ctx context.Context, emit func(cardreader.Event)) error {
	if err := s.claimRun(); err != nil {
		return err
	}
	defer s.releaseRun()
	w := watcher{src: s, emit: emit, name: fmt.Sprint("watch", watchers.Add(1)), readers: make(map[string]*seen)}
	lost := false
	for {
		err := w.session(ctx, func() {
			if lost {
				s.opt.Log.Info("smart-card service is back")
				s.opt.Service(nil)
			}
			lost = false
		})
		if ctx.Err() != nil {
			return nil
		}
		w.dropAll()
		if !lost {
			s.opt.Log.Warn("smart-card service is not there; waiting for it", "cause", err)
			s.opt.Service(classify("watch readers", "", false, err))
		}
		lost = true
		if pause(ctx, s.opt.Retry); ctx.Err() != nil {
			return nil
		}
	}
}

// pause ends early with ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// watchers numbers the watchers of this process, see ownName.
var watchers atomic.Uint64

type watcher struct {
	src     *Source
	name    string
	emit    func(cardreader.Event)
	readers map[string]*seen
	pnp     scard.StateFlag
}

// seen is a reader's state after the last look.
type seen struct {
	state scard.StateFlag
	ins   cardreader.Insertion // 0: no card
	count uint16
}

// session watches on one context until the service or ctx ends.
func (w *watcher) session(ctx context.Context, up func()) error {
	c, err := guarded(w.src.establish)
	if err != nil {
		return err
	}
	defer c.Release()
	defer context.AfterFunc(ctx, func() { c.Cancel() })()
	up()
	w.pnp = scard.StateUnaware
	for ctx.Err() == nil {
		names, err := list(c)
		if err != nil {
			return err
		}
		out := w.src.outNow()
		quiet, err := w.look(ctx, c, w.states(names))
		if err != nil {
			return err
		}
		if quiet {
			w.lookAgain(out)
		}
	}
	return nil
}

// list is ListReaders with no reader being no error.
func list(c pcscContext) ([]string, error) {
	names, err := guarded(c.ListReaders)
	if is(err, scard.ErrNoReadersAvailable) {
		return nil, nil
	}
	return names, err
}

// states reports readers that came and went and returns what to wait for.
func (w *watcher) states(names []string) []scard.ReaderState {
	for name := range w.readers {
		if !slices.Contains(names, name) {
			w.drop(name)
		}
	}
	states := []scard.ReaderState{{Reader: plugAndPlay, CurrentState: w.pnp}}
	for _, name := range names {
		r, ok := w.readers[name]
		if !ok {
			r = &seen{state: scard.StateUnaware}
			w.readers[name] = r
			w.emit(cardreader.Event{Kind: cardreader.ReaderArrived, Reader: name})
		}
		states = append(states, scard.ReaderState{Reader: name, CurrentState: r.state})
	}
	return states
}

// lookAgain reports cards as removed that were out for a moment which the service has not noticed: it said so when they
// were used, and saw no change for a whole look since. What lies in the reader then is a new insertion.
func (w *watcher) lookAgain(out map[string]cardreader.Insertion) {
	for name, ins := range out {
		if r, ok := w.readers[name]; ok && r.ins == ins {
			w.remove(name, r)
			r.state = scard.StateUnaware
		}
	}
}

// look waits for a change; quiet says that there was none for as long as a look lasts.
func (w *watcher) look(ctx context.Context, c pcscContext, states []scard.ReaderState) (quiet bool, err error) {
	wait := look
	if w.src.polls {
		wait = 0
	}
	asked := slices.Clone(states)
	for i := range asked {
		asked[i].Reader = ownName(states[i].Reader, w.name)
	}
	_, err = guarded(func() (struct{}, error) { return struct{}{}, c.GetStatusChange(asked, wait) })
	if w.src.polls && err != nil {
		pause(ctx, pollPause)
	}
	switch {
	case ctx.Err() != nil:
		return false, nil
	case is(err, scard.ErrTimeout):
		return true, nil
	case is(err, scard.ErrCancelled, scard.ErrUnknownReader, scard.ErrReaderUnavailable):
		return false, nil
	case err != nil:
		return false, err
	}
	w.pnp = asked[0].EventState
	for i, st := range asked[1:] {
		st.Reader = states[i+1].Reader
		w.update(st)
	}
	return false, nil
}

// update compares a reader's state with the last one. The high 16 bits count insertions and removals: a counter that
// moved while a card was and is there means that it was out in between.
func (w *watcher) update(st scard.ReaderState) {
	r := w.readers[st.Reader]
	if st.EventState&(scard.StateUnknown|scard.StateIgnore) != 0 {
		w.drop(st.Reader)
		return
	}
	r.state = st.EventState
	there := st.EventState&scard.StatePresent != 0
	count := uint16(st.EventState >> 16)
	if r.ins != 0 && (!there || count != r.count) {
		w.remove(st.Reader, r)
	}
	if there && r.ins == 0 {
		atr := bytes.Clone(st.Atr)
		if st.EventState&scard.StateMute != 0 {
			atr = nil
		}
		r.count = count
		r.ins = w.src.inserted(st.Reader, count, atr)
		w.emit(cardreader.Event{Kind: cardreader.CardInserted, Reader: st.Reader, Insertion: r.ins, ATR: bytes.Clone(atr)})
	}
}

func (w *watcher) remove(name string, r *seen) {
	w.src.removed(name)
	w.emit(cardreader.Event{Kind: cardreader.CardRemoved, Reader: name, Insertion: r.ins})
	r.ins = 0
}

func (w *watcher) drop(name string) {
	r := w.readers[name]
	if r.ins != 0 {
		w.remove(name, r)
	}
	delete(w.readers, name)
	w.emit(cardreader.Event{Kind: cardreader.ReaderGone, Reader: name})
}

func (w *watcher) dropAll() {
	names := make([]string, 0, len(w.readers))
	for name := range w.readers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w.drop(name)
	}
}
