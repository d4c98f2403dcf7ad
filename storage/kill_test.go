package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tally/counter"
	"tally/meter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/inbox/inboxtest"
)

// scenarios are what copies of the test program may be started for.
var scenarios = map[string]func([]string) error{"hold": hold, "load": load}

// load sells and keeps readings from several goroutines, printing what the store said is stored; at the given step of
// the disk it kills itself.
func load(args []string) error {
	dir, run := args[0], args[1]
	step, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	faults := storagetest.NewFaults()
	faults.At("", "", step, func() error {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		fmt.Fprintln(os.Stderr, "kill:", err)
		select {}
	})
	opts := small()
	opts.Ballast, opts.Hooks = -1, faults.Hooks()
	s, err := storage.Open(dir, opts)
	if err != nil {
		return err
	}
	out := printer{w: bufio.NewWriter(os.Stdout)}
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() { sellOn(s, &out, fmt.Sprintf("%s-%d", run, w)) })
		wg.Go(func() { keepOn(s, &out, fmt.Sprintf("%s-%d", run, w)) })
	}
	wg.Go(func() { ackOn(s) })
	wg.Go(func() { obeyOn(s, &out, run) })
	wg.Go(func() { copyOn(s, &out, dir+"-backup-"+run) })
	wg.Wait()
	return errors.New("the load ended by itself")
}

type printer struct {
	mu sync.Mutex
	w  *bufio.Writer
}

func (p *printer) say(what, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.w, what, id)
	p.w.Flush()
}

func sellOn(s *storage.Store, out *printer, name string) {
	for i := 0; ; i++ {
		id := fmt.Sprintf("%s-%06d", name, i)
		err := s.Update(context.Background(), func(tx counter.Tx) error {
			_, err := tx.NextReceipt("hall")
			o := counter.Order{ID: id, Request: id, State: counter.Done, Card: card(id)}
			d := draft(contract.Tx, i)
			d.ID = id
			return errors.Join(err, tx.PutOrder(o), tx.Emit(d))
		})
		if err != nil {
			return
		}
		out.say("sale", id)
	}
}

func keepOn(s *storage.Store, out *printer, name string) {
	for i := 0; ; i++ {
		id := fmt.Sprintf("%s-%06d", name, i)
		if err := s.Keep(context.Background(), meter.Reading{Meter: meter.ID(name), At: noon, Line: id}); err != nil {
			return
		}
		out.say("reading", id)
	}
}

// obeyOn begins and finishes commands; their counters go on over the runs.
func obeyOn(s *storage.Store, out *printer, run string) {
	first, err := strconv.ParseUint(run, 10, 32)
	for n := first*100_000 + 1; err == nil; n++ {
		c := inboxtest.Command(n)
		if standing, err := s.Commands().Begin(context.Background(), c); err != nil || standing != inbox.Fresh {
			return
		}
		out.say("begun", c.ID)
		r := contract.CommandResult{Command: c.ID, Counter: n, Type: c.Type, Outcome: contract.Done}
		if err := s.Commands().Finish(context.Background(), r); err != nil {
			return
		}
		out.say("obeyed", c.ID)
	}
}

// copyOn makes a backup while everything else goes on.
func copyOn(s *storage.Store, out *printer, to string) {
	if _, err := s.Backup(context.Background(), to); err == nil {
		out.say("backup", to)
	}
}

// ackOn plays a centre that is always a little behind. Readings are not acknowledged, so that all can be counted.
func ackOn(s *storage.Store) {
	for {
		q := s.Queue(contract.Tx)
		st := q.State()
		<-q.Grown(st.Acked + 20)
		if err := q.Ack(context.Background(), contract.Ack{Epoch: s.Epoch(), Ack: st.Acked + 10}); err != nil {
			return
		}
	}
}

