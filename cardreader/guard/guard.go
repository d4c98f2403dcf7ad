// Package guard remembers, across connections, that a secret code was presented in an insertion. It is shared by the
// chip drivers, so that one insertion has one presentation whatever driver the card was opened with.
package guard

import (
	"sync"

	"tally/cardreader"
)

// Guard belongs to one insertion; the zero value is ready. It outlives the connections to the card: closing and
// opening again powers the chip down and forgets the unlocking, but not that a try was spent.
type Guard struct {
	mu        sync.Mutex
	presented bool
	memory    *memory // shared by the Guards; nil in a Guard of one's own until it is needed
}

// Claim takes the insertion's only presentation; false when it is gone.
func (g *Guard) Claim() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.presented {
		return false
	}
	g.presented = true
	return true
}

// GiveBack undoes Claim when it is proven that nothing reached the card.
func (g *Guard) GiveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.presented = false
}

// Spent reports whether the insertion's presentation is gone.
func (g *Guard) Spent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.presented
}

// Distrust ends blind presentations for good.
func (g *Guard) Distrust() { g.shared().distrust() }

// Distrusted reports whether blind presentations have ended.
func (g *Guard) Distrusted() bool { return g.shared().distrusted() }

func (g *Guard) shared() *memory {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.memory == nil {
		g.memory = new(memory)
	}
	return g.memory
}

// Guards hands out the Guard of each insertion. The zero value is ready. One Guards belongs to one Source, whose
// insertion numbers it relies on.
type Guards struct {
	mu   sync.Mutex
	last map[string]guarded
	// memory is of whatever reader.
	memory memory
}

type guarded struct {
	ins   cardreader.Insertion
	guard *Guard
}

// For returns the insertion's Guard, always the same one. It keeps the newest insertion of each reader; an insertion
// that is over gets a Guard with nothing left to present.
func (gs *Guards) For(reader string, ins cardreader.Insertion) *Guard {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if gs.last == nil {
		gs.last = make(map[string]guarded)
	}
	g := gs.last[reader]
	switch {
	case g.ins == ins && g.guard != nil:
	case ins < g.ins:
		return &Guard{presented: true}
	default:
		g = guarded{ins: ins, guard: &Guard{memory: &gs.memory}}
		gs.last[reader] = g
	}
	return g.guard
}
