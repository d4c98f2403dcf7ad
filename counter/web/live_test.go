package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/counter"
)

// listener is a browser that holds a live stream open, without a network, so that it works under a turned clock.
type listener struct {
	mu     sync.Mutex
	head   http.Header
	status int
	body   strings.Builder
	block  chan struct{} // Write waits for it when not nil
	done   chan struct{} // closed when the stream has ended
	cancel func()
}

func (l *listener) Header() http.Header { return l.head }

func (l *listener) WriteHeader(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *listener) Flush() {}

func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	block := l.block
	l.body.Write(b)
	l.mu.Unlock()
	if block != nil {
		<-block
	}
	return len(b), nil
}

// news returns what came since the last call.
func (l *listener) news() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.body.String()
	l.body.Reset()
	return s
}

// listen opens a stream. It must be called in a synctest bubble.
func (s *site) listen(c *http.Cookie, with ...func(*http.Request)) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost/events", nil)
	r.AddCookie(c)
	r.Header.Set("Accept", "text/event-stream")
	for _, w := range with {
		w(r)
	}
	l := &listener{head: http.Header{}, done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(l.done)
		s.h.ServeHTTP(l, r)
	}()
	synctest.Wait()
	return l
}

func (l *listener) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// pass lets time go by, for the fake and for the heartbeat alike.
func (s *site) pass(d time.Duration) {
	s.f.mu.Lock()
	s.f.now = s.f.now.Add(d)
	s.f.mu.Unlock()
	<-time.After(d)
	synctest.Wait()
}

func TestStreamSendsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		l := s.listen(s.login(), header("Accept-Language", "en"))
		defer func() { l.cancel(); <-l.done }()
		first := l.news()
		for _, name := range sections {
			if !strings.Contains(first, "event: "+name+"\n") {
				t.Errorf("the first picture lacks %s", name)
			}
		}
		if !strings.Contains(first, "等待插卡") {
			t.Error("the stream does not speak the language of the page")
		}
		s.f.change(func() { s.f.desks = []counter.Desk{inserted(1, true)} })
		synctest.Wait()
		got := l.news()
		if !strings.Contains(got, "event: desks") || !strings.Contains(got, "王**") || strings.Contains(got, "event: meters") {
			t.Errorf("after an insertion: %s", got)
		}
		s.f.change(func() { s.f.desks = []counter.Desk{{Reader: reader, Phase: counter.Empty}} })
		synctest.Wait()
		if got := l.news(); !strings.Contains(got, "event: desks") || strings.Contains(got, "王") {
			t.Errorf("after the removal: %s", got)
		}
		s.f.change(func() {})
		synctest.Wait()
		if got := l.news(); got != "" {
			t.Errorf("nothing changed, but it sent %s", got)
		}
	})
}

// Ages go on without anything happening, and tell the time since the measurement.
func TestStreamHeartbeatAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		l := s.listen(s.login())
		defer func() { l.cancel(); <-l.done }()
		if first := l.news(); !strings.Contains(first, "8 秒前") {
			t.Errorf("first picture: %s", first)
		}
		s.pass(heartbeat)
		got := l.news()
		if !strings.Contains(got, "13 秒前") || !strings.Contains(got, "14:05:25") || !strings.Contains(got, ": heartbeat") || strings.Contains(got, "event: desks") {
			t.Errorf("after a heartbeat: %s", got)
		}
	})
}

// An open page does not keep its session alive, and stops showing when that ends.
func TestStreamEndsWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		c := s.login()
		l := s.listen(c)
		s.pass(50 * time.Minute)
		s.ask("GET", "/api/v1/session", "", cookie(c)) // somebody works: one more hour
		s.pass(50 * time.Minute)
		if l.ended() {
			t.Fatal("the stream ended although the session lives")
		}
		s.pass(11 * time.Minute)
		if !l.ended() || !strings.HasSuffix(l.news(), "event: bye\ndata: -\n\n") {
			t.Error("the stream outlived its session")
		}
		if s.f.subscribers() != 0 {
			t.Error("the stream left its subscription behind")
		}
	})
}

func TestStreamEndsWithTheLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		c, other := s.login(), s.login()
		l, bystander := s.listen(c), s.listen(other)
		s.ask("POST", "/logout", "", cookie(c), form)
		synctest.Wait()
		if !l.ended() || !strings.Contains(l.news(), "event: bye") || bystander.ended() {
			t.Error("logout did not end this session's stream, and only this")
		}
		s.h.EndStreams()
		s.h.EndStreams()
		<-bystander.done
	})
}

// A session that the service no longer knows takes its streams along as soon as anybody uses it.
func TestStreamEndsWhenTheServiceForgetsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		c := s.login()
		l := s.listen(c)
		s.f.Logout(c.Value)
		s.ask("GET", "/api/v1/desks", "", cookie(c))
		<-l.done
	})
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		c := s.login()
		var all []*listener
		for range maxStreamsPerSession {
			all = append(all, s.listen(c))
		}
		one := s.listen(c)
		if !one.ended() || one.status != http.StatusServiceUnavailable || !strings.Contains(one.news(), codeTooManyStreams) {
			t.Errorf("one too many: status %d", one.status)
		}
		for len(all) < maxStreams {
			mine := s.login()
			for range maxStreamsPerSession {
				all = append(all, s.listen(mine))
			}
		}
		if full := s.listen(s.login()); full.status != http.StatusServiceUnavailable {
			t.Errorf("over the whole limit: status %d", full.status)
		}
		all[0].cancel()
		<-all[0].done
		if again := s.listen(c); again.ended() {
			t.Error("a place that became free is not given away")
		} else {
			all = append(all, again)
		}
		for _, l := range all {
			l.cancel()
			<-l.done
		}
		if n := len(s.h.streams.sessions) + len(s.h.streams.kicks) + s.h.streams.total; n != 0 {
			t.Errorf("%d traces left", n)
		}
	})
}

// A client that takes nothing holds up neither the counter nor anybody else.
func TestSlowClientBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		slow, quick := s.listen(s.login()), s.listen(s.login())
		release := make(chan struct{})
		slow.mu.Lock()
		slow.block = release
		slow.mu.Unlock()
		quick.news()
		for i := range 100 {
			s.f.change(func() { s.f.uplink.Waiting = uint64(i) })
			synctest.Wait()
			if !strings.Contains(quick.news(), "event: uplink") {
				t.Fatalf("change %d did not reach the quick one", i)
			}
			s.h.streams.kick()
		}
		close(release)
		for _, l := range []*listener{slow, quick} {
			l.cancel()
			<-l.done
		}
	})
}

// A bench action shows at once, without waiting for the heartbeat.
func TestBenchActionIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		c := s.login()
		l := s.listen(c)
		l.news()
		s.ask("POST", "/api/v1/bench", `{"do":"use","meter":"m1","use":"1"}`, cookie(c))
		synctest.Wait()
		if got := l.news(); !strings.Contains(got, "event: bench") || !strings.Contains(got, "101.5") {
			t.Errorf("after using gas: %s", got)
		}
		l.cancel()
		<-l.done
	})
}

// Line ends in what others wrote cannot end an event and begin one of their own.
func TestEventsCannotBeForged(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n", "\n\n"} {
		l := &listener{head: http.Header{}}
		out := &sender{w: l, ctl: http.NewResponseController(l), sent: map[string][]byte{}}
		out.section("desks", []byte("a"+end+"event: bye"+end+"data: b"))
		for line := range strings.SplitSeq(strings.TrimSuffix(l.news(), "\n\n"), "\n") {
			if line != "event: desks" && !strings.HasPrefix(line, "data: ") {
				t.Errorf("%q gives the line %q", end, line)
			}
		}
	}
}
