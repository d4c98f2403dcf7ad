//go:build !nopcsc && (windows || (cgo && (linux || darwin)))

package pcsc

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebfe/scard"

	"tally/cardreader"
)

// service plays the PC/SC service for what a real one cannot be made to do on purpose. Every wait returns the next
// step; after the last one it waits for good, as a service does where nothing happens.
type service struct {
	mu       sync.Mutex
	steps    []step
	contexts int
	proto    scard.Protocol
	transmit func([]byte) ([]byte, error)
	connect  func() error
	now      scard.StateFlag // of stateNow
}

// step is what the service says to one list and wait.
type step struct {
	readers []string
	listErr error
	states  map[string]scard.StateFlag
	atr     []byte
	waitErr error
	panics  bool
}

func (s *service) source() *Source {
	src := New(Options{Retry: time.Second, Watchdog: 5 * time.Second})
	src.establish = func() (pcscContext, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.contexts++
		return &fakeContext{service: s, cancelled: make(chan struct{})}, nil
	}
	return src
}

func (s *service) next(pop bool) (step, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) == 0 {
		return step{}, false
	}
	st := s.steps[0]
	if pop {
		s.steps = s.steps[1:]
	}
	return st, true
}

type fakeContext struct {
	*service
	once      sync.Once
	cancelled chan struct{}
	readers   []string
}

func (c *fakeContext) Release() error { return nil }

func (c *fakeContext) Cancel() error {
	c.once.Do(func() { close(c.cancelled) })
	return nil
}

func (c *fakeContext) ListReaders() ([]string, error) {
	st, ok := c.next(false)
	if !ok {
		return c.readers, nil
	}
	if st.listErr != nil {
		c.next(true)
		return nil, st.listErr
	}
	c.readers = st.readers
	return st.readers, nil
}

func (c *fakeContext) GetStatusChange(states []scard.ReaderState, timeout time.Duration) error {
	for i := range states { // as the service does, it reads a name up to the zero
		states[i].Reader, _, _ = strings.Cut(states[i].Reader, "\x00")
	}
	if len(states) == 1 && states[0].Reader != plugAndPlay { // stateNow
		states[0].EventState = c.now
		return nil
	}
	st, ok := c.next(true)
	switch {
	case !ok && timeout == 0:
		return scard.ErrTimeout
	case !ok:
		<-c.cancelled
		return scard.ErrCancelled
	case st.panics:
		panic("broken binding")
	case st.waitErr != nil:
		return st.waitErr
	}
	for i := range states {
		states[i].EventState = states[i].CurrentState
		if f, ok := st.states[states[i].Reader]; ok {
			states[i].EventState, states[i].Atr = f, st.atr
		}
	}
	return nil
}

func (c *fakeContext) Connect(string, scard.ShareMode, scard.Protocol) (pcscCard, error) {
	if c.connect != nil {
		if err := c.connect(); err != nil {
			return nil, err
		}
	}
	return &fakeCard{c.service}, nil
}

type fakeCard struct{ *service }

func (c *fakeCard) ActiveProtocol() scard.Protocol           { return c.proto }
func (c *fakeCard) Transmit(cmd []byte) ([]byte, error)      { return c.transmit(cmd) }
func (c *fakeCard) BeginTransaction() error                  { return nil }
func (c *fakeCard) EndTransaction(d scard.Disposition) error { return nil }
func (c *fakeCard) Disconnect(d scard.Disposition) error     { return nil }

// events runs the source until it has said n things.
func events(t *testing.T, src *Source, n int) []cardreader.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []cardreader.Event
	err := src.Run(ctx, func(e cardreader.Event) {
		if got = append(got, e); len(got) == n {
			cancel()
		}
	})
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	return got
}

func kinds(es []cardreader.Event) (ks []cardreader.Kind) {
	for _, e := range es {
		ks = append(ks, e.Kind)
	}
	return ks
}

