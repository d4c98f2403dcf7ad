package storage

import "sync"

// prepared is the bytes of records that follow each other, from one state of their stream to the next.
type prepared struct {
	from, to streamState // Next and Head only
	raws     [][]byte
}

// prepare makes the records of list as they follow st. The chain of hashes is most of the work of storing a reading.
func prepare(by stamper, list []kept, st streamState) (prepared, error) {
	p := prepared{from: streamState{Next: st.Next, Head: st.Head}, raws: make([][]byte, len(list))}
	at := p.from
	for i, d := range list {
		raw, err := by.record(d.draft, at)
		if err != nil {
			return p, err
		}
		p.raws[i] = raw
		at.Next, at.Head = at.Next+1, hashOf(raw)
	}
	p.to = at
	return p, nil
}

// ahead is how the stream will stand when everything that was prepared is committed. It is a guess: a commit that fails,
// or callers whose turns come in another order, make it wrong, and whoever finds that out corrects it.
type ahead struct {
	mu sync.Mutex
	at streamState
}

func (a *ahead) prepare(by stamper, list []kept) (prepared, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, err := prepare(by, list, a.at)
	if err == nil {
		a.at = p.to
	}
	return p, err
}

func (a *ahead) correct(at streamState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at = at
}
