package storagetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
)

func TestMain(m *testing.M) {
	if name, args, ok := storagetest.Child(); ok {
		fmt.Println(name, args)
		if len(args) > 1 {
			os.Stdin.Read(make([]byte, 1)) // until killed
		}
		return
	}
	os.Exit(m.Run())
}

func put(s *storage.Store) error {
	return s.Update(context.Background(), func(tx counter.Tx) error { return tx.PutAccount(counter.Account{No: "1"}) })
}

func TestACommitIsSeenInTheOrderThatMakesItSafe(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	var seen []storage.Op
	faults.Watch(func(o storage.Op) { seen = append(seen, o) })
	if err := put(s); err != nil {
		t.Fatal(err)
	}
	n := len(seen)
	if n < 4 {
		t.Fatalf("only %d operations", n)
	}
	meta := func(o storage.Op) bool { return o.Kind == storage.OpWrite && o.Off < 8192 }
	if seen[n-1].Kind != storage.OpSync || !meta(seen[n-2]) || seen[n-3].Kind != storage.OpSync || slices.ContainsFunc(seen[:n-3], meta) {
		t.Errorf("the last operations are %v %v %v", seen[n-3].Kind, seen[n-2].Kind, seen[n-1].Kind)
	}
}

func TestFaultsHitWhatTheyNameAndAreCounted(t *testing.T) {
	faults := storagetest.NewFaults()
	s := storagetest.Open(t, t.TempDir(), storage.Options{Hooks: faults.Hooks()})
	faults.Fail(storage.OpWrite, "elsewhere", 0, syscall.EIO)
	if err := put(s); err != nil {
		t.Errorf("a fault elsewhere hit: %v", err)
	}
	faults.FailOnce(storage.OpWrite, "ledger.db", 1, syscall.EIO)
	before := faults.Count("")
	if err := put(s); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	if faults.Count("") == before || faults.Count(storage.OpWrite) == 0 {
		t.Error("operations are not counted")
	}
	if err := put(s); err != nil {
		t.Errorf("a fault that is to hit once hit again: %v", err)
	}
}

func TestAChildRunsItsScenarioAndIsKilled(t *testing.T) {
	if got := storagetest.Start(t, "say", "one").Wait(); !slices.Equal(got, []string{"say [one]"}) {
		t.Errorf("child printed %v", got)
	}
	p := storagetest.Start(t, "stay", "a", "b")
	if line, ok := p.Line(); !ok || line != "stay [a b]" || p.Pid() == os.Getpid() {
		t.Errorf("child printed %q", line)
	}
	p.Kill()
	if _, ok := p.Line(); ok {
		t.Error("a killed child speaks")
	}
}

// TestAnImageHasWhatWasSyncedAndMayHaveTheRest plays a small file through the recorder by its hooks.
func TestAnImageHasWhatWasSyncedAndMayHaveTheRest(t *testing.T) {
	dir := t.TempDir()
	rec := storagetest.NewRecorder(dir)
	op := rec.Hooks().Op
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	block := func(c byte) []byte { return bytes.Repeat([]byte{c}, 1024) }
	for _, o := range []storage.Op{
		{Kind: storage.OpWrite, Path: a, Data: block('1')},            // 1
		{Kind: storage.OpSync, Path: a},                               // 2
		{Kind: storage.OpSyncDir, Path: dir},                          // 3
		{Kind: storage.OpWrite, Path: a, Off: 1024, Data: block('2')}, // 4
		{Kind: storage.OpRename, Path: a, To: b},                      // 5
		{Kind: storage.OpSyncDir, Path: dir},                          // 6
		{Kind: storage.OpRemove, Path: b},                             // 7
	} {
		if err := op(o); err != nil {
			t.Fatal(err)
		}
	}
	one, both := string(block('1')), string(block('1'))+string(block('2'))
	for _, c := range []struct {
		n    int
		left storagetest.Survival
		want map[string]string
	}{
		{1, storagetest.Nothing, nil},
		{2, storagetest.Nothing, nil}, // its name is not durable
		{3, storagetest.Nothing, map[string]string{"a": one}},
		{4, storagetest.Nothing, map[string]string{"a": one}},
		{4, storagetest.Everything, map[string]string{"a": both}},
		{5, storagetest.Nothing, map[string]string{"a": one}},
		{5, storagetest.Everything, map[string]string{"b": both}},
		{6, storagetest.Nothing, map[string]string{"b": one}},
		{7, storagetest.Nothing, map[string]string{"b": one}},
		{7, storagetest.Everything, nil},
	} {
		to := t.TempDir()
		if err := rec.Image(to, c.n, c.left, rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, fmt.Sprintf("%d %s", c.n, c.left), to, c.want)
	}
}

func wantFiles(t *testing.T, what, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(want) {
		t.Errorf("%s: %d files, want %d: %v", what, len(entries), len(want), err)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
			t.Errorf("%s: %s has %d bytes, want %d: %v", what, name, len(got), len(content), err)
		}
	}
}

// TestWhatGoesThroughTheRecorderCanBeRefused: an operation that is not let through is not in any image.
func TestWhatGoesThroughTheRecorderCanBeRefused(t *testing.T) {
	dir := t.TempDir()
	rec := storagetest.NewRecorder(dir)
	cut := false
	rec.Through(func(_ storage.Op, note func() error) error {
		if cut {
			return syscall.EIO
		}
		return note()
	})
	s, err := storage.Open(dir, storage.Options{Ballast: -1, Hooks: rec.Hooks()})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(s); err != nil {
		t.Fatal(err)
	}
	n := rec.Len()
	if left := rec.Unsynced(n); left != 0 {
		t.Errorf("%d operations of a commit that was told are not synced", left)
	}
	if left := rec.Unsynced(n - 1); left != 1 {
		t.Errorf("%d operations before the last sync, want the meta page alone", left)
	}
	image, again := t.TempDir(), t.TempDir()
	cut = true
	if err := put(s); !errors.Is(err, syscall.EIO) {
		t.Errorf("put without power: %v", err)
	}
	_ = s.Close() // without power
	if rec.Len() != n {
		t.Errorf("%d operations, want %d: what was refused is noted", rec.Len(), n)
	}

	// What a cut left is where the next recording begins.
	rnd := rand.New(rand.NewPCG(1, 1))
	if err := rec.Image(image, n, storagetest.Nothing, rnd); err != nil {
		t.Fatal(err)
	}
	next := storagetest.NewRecorder(image)
	if err := errors.Join(next.Adopt(), next.Image(again, next.Len(), storagetest.Nothing, rnd)); err != nil {
		t.Fatal(err)
	}
	storagetest.Open(t, again, storage.Options{})
}
