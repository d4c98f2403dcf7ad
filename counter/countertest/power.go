package countertest

import (
	"errors"
	"sync"
)

// ErrDead is what every call gets once the power was cut.
var ErrDead = errors.New("power is cut")

// Power counts the steps that touch the world (transactions, opening, reading, each card write) and can be cut at any
// of them. The zero Power is on.
type Power struct {
	mu    sync.Mutex
	steps []string
	cut   int
	after bool
	dead  bool
}

// CutAt cuts the power at the n-th step from now, counted from 1: before it has any effect, or right after it. 0 never.
func (p *Power) CutAt(n int, after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps, p.cut, p.after, p.dead = nil, n, after, false
}

// Cut cuts the power now.
func (p *Power) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// Dead reports whether the power is cut.
func (p *Power) Dead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// Steps are the names of the steps since the last CutAt.
func (p *Power) Steps() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.steps...)
}

// Step runs f as one step. f must not call Step.
func (p *Power) Step(name string, f func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return ErrDead
	}
	p.steps = append(p.steps, name)
	hit := len(p.steps) == p.cut
	if hit && !p.after {
		p.dead = true
		return ErrDead
	}
	err := f()
	if hit {
		p.dead = true
		return ErrDead
	}
	return err
}
