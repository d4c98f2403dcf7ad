package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
)

// segment is one file of readings.
type segment struct {
	path  string
	first uint64
	last  uint64    // first−1 while it is empty
	file  *boltFile // nil while it is not open

	// Of an older segment that is read again:
	inspected bool // its pages were walked since the start
	served    int  // records since it was mapped
}

func (g *segment) shut() error {
	if g.file == nil {
		return nil
	}
	err := g.file.close()
	g.file = nil
	return err
}

func segmentName(first uint64) string { return fmt.Sprintf("%020d.db", first) }

// firstOf reads the first number from a file name.
func firstOf(path string) (uint64, bool) {
	name, ok := strings.CutSuffix(filepath.Base(path), ".db")
	if !ok || len(name) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 64)
	return n, err == nil && n > 0
}

// errForeign: a segment is of another ledger.
var errForeign = errors.New("readings are of another ledger")

// examine finds out how far a segment goes. thorough verifies the chain, as after a run that did not end in order.
func (r *readings) examine(path string, thorough bool) (*segment, error) {
	first, _ := firstOf(path)
	if err := inspect(path, thorough); err != nil {
		return nil, err
	}
	f, err := openBolt(path, r.s.opts.Hooks, true)
	if err != nil {
		return nil, err
	}
	seg := &segment{path: path, first: first}
	err = f.view(func(tx *bbolt.Tx) error {
		st, err := checkSegment(tx, first, r.s.epoch)
		if err != nil {
			return err
		}
		seg.last = st.Next - 1
		if thorough {
			return walkSegment(tx, st)
		}
		return nil
	})
	return seg, errors.Join(err, f.close())
}

// checkSegment compares what a segment says about itself with what it has; any epoch will do when want is empty.
func checkSegment(tx *bbolt.Tx, first uint64, want string) (streamState, error) {
	name := segmentName(first)
	if err := checkLayout(name, layoutOf(tx), segmentMigrations); err != nil {
		return streamState{}, err
	}
	for _, b := range [][]byte{bMeta, bStreams, bRd, bLatest} {
		if tx.Bucket(b) == nil {
			return streamState{}, fmt.Errorf("%s has no %s: %w", name, b, ErrDamaged)
		}
	}
	if epoch := tx.Bucket(bMeta).Get(kEpoch); want != "" && string(epoch) != want {
		return streamState{}, fmt.Errorf("%s has epoch %.40q, ledger has %q: %w", name, epoch, want, errForeign)
	}
	st, err := loadState(tx, contract.Rd)
	if err != nil {
		return st, err
	}
	k, _ := tx.Bucket(bRd).Cursor().Last()
	if st.First != first || (k == nil && st.Next != first) || (k != nil && asU64(k)+1 != st.Next) {
		return st, fmt.Errorf("%s ends at %d, says %d: %w", name, asU64(k), st.Next-1, ErrDamaged)
	}
	return st, nil
}

// createSegment makes the segment that starts at first, complete with the newest values, under another name, and gives
// it its name when it is durable.
func (r *readings) createSegment(first uint64, prev string) (*segment, error) {
	path := r.segmentPath(first)
	fresh := path + ".new"
	if err := r.s.opts.Hooks.remove(fresh); err != nil {
		return nil, err
	}
	st := streamState{First: first, Next: first, Head: prev, Seen: first}
	err := makeBolt(fresh, r.s.opts.Hooks, func(tx *bbolt.Tx) error { return r.initSegment(tx, st) })
	if err == nil {
		err = r.s.opts.Hooks.rename(fresh, path)
	}
	if err != nil {
		return nil, errors.Join(err, r.s.opts.Hooks.remove(fresh))
	}
	f, err := openBolt(path, r.s.opts.Hooks, false)
	if err != nil {
		return nil, err
	}
	return &segment{path: path, first: first, last: first - 1, file: f}, nil
}

func (r *readings) initSegment(tx *bbolt.Tx, st streamState) error {
	if err := migrate("segment", tx, segmentMigrations); err != nil {
		return err
	}
	if err := tx.Bucket(bMeta).Put(kEpoch, []byte(r.s.epoch)); err != nil {
		return fmt.Errorf("note epoch: %w", err)
	}
	w := newWriteTx(tx)
	if err := r.snapshot(w); err != nil {
		return err
	}
	w.setStream(contract.Rd, st)
	// The state as it was at the start stays beside the running one: the chain is verified from it.
	if err := w.putJSON(bStreams, kStart, st); err != nil {
		return err
	}
	return w.flush()
}

// kStart is the key of the state at a segment's start.
var kStart = []byte("start")
