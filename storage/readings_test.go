package storage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// small rolls after a few dozen readings.
func small() storage.Options { return storage.Options{SegmentBytes: 48 << 10} }

func segments(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "readings", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func fill(t *testing.T, s *storage.Store, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		keep(t, s, reading(fmt.Sprintf("m%d", i%5), int64(i)))
	}
}

// TestAReadingKeepsItsOwnTime is promise 4: what is published carries the time at which the meter answered.
func TestAReadingKeepsItsOwnTime(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{Now: func() time.Time { return noon.Add(time.Hour) }})
	r := reading("m1", 55667700)
	r.At = noon.Add(1500 * time.Microsecond)
	r.Quality = meter.Quality{meter.Jump}
	keep(t, s, r)
	f := meter.Failure{Meter: "m2", At: noon.Add(time.Second), Line: "l1", Code: "silent", Text: "meter did not answer"}
	if err := s.Fail(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	recs := read(t, s, contract.Rd, 1)
	if len(recs) != 2 {
		t.Fatalf("%d records", len(recs))
	}
	var rec contract.Record
	var body contract.Reading
	decode(t, recs[0].Raw, &rec)
	decode(t, rec.Body, &body)
	want := contract.Reading{Meter: "m1", At: contract.At(noon.Add(time.Millisecond)), Line: "l1", Quality: []string{"jump"}, Raw: "010203",
		Values: []contract.Value{{Name: "volume", Value: "556677.00", Unit: "m3"}}}
	if diff := cmp.Diff(want, body); diff != "" || !rec.At.Equal(want.At.Time) || rec.Type != contract.TypeReading {
		t.Errorf("%s record %+v", diff, rec)
	}
	var failed contract.ReadingFailed
	decode(t, recs[1].Raw, &rec)
	decode(t, rec.Body, &failed)
	if rec.Type != contract.TypeReadingFailed || failed.Code != "silent" || !failed.At.Equal(f.At) || !rec.At.Equal(f.At) {
		t.Errorf("%+v %+v", rec, failed)
	}
}

func decode(t *testing.T, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

func TestNumbersGoOnOverSegmentsAndStarts(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	fill(t, s, 1, 150)
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, small())
	fill(t, s, 151, 300)
	if n := len(segments(t, dir, "*.db")); n < 3 {
		t.Fatalf("only %d segments", n)
	}
	next := uint64(1)
	for next < 301 {
		recs := read(t, s, contract.Rd, next)
		if len(recs) == 0 {
			t.Fatalf("nothing from %d on", next)
		}
		for _, r := range recs {
			if r.Seq != next {
				t.Fatalf("record %d where %d was expected", r.Seq, next)
			}
			next++
		}
	}
	if got := state(s, contract.Rd); got.First != 1 || got.Next != 301 || got.Acked != 0 {
		t.Errorf("state %+v", got)
	}
}

func TestSegmentsAreDroppedWholeOnceAcknowledged(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	fill(t, s, 1, 300)
	before := segments(t, dir, "*.db")
	ack(t, s, contract.Rd, 1)
	if n := len(segments(t, dir, "*.db")); n != len(before) {
		t.Errorf("%d of %d segments left after one record", n, len(before))
	}
	ack(t, s, contract.Rd, 299)
	left := segments(t, dir, "*.db")
	if len(left) != 1 || left[0] != before[len(before)-1] {
		t.Errorf("left %v", left)
	}
	recs := read(t, s, contract.Rd, 300)
	if len(recs) != 1 || recs[0].Seq != 300 {
		t.Errorf("got %v", recs)
	}
	ack(t, s, contract.Rd, 300)
	if n := len(segments(t, dir, "*.db")); n != 1 {
		t.Errorf("%d segments, the newest must stay", n)
	}
	fill(t, s, 301, 301)
	if got := state(s, contract.Rd); got.Next != 302 || got.Acked != 300 {
		t.Errorf("state %+v", got)
	}
}

