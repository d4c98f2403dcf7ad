package counter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

const (
	freeFailures = 5                // wrong passwords in a row before a pause
	firstPause   = 30 * time.Second // doubles with each further one
	longestPause = 15 * time.Minute
	maxNames     = 1024 // names that failures are remembered of
	maxName      = 64   // bytes of a name
	hashesAtOnce = 2    // argon2id takes memory; a crowd at the door waits its turn
)

// doors lets operators in and remembers who is inside. Sessions and failures live in memory: a restart logs everybody
// out.
type doors struct {
	o     *Options
	dummy phc           // what an unknown name is checked against, so that time does not tell
	turn  chan struct{} // one token per hash under way
	equal func(stored phc, password string) bool

	mu       sync.Mutex
	sessions map[tokenHash]*Session
	failures map[string]*failure
}

type failure struct {
	count int
	until time.Time // no login before
}

func (d *doors) init(o *Options) error {
	d.o = o
	d.sessions, d.failures = map[tokenHash]*Session{}, map[string]*failure{}
	d.equal = phc.matches
	d.turn = make(chan struct{}, hashesAtOnce)
	d.dummy = phc{cost: o.Password, salt: make([]byte, saltLen), hash: make([]byte, hashLen)}
	for _, b := range [][]byte{d.dummy.salt, d.dummy.hash} { // no password is known to have this hash
		if _, err := rand.Read(b); err != nil {
			return fmt.Errorf("make a dummy hash: %w", err)
		}
	}
	if _, err := parsePHC(d.dummy.String()); err != nil {
		return fmt.Errorf("password cost %+v: %w", o.Password, err)
	}
	return nil
}

// Login checks name and password and opens a session. Unknown name, wrong password and a disabled operator are one and
// the same refusal after the same work. After five failures in a row a name is paused, known or not, for 30 s and then
// twice as long each time up to a quarter of an hour.
func (s *Service) Login(ctx context.Context, name, password string) (Session, error) {
	d := &s.doors
	name = name[:min(len(name), maxName)]
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return Session{}, refuse(CodeInternal, ctx.Err())
	}
	if wait := d.paused(name); wait > 0 {
		return Session{}, refuse(CodeLoginPaused, nil, "seconds", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	var op Operator
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		op, err = tx.Operator(name)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Session{}, storeRefusal(err)
	}
	known := err == nil && !op.Disabled
	if !d.matches(op.Password, password) || !known {
		d.failed(name)
		shown := "unknown" // what was typed may be a password in the wrong field
		if known {
			shown = op.Name
		}
		s.log.Warn("login refused", "operator", shown)
		return Session{}, refuse(CodeLogin, nil)
	}
	s.log.Info("logged in", "operator", op.Name, "role", string(op.Role))
	return d.enter(op)
}

// matches compares with a stored hash, or works as long on the dummy when there is none.
func (d *doors) matches(hash, password string) bool {
	stored, err := parsePHC(hash)
	if err != nil {
		d.equal(d.dummy, password)
		return false
	}
	return d.equal(stored, password)
}

// paused is how long a name must still wait.
func (d *doors) paused(name string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.failures[name]; f != nil {
		return f.until.Sub(d.o.Now())
	}
	return 0
}

func (d *doors) failed(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.failures[name]
	if f == nil {
		if len(d.failures) >= maxNames {
			d.forget()
		}
		f = &failure{}
		d.failures[name] = f
	}
	f.count++
	if over := f.count - freeFailures; over >= 0 {
		f.until = d.o.Now().Add(min(firstPause<<min(over, 10), longestPause))
	}
}

// forget makes room for another name: names that are not paused go first, then any. Somebody who tries thousands of names must not fill the memory.
func (d *doors) forget() {
	now := d.o.Now()
	for name, f := range d.failures {
		if !f.until.After(now) {
			delete(d.failures, name)
		}
	}
	for name := range d.failures {
		if len(d.failures) < maxNames {
			return
		}
		delete(d.failures, name)
	}
}
