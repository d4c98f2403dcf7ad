package storage_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// TestReadingABacklogDoesNotKeepItInMemory reads a segment and a ledger of many megabytes through and asks the kernel
// how much of the files counts as this process's memory.
func TestReadingABacklogDoesNotKeepItInMemory(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	for n := range 40 {
		values := make([]storage.Value, 1000)
		for i := range values {
			r := reading(fmt.Sprintf("m%04d", i), int64(n))
			values[i].Reading = &r
		}
		if err := s.KeepAll(t.Context(), values); err != nil {
			t.Fatal(err)
		}
	}
	q := s.Queue(contract.Rd)
	for next := uint64(1); next <= 40_000; {
		recs, err := q.Read(t.Context(), next, 200, 64<<10)
		if err != nil {
			t.Fatal(err)
		}
		next += uint64(len(recs))
	}
	seg := segments(t, dir, "*.db")[0]
	info, err := os.Stat(seg)
	if err != nil {
		t.Fatal(err)
	}
	if kib, file := resident(t, seg), info.Size()>>10; kib > file/3 {
		t.Errorf("%d of %d KiB of the segment are resident", kib, file)
	}
	if rep, err := s.Check(t.Context()); err != nil || !rep.OK() {
		t.Fatalf("%s, %v", found(rep), err)
	}
	if kib, file := resident(t, seg), info.Size()>>10; kib > file/3 {
		t.Errorf("after a check %d of %d KiB of the segment are resident", kib, file)
	}
}

// resident is how many KiB of a mapped file count as this process's memory, see proc_pid_smaps(5).
func resident(t *testing.T, path string) (kib int64) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("no smaps:", err)
	}
	mapped := regexp.MustCompile(`(?m)^[0-9a-f]+-[0-9a-f]+ .*/` + regexp.QuoteMeta(filepath.Base(path)) + `\n(?:[A-Z].*\n)*?Rss: +(\d+) kB`)
	found := mapped.FindAllSubmatch(smaps, -1)
	if len(found) == 0 {
		t.Fatalf("%s is not mapped", path)
	}
	for _, m := range found {
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		kib += n
	}
	return kib
}