// TestAcknowledgedSegmentsStayAsLongAsConfigured: a centre restored from a backup may ask for them.
func TestAcknowledgedSegmentsStayAsLongAsConfigured(t *testing.T) {
	dir := t.TempDir()
	now := time.Now() // a file's age is that of its last write
	opts := small()
	opts.KeepReadings, opts.Now = 24*time.Hour, func() time.Time { return now }
	s := storagetest.Open(t, dir, opts)
	fill(t, s, 1, 300)
	before := len(segments(t, dir, "*.db"))
	ack(t, s, contract.Rd, 300)
	if recs := read(t, s, contract.Rd, 1); len(segments(t, dir, "*.db")) != before || len(recs) == 0 || recs[0].Seq != 1 {
		t.Fatal("acknowledged readings are gone too early")
	}
	if got := state(s, contract.Rd); got.First != 1 || got.Acked != 300 {
		t.Errorf("state %+v", got)
	}
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, opts)
	now = now.Add(25 * time.Hour)
	if _, err := s.Prune(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if n := len(segments(t, dir, "*.db")); n != 1 || len(alarms(t, s)) != 0 {
		t.Errorf("%d segments after their time, alarms %v", n, alarms(t, s))
	}
}

func TestNewestValuesSurviveStartsAndDroppedSegments(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	keep(t, s, reading("old", 7))
	if err := s.Fail(t.Context(), meter.Failure{Meter: "dead", At: noon, Code: "silent"}); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1, 300)
	ack(t, s, contract.Rd, 302)
	want := s.Latest()
	storagetest.CheckAndClose(t, s)
	s = storagetest.Open(t, dir, small())
	if diff := cmp.Diff(want, s.Latest()); diff != "" {
		t.Error(diff)
	}
	byID := make(map[meter.ID]storage.Latest)
	for _, l := range s.Latest() {
		byID[l.Meter] = l
	}
	if len(byID) != 7 || !byID["old"].Reading.At.Equal(reading("old", 7).At) || byID["dead"].Reading != nil || byID["dead"].Failure.Code != "silent" {
		t.Errorf("newest %+v", byID)
	}
	if v, ok := byID["m0"].Reading.Find(meter.Volume); !ok || v.Number.Unscaled != 300 {
		t.Errorf("newest of m0 %+v", v)
	}
}

func TestReadingsThatComeTogetherShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := storagetest.NewFaults()
		s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks(), Linger: time.Second})
		keep(t, s, reading("first", 1)) // reserves numbers
		before, start := faults.Count(storage.OpSync), time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { keep(t, s, reading("m", int64(i))) })
		}
		wg.Wait()
		if n := faults.Count(storage.OpSync) - before; n != 2 {
			t.Errorf("50 readings took %d syncs", n)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestEnoughReadingsEndTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storagetest.Open(t, t.TempDir(), storage.Options{Linger: time.Hour, LingerRecords: 10})
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() { keep(t, s, reading("m", int64(i))) })
		}
		wg.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestAFailedCommitOfReadingsKeepsNothing(t *testing.T) {
	for _, kind := range []storage.OpKind{storage.OpWrite, storage.OpSync} {
		for at := range 2 {
			dir := t.TempDir()
			faults := storagetest.NewFaults()
			s := storagetest.Open(t, dir, storage.Options{Hooks: faults.Hooks()})
			fill(t, s, 1, 3)
			faults.Fail(kind, "readings", at, syscall.EIO)
			if err := s.Keep(t.Context(), reading("m1", 99)); !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s %d: %v", kind, at, err)
			}
			faults.Clear()
			fill(t, s, 4, 4)
			if recs := read(t, s, contract.Rd, 1); len(recs) != 4 || strings.Contains(string(recs[3].Raw), "0.99") {
				t.Errorf("%s %d: %d records", kind, at, len(recs))
			}
			storagetest.CheckAndClose(t, s)
		}
	}
}