const (
	arrived, gone, inserted, removed = cardreader.ReaderArrived, cardreader.ReaderGone, cardreader.CardInserted, cardreader.CardRemoved
	there                            = scard.StatePresent | scard.StateChanged
)

func count(n int) scard.StateFlag { return scard.StateFlag(n) << 16 }

func TestWatch(t *testing.T) {
	a := func(f scard.StateFlag) step {
		return step{readers: []string{"A"}, states: map[string]scard.StateFlag{"A": f}, atr: []byte{0x3B}}
	}
	for _, v := range []struct {
		name  string
		steps []step
		want  []cardreader.Kind
	}{
		{"a quick swap is seen by the counter alone", []step{a(there | count(1)), a(there | count(3))},
			[]cardreader.Kind{arrived, inserted, removed, inserted}},
		{"another program using the card is no event", []step{a(there | count(1)), a(there | count(1) | scard.StateInuse), a(scard.StateEmpty | count(2))},
			[]cardreader.Kind{arrived, inserted, removed}},
		{"a reader that vanishes with a card", []step{a(there), {readers: nil}},
			[]cardreader.Kind{arrived, inserted, removed, gone}},
		{"a reader the service does not know any more", []step{a(there), a(scard.StateUnknown)},
			[]cardreader.Kind{arrived, inserted, removed, gone}},
		{"no reader is no error", []step{{listErr: scard.ErrNoReadersAvailable}, {waitErr: scard.ErrTimeout}, a(scard.StateEmpty)},
			[]cardreader.Kind{arrived}},
		{"a reader that goes between list and wait", []step{{readers: []string{"A"}, waitErr: scard.ErrUnknownReader}, {readers: nil}},
			[]cardreader.Kind{arrived, gone}},
		{"the service stops and comes back", []step{a(there), {readers: []string{"A"}, waitErr: scard.ErrServiceStopped}, a(there)},
			[]cardreader.Kind{arrived, inserted, removed, gone, arrived, inserted}},
		{"the binding panics", []step{a(there), {readers: []string{"A"}, panics: true}, a(there)},
			[]cardreader.Kind{arrived, inserted, removed, gone, arrived, inserted}},
	} {
		t.Run(v.name, func(t *testing.T) { watch(t, v.steps, v.want, false) })
		t.Run(v.name+", polling", func(t *testing.T) { watch(t, v.steps, v.want, true) })
	}
}

func watch(t *testing.T, steps []step, want []cardreader.Kind, polls bool) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{steps: steps}
		src := s.source()
		src.polls = polls
		es := events(t, src, len(want))
		for i, k := range kinds(es) {
			if k != want[i] {
				t.Fatalf("events %v, want %v", kinds(es), want)
			}
		}
		seen := map[cardreader.Insertion]int{}
		for _, e := range es {
			if e.Kind == inserted {
				seen[e.Insertion]++
			}
		}
		if seen[0] != 0 || seen[1] > 1 || seen[2] > 1 {
			t.Errorf("insertions %v", seen)
		}
	})
}

// withCard runs f with a card of insertion 1 in reader A.
func withCard(t *testing.T, s *service, f func(t *testing.T, src *Source)) {
	t.Helper()
	if s.proto == 0 {
		s.proto = scard.ProtocolT0
	}
	s.now = there
	synctest.Test(t, func(t *testing.T) {
		s.steps = []step{{readers: []string{"A"}, states: map[string]scard.StateFlag{"A": there}, atr: []byte{0x3B}}}
		src := s.source()
		events(t, src, 2)
		f(t, src)
	})
}

func want(t *testing.T, err error, class cardreader.Class, code string) {
	t.Helper()
	var e *cardreader.Error
	if !errors.As(err, &e) || e.Class != class || e.Code != code {
		t.Fatalf("error %v, want class %v code %s", err, class, code)
	}
}

