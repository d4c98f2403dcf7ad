package counter_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"tally/cardreader/cardsim"
	"tally/counter/countertest"
	"tally/storage/storagetest"
)

// cut is one way in which the power goes during an operation.
type cut struct {
	at   int                  // before this step of disk or card, counted from 1
	left storagetest.Survival // of what was written and not synced
	torn int                  // the step is this command and reaches the card by half; 0 for no step
	ops  string               // what the step would have been

	how    string // as in comebacks
	finish bool
	seed   uint64
}

func (c cut) String() string {
	s := fmt.Sprintf("cut before step %d (%s), %s of the unsynced left", c.at, c.ops, c.left)
	if c.torn > 0 {
		s += ", the card half written"
	}
	return fmt.Sprintf("%s, then %s, finish %v, seed %d", s, c.how, c.finish, c.seed)
}

// TestEveryPowerCutOfEveryOperation: the real store, on a disk that keeps what was synced and any part of what was not,
// in any order and the last write torn, and the card with exactly the commands that had reached it. The power goes before
// every write and sync and every command of every operation, and after its end.
func TestEveryPowerCutOfEveryOperation(t *testing.T) {
	seen, n := newVerdicts(), 0
	for _, p := range layouts {
		for _, d := range deeds {
			if n++; d.skips(p.name) || testing.Short() && n%7 != 0 { // what there is to cut is counted by doing it
				continue
			}
			t.Run(p.name+"/"+d.name, func(t *testing.T) { everyCut(t, p, d, seen) })
		}
	}
	t.Log(seen)
}

func everyCut(t *testing.T, p layout, d deed, seen *verdicts) {
	for _, c := range cutsOf(t, p, d) {
		for i := range 2 * len(comebacks) {
			if !seen.turn(sampled(2003, 4003)) {
				continue
			}
			c.how, c.finish, c.seed = comebacks[i/2], i%2 == 1, uint64(seen.turns)
			c.try(t, p, d, seen)
		}
	}
}

// cutsOf runs an operation once without any accident and lists where the power may go.
func cutsOf(t *testing.T, p layout, d deed) []cut {
	t.Helper()
	life := &life{T: t}
	defer life.end()
	s, disk := stageOnDisk(life, p, d)
	done := disk.rec.Len()
	s.o.power.CutAt(0, false)
	if err := s.act(); err != nil {
		t.Fatalf("without any cut: %v", err)
	}
	s.o.settled()
	var all []cut
	commands := 0
	for i, step := range append(s.o.power.Steps(), "end") {
		lefts := []storagetest.Survival{storagetest.Nothing}
		if disk.rec.Unsynced(done) > 0 {
			lefts = append(lefts, storagetest.Everything, storagetest.Some, storagetest.Some)
		}
		for _, left := range lefts {
			all = append(all, cut{at: i + 1, left: left, ops: step})
		}
		if step != "apdu" {
			done++
			continue
		}
		commands++
		all = append(all, cut{at: i + 1, left: storagetest.Nothing, torn: commands, ops: step})
	}
	s.asked(true)
	s.law()
	return all
}

// try lets the power go once, starts the counter on what is left and lets the card come back.
func (c cut) try(t *testing.T, p layout, d deed, seen *verdicts) {
	t.Helper()
	life := &life{T: t}
	defer life.end()
	s, disk := stageOnDisk(life, p, d)
	rnd := rand.New(rand.NewPCG(c.seed, 0))
	if c.torn > 0 {
		s.on.tap.arm(c.torn, cardsim.Fault{Kind: cardsim.PulledMidway})
	}
	s.o.power.CutAt(c.at, c.torn > 0)
	err := s.act()
	s.o.settled()
	s.o.take()
	s.o.stop()
	disk.crash(c.left, rnd)
	s.o.restart()
	s.o.stored() // an intent of the dead process is in doubt, with or without its card
	s.finishPoint(err, c.how, c.finish, seen)
	if t.Failed() {
		t.Fatalf("%s: the clerk heard %v\n%s", c, err, s.story(s.c))
	}
}

// stageOnDisk sets the scene of a deed with the ledger of its counter on a real store.
func stageOnDisk(l *life, p layout, d deed) (*scene, *disk) {
	l.Helper()
	var on *disk
	l.Cleanup(func() { on.close() }) // after the hall has stopped
	h := newHallOn(l, p.name, p.unit, 2, func(no int, power *countertest.Power) ledger {
		if no > 1 {
			return countertest.NewStore(power)
		}
		on = newDisk(l, l.folder(), power)
		return on
	})
	return stageIn(h, d), on
}

// life is a test within a test: what is made for one point is taken away with it, and not with the last of ten thousand.
type life struct {
	*testing.T
	cleanups []func()
}

// Cleanup registers what is done when the life ends, the last first.
func (l *life) Cleanup(f func()) { l.cleanups = append(l.cleanups, f) }

// folder is an empty folder, in memory where the system has such: this disk is cut before it is one.
func (l *life) folder() string {
	l.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tally-cut-")
	if err != nil {
		return l.TempDir()
	}
	l.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (l *life) end() {
	for len(l.cleanups) > 0 {
		last := len(l.cleanups) - 1
		f := l.cleanups[last]
		l.cleanups = l.cleanups[:last]
		f()
	}
}