// TestACutWhileRollingLosesNothing fails every operation of a roll in turn: the reading that caused it is kept, the next
// ones too, and the numbers have no gap.
func TestACutWhileRollingLosesNothing(t *testing.T) {
	for at := range 12 {
		dir := t.TempDir()
		faults := storagetest.NewFaults()
		opts := small()
		opts.Hooks = faults.Hooks()
		s := storagetest.Open(t, dir, opts)
		n := 0
		faults.Fail("", ".new", at, syscall.EIO)
		for i := 1; i <= 120; i++ {
			keep(t, s, reading("m", int64(i)))
			n = i
		}
		if at == 11 { // as a power cut would leave it
			write(t, filepath.Join(dir, "readings", fmt.Sprintf("%020d.db.new", n+1)), "half")
		}
		storagetest.CheckAndClose(t, s)
		s = storagetest.Open(t, dir, small())
		if got := state(s, contract.Rd); got.Next != uint64(n+1) || got.Acked != 0 {
			t.Errorf("cut at %d: %+v", at, got)
		}
		storagetest.CheckAndClose(t, s)
		if left := segments(t, dir, "*.new"); len(left) > 0 {
			t.Errorf("cut at %d left %v", at, left)
		}
	}
}

func damage(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, info.Size())
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// alarms returns the readings_lost on ev.
func alarms(t *testing.T, s *storage.Store) []contract.ReadingsLost {
	t.Helper()
	var found []contract.ReadingsLost
	for _, r := range read(t, s, contract.Ev, 1) {
		var rec contract.Record
		decode(t, r.Raw, &rec)
		if rec.Type == contract.TypeReadingsLost {
			var lost contract.ReadingsLost
			decode(t, rec.Body, &lost)
			found = append(found, lost)
		}
	}
	return found
}

func TestADamagedSegmentIsSetAsideWithAnAlarm(t *testing.T) {
	for _, which := range []string{"oldest", "middle"} {
		t.Run(which, func(t *testing.T) {
			dir := t.TempDir()
			s := storagetest.Open(t, dir, small())
			fill(t, s, 1, 300)
			storagetest.CheckAndClose(t, s)
			segs := segments(t, dir, "*.db")
			i := map[string]int{"oldest": 0, "middle": 1}[which]
			damage(t, segs[i])
			s = storagetest.Open(t, dir, small())
			first, last := numberOf(t, segs[i]), numberOf(t, segs[i+1])-1
			want := []contract.ReadingsLost{{First: first, Last: last, Why: storage.LostDamaged}}
			if diff := cmp.Diff(want, alarms(t, s)); diff != "" {
				t.Error(diff)
			}
			storagetest.CheckAndClose(t, s)
			s = storagetest.Open(t, dir, small())
			if diff := cmp.Diff(want, alarms(t, s)); diff != "" {
				t.Errorf("after another start: %s", diff)
			}
			if recs := read(t, s, contract.Rd, first); len(recs) == 0 || recs[0].Seq != last+1 {
				t.Errorf("reading does not go on behind the gap")
			}
			ack(t, s, contract.Rd, last+1)
			if got := state(s, contract.Rd); got.Acked != last+1 || got.Next != 301 {
				t.Errorf("state %+v", got)
			}
			if len(segments(t, dir, "*.damaged")) != 1 {
				t.Error("the damaged file is gone")
			}
		})
	}
}