// TestKillLosesNothingAndDoublesNothing is promise 12 for the process: killed at a chosen write, sync, rename or delete,
// again and again on the same folder. Whatever the store said was stored is there, once, and no number is missing.
func TestKillLosesNothingAndDoublesNothing(t *testing.T) {
	cycles := 40
	if testing.Short() {
		cycles = 8
	}
	if n, err := strconv.Atoi(os.Getenv("TALLY_KILLS")); err == nil {
		cycles = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	told := make(map[string]bool)
	for run := range cycles {
		p := storagetest.Start(t, "load", dir, strconv.Itoa(run), strconv.Itoa(rnd.IntN(1+rnd.IntN(400))))
		for _, line := range p.Wait() {
			told[line] = true
		}
		if t.Failed() {
			return
		}
	}
	backups := checkCopies(t, told)
	s := storagetest.Open(t, dir, small())
	found := everything(t, s)
	checkCommands(t, s, told, found)
	for line := range told {
		if found[line] != 1 {
			t.Errorf("%q was told to be stored and is there %d times", line, found[line])
		}
	}
	for line, n := range found {
		if n != 1 {
			t.Errorf("%q is there %d times", line, n)
		}
	}
	if len(told) < cycles {
		t.Errorf("only %d things were stored in %d cycles", len(told), cycles)
	}
	t.Logf("%d cycles, %d told to be stored, %d stored; %d backups were complete", cycles, len(told), len(found), backups)
}

// checkCopies takes the backups out of what was told: each one is whole.
func checkCopies(t *testing.T, told map[string]bool) (n int) {
	t.Helper()
	for line := range told {
		path, ok := strings.CutPrefix(line, "backup ")
		if !ok {
			continue
		}
		delete(told, line)
		n++
		if rep, err := storage.CheckFolder(t.Context(), path); err != nil || !rep.OK() {
			t.Errorf("%s: %s, %v", path, found(rep), err)
		}
	}
	return n
}

// checkCommands: what was begun is never fresh again, what was finished has one result, and the rest is open.
func checkCommands(t *testing.T, s *storage.Store, told map[string]bool, found map[string]int) {
	t.Helper()
	open, err := s.Commands().Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unfinished := map[string]bool{}
	for _, c := range open {
		unfinished[c.ID] = true
	}
	for line := range told {
		id, ok := strings.CutPrefix(line, "begun ")
		if !ok {
			continue
		}
		delete(told, line)
		n, err := strconv.ParseUint(strings.TrimPrefix(id, "c-"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if standing, err := s.Commands().Begin(t.Context(), inboxtest.Command(n)); err != nil || standing != inbox.Seen {
			t.Errorf("command %s could be begun again: %v", id, err)
		}
		if (found["obeyed "+id] == 1) == unfinished[id] {
			t.Errorf("command %s has %d results and is open: %v", id, found["obeyed "+id], unfinished[id])
		}
	}
}

// everything counts what is in the store.
func everything(t *testing.T, s *storage.Store) map[string]int {
	t.Helper()
	found := make(map[string]int)
	for _, r := range read(t, s, contract.Tx, 1) {
		var rec contract.Record
		decode(t, r.Raw, &rec)
		found["sale "+rec.ID]++
		view(t, s, func(tx counter.Tx) error {
			if _, err := tx.Order(rec.ID); err != nil {
				t.Errorf("record without its order: %v", err)
			}
			return nil
		})
	}
	for _, r := range results(t, s) {
		found["obeyed "+r.Command]++
	}
	next := state(s, contract.Rd).First
	if next != 1 {
		t.Fatalf("readings begin at %d", next)
	}
	for {
		recs := read(t, s, contract.Rd, next)
		if len(recs) == 0 {
			break
		}
		for _, r := range recs {
			var rec contract.Record
			var body contract.Reading
			decode(t, r.Raw, &rec)
			decode(t, rec.Body, &body)
			if r.Seq != next {
				t.Fatalf("reading %d where %d was expected", r.Seq, next)
			}
			found["reading "+strings.TrimSpace(body.Line)]++
			next++
		}
	}
	return found
}