func TestOtherCardThanTheWatcherSawIsNotOpened(t *testing.T) {
	withCard(t, &service{}, func(t *testing.T, src *Source) {
		s := src.establish
		src.establish = func() (pcscContext, error) {
			c, err := s()
			c.(*fakeContext).now = there | count(2)
			return c, err
		}
		_, err := src.Open(t.Context(), "A", 1)
		want(t, err, cardreader.Operator, cardreader.CodeCardRemoved)
	})
}

func TestProtocolThatTheBindingCannotDo(t *testing.T) {
	withCard(t, &service{proto: 4}, func(t *testing.T, src *Source) {
		_, err := src.Open(t.Context(), "A", 1)
		want(t, err, cardreader.Permanent, cardreader.CodeNotSupported)
	})
}

func TestPanicInTransmitIsUnknown(t *testing.T) {
	s := &service{transmit: func([]byte) ([]byte, error) { panic("broken binding") }}
	withCard(t, s, func(t *testing.T, src *Source) {
		c, err := src.Open(t.Context(), "A", 1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Transmit(t.Context(), make([]byte, 5))
		want(t, err, cardreader.Unknown, cardreader.CodeDriverFault)
		_, err = c.Transmit(t.Context(), make([]byte, 5))
		want(t, err, cardreader.Retry, cardreader.CodeDead)
	})
}

func TestHangingThreadIsLeftBehindAndComesBack(t *testing.T) {
	release := make(chan struct{})
	s := &service{transmit: func([]byte) ([]byte, error) { <-release; return []byte{0x90, 0}, nil }}
	withCard(t, s, func(t *testing.T, src *Source) {
		release = make(chan struct{}) // of this bubble
		c, err := src.Open(t.Context(), "A", 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Transmit(t.Context(), make([]byte, 5))
		want(t, err, cardreader.Unknown, cardreader.CodeTimeout)
		c.Close()
		_, err = src.Open(t.Context(), "A", 1)
		want(t, err, cardreader.Operator, cardreader.CodeTimeout)
		close(release)
		synctest.Wait()
		c, err = src.Open(t.Context(), "A", 1)
		if err != nil {
			t.Fatalf("after the thread came back: %v", err)
		}
		c.Close()
	})
}

func TestHangingConnectSendsNothing(t *testing.T) {
	release := make(chan struct{})
	s := &service{connect: func() error { <-release; return nil }}
	withCard(t, s, func(t *testing.T, src *Source) {
		release = make(chan struct{})
		_, err := src.Open(t.Context(), "A", 1)
		want(t, err, cardreader.Operator, cardreader.CodeTimeout)
		if errors.Is(err, cardreader.ErrOutcomeUnknown) {
			t.Error("connecting has an unknown outcome")
		}
		close(release)
		synctest.Wait()
	})
}

// TestEveryCodeWhileSendingIsUnknown is promise 2 at the border to the service: whatever it says.
func TestEveryCodeWhileSendingIsUnknown(t *testing.T) {
	all := make([]uint32, 0, len(codes)+1)
	for c := range codes {
		all = append(all, c)
	}
	for _, c := range append(all, 0x80100001, 0x31, 0xFFFFFFFF) {
		s := &service{transmit: func([]byte) ([]byte, error) { return nil, scard.Error(c) }}
		withCard(t, s, func(t *testing.T, src *Source) {
			card, err := src.Open(t.Context(), "A", 1)
			if err != nil {
				t.Fatal(err)
			}
			defer card.Close()
			_, err = card.Transmit(t.Context(), make([]byte, 5))
			want(t, err, cardreader.Unknown, lookup(c).code)
		})
	}
}

func TestBusyCardIsTriedLater(t *testing.T) {
	s := &service{connect: func() error { return scard.ErrSharingViolation }}
	withCard(t, s, func(t *testing.T, src *Source) {
		_, err := src.Open(t.Context(), "A", 1)
		want(t, err, cardreader.Retry, cardreader.CodeCardBusy)
		s.connect = nil
		c, err := src.Open(t.Context(), "A", 1)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}
