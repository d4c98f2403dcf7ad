package line

import (
	"slices"
	"sync"
	"time"
)

// Heard is what went over a line in one piece.
type Heard struct {
	At    time.Time // when its last byte was there
	Sent  bool      // by us; otherwise it came
	Bytes []byte
}

// Tap lets somebody overhear the line: everything that is sent and everything that comes, also what nobody asked for. f
// must not block and must not keep the bytes; it is called by whoever holds the line. stop ends it and may be called
// twice.
func (l *Line) Tap(f func(Heard)) (stop func()) {
	t := &tap{f}
	l.taps.mu.Lock()
	defer l.taps.mu.Unlock()
	l.taps.all = append(slices.Clone(l.taps.all), t)
	return func() {
		l.taps.mu.Lock()
		defer l.taps.mu.Unlock()
		l.taps.all = slices.DeleteFunc(slices.Clone(l.taps.all), func(o *tap) bool { return o == t })
	}
}

type tap struct{ f func(Heard) }

// taps are all who overhear a line.
type taps struct {
	mu  sync.Mutex
	all []*tap
}

// heard tells all taps.
func (l *core) heard(sent bool, b []byte) {
	l.taps.mu.Lock()
	all := l.taps.all
	l.taps.mu.Unlock()
	if len(all) == 0 || len(b) == 0 {
		return
	}
	h := Heard{At: time.Now(), Sent: sent, Bytes: b}
	for _, t := range all {
		t.f(h)
	}
}
