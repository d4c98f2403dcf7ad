package storage

import "sync"

// ahead is how the stream will stand when everything that was chained is committed. It is a guess: a commit that fails,
// or callers whose turns come in another order, make it wrong, and whoever finds that out corrects it.
type ahead struct {
	mu sync.Mutex
	at streamState
}

// chain makes the records of b as they will most likely follow.
func (a *ahead) chain(by stamper, b *bundle) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.follow(by, b, a.at)
}

// again makes them as they do follow, for who leads. Nobody chains to the wrong end meanwhile.
func (a *ahead) again(by stamper, b *bundle, st streamState) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.follow(by, b, st)
}

func (a *ahead) follow(by stamper, b *bundle, st streamState) error {
	if err := b.chain(by, st); err != nil {
		return err
	}
	a.at = b.to
	return nil
}

// begin says where the stream stands before anything is chained.
func (a *ahead) begin(st streamState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = streamState{Next: st.Next, Head: st.Head}
}
