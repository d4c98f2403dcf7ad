package guard

import "sync"

// enough is how many cards may refuse in a row before all presentations end that no counter can be seen for: then it is
// the key that is wrong, and not the cards.
const enough = 3

// memory is what is known, over all readers, of codes whose counters the cards do not show. It lasts as long as the
// process.
type memory struct {
	mu      sync.Mutex
	blind   bool                // a blind presentation went wrong
	misses  map[string]int      // by card: presentations since the last that was right
	refused map[string]struct{} // cards that said no since the last that said yes
}

func (m *memory) distrust() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blind = true
}

func (m *memory) distrusted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.blind
}

// Misses is how many presentations to this card were not seen to be right. Each may have cost a try.
func (g *Guard) Misses(card string) int {
	m := g.shared()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.misses[card]
}

// Miss notes a presentation that was not right, or whose end nobody knows. refused: the card said no; when several cards
// in a row have said that, the Guards distrust.
func (g *Guard) Miss(card string, refused bool) {
	m := g.shared()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.misses == nil {
		m.misses, m.refused = map[string]int{}, map[string]struct{}{}
	}
	m.misses[card]++
	if refused {
		m.refused[card] = struct{}{}
	}
	m.blind = m.blind || len(m.refused) >= enough
}

// Hit notes a presentation that was right: the card has all its tries again.
func (g *Guard) Hit(card string) {
	m := g.shared()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.misses, card)
	clear(m.refused)
}