func numberOf(t *testing.T, path string) uint64 {
	t.Helper()
	var n uint64
	if _, err := fmt.Sscanf(filepath.Base(path), "%d.db", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNumbersAreNotUsedAgainAfterTheNewestSegmentIsLost: whether it is damaged or gone, what is kept next has a number
// above every one that was given, and the numbers between are reported.
func TestNumbersAreNotUsedAgainAfterTheNewestSegmentIsLost(t *testing.T) {
	for name, lose := range map[string]func(string){
		"damaged": func(path string) { damage(t, path) },
		"gone":    func(path string) { os.Remove(path) },
	} {
		for segsBefore, opts := range map[int]storage.Options{1: {}, 3: small()} {
			t.Run(fmt.Sprint(name, segsBefore), func(t *testing.T) {
				dir := t.TempDir()
				s := storagetest.Open(t, dir, opts)
				fill(t, s, 1, 200)
				ack(t, s, contract.Rd, 3)
				given := state(s, contract.Rd).Next - 1
				storagetest.CheckAndClose(t, s)
				segs := segments(t, dir, "*.db")
				lose(segs[len(segs)-1])
				s = storagetest.Open(t, dir, opts)
				next := state(s, contract.Rd).Next
				if next <= given || next > given+2*storage.ReserveAhead {
					t.Errorf("next is %d, given were %d", next, given)
				}
				lost := alarms(t, s)
				if len(lost) != 1 || lost[0].Last != next-1 || lost[0].First > given || lost[0].Why == "" {
					t.Errorf("alarms %+v", lost)
				}
				fill(t, s, 1, 1)
				recs := read(t, s, contract.Rd, lost[0].First)
				if len(recs) != 1 || recs[0].Seq != next {
					t.Errorf("got %d records", len(recs))
				}
				ack(t, s, contract.Rd, next)
				if got := state(s, contract.Rd); got.Acked != next {
					t.Errorf("state %+v", got)
				}
			})
		}
	}
}

func TestASegmentDamagedWhileInUseIsSetAside(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	fill(t, s, 1, 300)
	segs := segments(t, dir, "*.db")
	damage(t, segs[0])
	recs := read(t, s, contract.Rd, 1)
	if len(recs) == 0 || recs[0].Seq != numberOf(t, segs[1]) {
		t.Errorf("got %d records", len(recs))
	}
	want := []contract.ReadingsLost{{First: 1, Last: numberOf(t, segs[1]) - 1, Why: storage.LostDamaged}}
	if diff := cmp.Diff(want, alarms(t, s)); diff != "" {
		t.Error(diff)
	}
	if got := state(s, contract.Rd); got.Acked+1 != got.First || got.First != numberOf(t, segs[1]) {
		t.Errorf("state %+v", got)
	}
}

func TestTheNewestSegmentDamagedWhileInUseIsReplaced(t *testing.T) {
	for _, by := range []string{"reading", "writing"} {
		t.Run(by, func(t *testing.T) {
			dir := t.TempDir()
			s := storagetest.Open(t, dir, storage.Options{})
			fill(t, s, 1, 50)
			wipe(t, segments(t, dir, "*.db")[0])
			if by == "reading" {
				if recs := read(t, s, contract.Rd, 1); len(recs) != 0 {
					t.Errorf("%d records out of nothing", len(recs))
				}
			}
			fill(t, s, 51, 51)
			lost := alarms(t, s)
			if len(lost) != 1 || lost[0].First != 1 || lost[0].Last < 50 || lost[0].Why != storage.LostDamaged {
				t.Fatalf("alarms %+v", lost)
			}
			recs := read(t, s, contract.Rd, 1)
			if len(recs) != 1 || recs[0].Seq != lost[0].Last+1 {
				t.Errorf("got %v", seqs(recs))
			}
			if n := len(s.Latest()); n != 5 {
				t.Errorf("newest values of %d meters", n)
			}
		})
	}
}

// wipe overwrites the content of a file in use, and leaves its meta pages and its length.
func wipe(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, info.Size()-2*4096), 2*4096); err != nil {
		t.Fatal(err)
	}
}

func TestSegmentsOfAnotherLedgerAreNotTaken(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		s := storagetest.Open(t, d, storage.Options{})
		fill(t, s, 1, 3)
		storagetest.CheckAndClose(t, s)
	}
	name := filepath.Join("readings", "00000000000000000001.db")
	if err := os.Rename(filepath.Join(other, name), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(dir, storage.Options{Ballast: -1}); err == nil || !strings.Contains(err.Error(), "another ledger") {
		t.Errorf("got %v", err)
	}
}
