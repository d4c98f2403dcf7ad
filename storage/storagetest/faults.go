package storagetest

import (
	"strings"
	"sync"

	"tally/storage"
)

// Faults fails chosen operations on the disk and counts all of them. It may be used from several goroutines.
type Faults struct {
	mu     sync.Mutex
	counts map[storage.OpKind]int
	total  int
	rules  []*rule
	watch  func(storage.Op)
}

type rule struct {
	kind storage.OpKind // empty for any
	path string         // part of the path, empty for any
	skip int            // so many pass before
	left int            // so many fail, negative for all from then on
	err  error
	do   func() error // gives the error, nil for err
}

// NewFaults returns faults that let everything pass.
func NewFaults() *Faults { return &Faults{counts: make(map[storage.OpKind]int)} }

// Hooks goes into storage.Options.
func (f *Faults) Hooks() storage.Hooks {
	return storage.Hooks{Op: f.op, Opened: func(path string, db any) error { return instrument(path, db, f.op, true) }}
}

// Fail makes the operation after skip matching ones fail with err, and all that follow until Clear. kind and path (a
// part of it) may be empty for any.
func (f *Faults) Fail(kind storage.OpKind, path string, skip int, err error) {
	f.add(&rule{kind: kind, path: path, skip: skip, left: -1, err: err})
}

// FailOnce is Fail for one operation.
func (f *Faults) FailOnce(kind storage.OpKind, path string, skip int, err error) {
	f.add(&rule{kind: kind, path: path, skip: skip, left: 1, err: err})
}

// At calls do once, before the operation after skip matching ones; what it returns becomes the operation's error.
func (f *Faults) At(kind storage.OpKind, path string, skip int, do func() error) {
	f.add(&rule{kind: kind, path: path, skip: skip, left: 1, do: do})
}

// Watch calls see before each operation that is let pass.
func (f *Faults) Watch(see func(storage.Op)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = see
}

// Clear takes all faults away.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// Count tells how many operations of a kind were asked for; an empty kind counts all.
func (f *Faults) Count(kind storage.OpKind) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if kind == "" {
		return f.total
	}
	return f.counts[kind]
}

func (f *Faults) add(r *rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
}

func (f *Faults) op(o storage.Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[o.Kind]++
	f.total++
	for _, r := range f.rules {
		if err, hit := r.hit(o); hit {
			return err
		}
	}
	if f.watch != nil {
		f.watch(o)
	}
	return nil
}

func (r *rule) hit(o storage.Op) (error, bool) {
	if (r.kind != "" && r.kind != o.Kind) || !strings.Contains(o.Path, r.path) || r.left == 0 {
		return nil, false
	}
	if r.skip > 0 {
		r.skip--
		return nil, false
	}
	if r.left > 0 {
		r.left--
	}
	if r.do != nil {
		return r.do(), true
	}
	return r.err, true
}
