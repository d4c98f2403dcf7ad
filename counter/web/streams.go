package web

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	maxStreams           = 64
	maxStreamsPerSession = 4 // a browser has six connections to one host; two stay free for work
)

// streams knows the open live streams and how long their sessions last. A stream must not prolong its session, or an
// unattended page would stay logged in for ever; so the guard tells it here what real use has prolonged.
type streams struct {
	mu       sync.Mutex
	total    int
	sessions map[[32]byte]*streamed
	kicks    map[chan struct{}]struct{}
	closed   *once
}

// streamed is one session that has streams.
type streamed struct {
	n       int
	expires time.Time
	ended   *once
}

func newStreams() *streams {
	return &streams{
		sessions: map[[32]byte]*streamed{}, kicks: map[chan struct{}]struct{}{}, closed: newOnce(),
	}
}

// stream is one open window.
type stream struct {
	all  *streams
	key  [32]byte
	of   *streamed
	kick chan struct{}
}

// open counts a stream in; false when there are too many.
func (s *streams) open(token string, expires time.Time) (*stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sha256.Sum256([]byte(token))
	of := s.sessions[key]
	if of == nil {
		of = &streamed{ended: newOnce()}
	}
	if s.total >= maxStreams || of.n >= maxStreamsPerSession {
		return nil, false
	}
	of.n++
	of.expires = expires
	s.total++
	s.sessions[key] = of
	st := &stream{all: s, key: key, of: of, kick: make(chan struct{}, 1)}
	s.kicks[st.kick] = struct{}{}
	return st, true
}

// close counts a stream out.
func (st *stream) close() {
	s := st.all
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	delete(s.kicks, st.kick)
	if st.of.n--; st.of.n == 0 && s.sessions[st.key] == st.of {
		delete(s.sessions, st.key)
	}
}

// expired reports whether the session ended by the clock.
func (st *stream) expired(now time.Time) bool {
	st.all.mu.Lock()
	defer st.all.mu.Unlock()
	return !now.Before(st.of.expires)
}

// prolong notes a later end of a session.
func (s *streams) prolong(token string, expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.sessions[sha256.Sum256([]byte(token))]; of != nil {
		of.expires = expires
	}
}

// end ends the streams of a session at once.
func (s *streams) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.sessions[sha256.Sum256([]byte(token))]; of != nil {
		of.ended.close()
	}
}

// kick makes every stream look again. It never waits: a stream that has not looked yet has one kick coming anyway.
func (s *streams) kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.kicks {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (s *streams) closeAll() { s.closed.close() }
