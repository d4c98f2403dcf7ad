package storage_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

func TestANewFolderIsPrivateAndClean(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := storagetest.Open(t, dir, storage.Options{})
	if !s.WasClean() || len(s.Epoch()) != 32 {
		t.Errorf("clean %v, epoch %q", s.WasClean(), s.Epoch())
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "readings": 0o700, "ledger.db": 0o600, "lock": 0o600,
		"readings/00000000000000000001.db": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	storagetest.CheckAndClose(t, s)
	again := storagetest.Open(t, dir, storage.Options{})
	if again.Epoch() != s.Epoch() || !again.WasClean() {
		t.Errorf("epoch %q became %q, clean %v", s.Epoch(), again.Epoch(), again.WasClean())
	}
}

func TestEpochsDiffer(t *testing.T) {
	if a, b := storagetest.New(t), storagetest.New(t); a.Epoch() == b.Epoch() {
		t.Error("two ledgers have one epoch")
	}
}

func TestASecondProcessIsRefusedAtOnceWithThePid(t *testing.T) {
	dir := t.TempDir()
	p := storagetest.Start(t, "hold", dir)
	if line, _ := p.Line(); line != "open" {
		t.Fatalf("child said %q", line)
	}
	_, err := storage.Open(dir, storage.Options{})
	wantErr(t, err, storage.ErrInUse)
	if pid := strconv.Itoa(p.Pid()); !strings.Contains(err.Error(), pid) || !strings.Contains(err.Error(), "another tallyd uses this data folder") {
		t.Errorf("%q does not name process %s", err, pid)
	}
	p.Kill()
	s := storagetest.Open(t, dir, storage.Options{})
	if s.WasClean() {
		t.Error("a killed run counts as clean")
	}
}

func hold(args []string) error {
	s, err := storage.Open(args[0], storage.Options{Ballast: -1})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("open")
	_, err = os.Stdin.Read(make([]byte, 1)) // nothing ever comes; the process is killed
	return err
}

func TestANewerLedgerIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	newer := storage.WithMigrations(storage.Options{}, 2, func(tx *bbolt.Tx) error { return nil })
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, newer))
	before := contents(t, dir)
	_, err := storage.Open(dir, storage.Options{Ballast: -1})
	wantErr(t, err, storage.ErrNewer)
	for _, word := range []string{"ledger.db", "layout 4", "up to 2"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
	if contents(t, dir) != before {
		t.Error("the refused file was changed")
	}
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, newer))
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAMigrationIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	update(t, s, sale(1))
	storagetest.CheckAndClose(t, s)
	steps := 0
	broken := errors.New("broken")
	fails := func(tx *bbolt.Tx) error {
		if steps++; steps == 2 {
			return broken
		}
		_, err := tx.CreateBucket([]byte("fresh"))
		return err
	}
	_, err := storage.Open(dir, storage.WithMigrations(storage.Options{Ballast: -1}, 2, fails))
	wantErr(t, err, broken)
	wantSales(t, storagetest.Open(t, dir, storage.Options{}), 1) // the old version still reads it
}

func TestACutMigrationIsDoneAgain(t *testing.T) {
	for at := 0; ; at++ {
		dir := t.TempDir()
		s := storagetest.Open(t, dir, storage.Options{})
		update(t, s, sale(1))
		storagetest.CheckAndClose(t, s)
		adds := func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("fresh")); return err }
		faults := storagetest.NewFaults()
		faults.Fail(storage.OpWrite, "ledger.db", at, syscall.EIO)
		s, err := storage.Open(dir, storage.WithMigrations(storage.Options{Ballast: -1, Hooks: faults.Hooks()}, 1, adds))
		if err == nil {
			faults.Clear()
			storagetest.CheckAndClose(t, s)
			if at < 2 {
				t.Errorf("a migration took only %d writes", at)
			}
			return
		}
		storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.WithMigrations(storage.Options{}, 1, adds)))
	}
}

// TestAFirstStartThatIsCutCanBeRepeated fails every operation of the first start in turn.
func TestAFirstStartThatIsCutCanBeRepeated(t *testing.T) {
	for at := 0; ; at++ {
		dir := t.TempDir()
		faults := storagetest.NewFaults()
		faults.Fail("", "", at, syscall.EIO)
		s, err := storage.Open(dir, storage.Options{Ballast: -1, Hooks: faults.Hooks()})
		if err == nil {
			if at < 10 {
				t.Errorf("first start took only %d operations", at)
			}
			faults.Clear()
			storagetest.CheckAndClose(t, s)
			return
		}
		s = storagetest.Open(t, dir, storage.Options{})
		update(t, s, sale(1))
		keep(t, s, reading("m1", 1))
		if odd := segments(t, dir, "*.damaged"); len(odd) > 0 {
			t.Errorf("cut at %d: a half made segment was taken for one: %v", at, odd)
		}
		storagetest.CheckAndClose(t, s)
		if left, _ := filepath.Glob(filepath.Join(dir, "*", "*.new")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestLeftoversOfACutFirstStartAreRemoved(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ledger.db.new"), "half")
	if err := os.Mkdir(filepath.Join(dir, "readings"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "readings", "00000000000000000001.db.new"), "half")
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.Options{}))
	for _, pattern := range []string{"*.new", "*/*.new"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

func TestALedgerOfAnotherNodeIsRefused(t *testing.T) {
	dir := t.TempDir()
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.Options{Node: "n1"}))
	_, err := storage.Open(dir, storage.Options{Node: "n2", Ballast: -1})
	wantErr(t, err, storage.ErrOtherNode)
	storagetest.Open(t, dir, storage.Options{})
}

func TestALostLedgerIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.Options{}))
	if err := os.Remove(filepath.Join(dir, "ledger.db")); err != nil {
		t.Fatal(err)
	}
	_, err := storage.Open(dir, storage.Options{Ballast: -1})
	wantErr(t, err, storage.ErrLedgerMissing)
}

func TestADamagedLedgerIsRefusedWithAClearWord(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":        func(b []byte) []byte { return nil },
		"cut short":    func(b []byte) []byte { return b[:16*4096] },
		"both metas":   func(b []byte) []byte { clear(b[:2*4096]); return b },
		"no file type": func(b []byte) []byte { return []byte(strings.Repeat("x", len(b))) },
		"all pages":    func(b []byte) []byte { clear(b[2*4096:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := storagetest.Open(t, dir, storage.Options{})
			for i := range 50 {
				update(t, s, sale(i))
			}
			storagetest.CheckAndClose(t, s)
			write(t, filepath.Join(dir, "ledger.db"), string(damage([]byte(contents(t, dir)))))
			_, err := storage.Open(dir, storage.Options{Ballast: -1})
			wantErr(t, err, storage.ErrDamaged)
			if !strings.Contains(err.Error(), "ledger.db") {
				t.Errorf("%q does not name the file", err)
			}
		})
	}
}

func TestCheckFindsAFlippedBit(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2))
	update(t, s, func(tx counter.Tx) error { return tx.PutAccount(account(1)) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b := contents(t, dir)
	at := strings.LastIndex(b, `"order":"o000001"`)
	write(t, filepath.Join(dir, "ledger.db"), strings.ReplaceAll(b, `"order":"o000001"`, `"order":"o000009"`))
	if at < 0 {
		t.Fatal("no record found to damage")
	}
	s, err := storage.Open(dir, storage.Options{Ballast: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rep, err := s.Check(t.Context())
	if err != nil || rep.OK() {
		t.Errorf("%+v %v", rep, err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestATreeThatRunsInACircleIsRefused: one wrong page number is enough to send bbolt round for ever.
func TestATreeThatRunsInACircleIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	update(t, s, func(tx counter.Tx) error {
		var all error
		for i := range 300 {
			all = errors.Join(all, tx.PutAccount(account(i)))
		}
		return all
	})
	storagetest.CheckAndClose(t, s)
	whole := contents(t, dir)
	patched := 0
	for at := 2 * 4096; at+4096 <= len(whole); at += 4096 {
		if whole[at+8] != 1 || whole[at+9] != 0 || binary.LittleEndian.Uint64([]byte(whole[at:at+8])) != uint64(at/4096) {
			continue // no branch page
		}
		for _, to := range []uint64{uint64(at / 4096), 1 << 40, 2} {
			b := []byte(whole)
			binary.LittleEndian.PutUint64(b[at+16+8:], to) // the first child
			write(t, filepath.Join(dir, "ledger.db"), string(b))
			s, err := storage.Open(dir, storage.Options{Ballast: -1})
			if err == nil { // an old page that is not in use any more
				storagetest.CheckAndClose(t, s)
				continue
			}
			wantErr(t, err, storage.ErrDamaged)
			patched++
		}
	}
	if patched < 3 {
		t.Errorf("only %d wrong page numbers were found", patched)
	}
}

// TestAPageThatIsFreeAndInUseIsFoundAfterACrash: the next commit would overwrite what is in use.
func TestAPageThatIsFreeAndInUseIsFoundAfterACrash(t *testing.T) {
	dir := t.TempDir()
	p := storagetest.Start(t, "hold", dir)
	if line, _ := p.Line(); line != "open" {
		t.Fatalf("child said %q", line)
	}
	p.Kill()
	whole := contents(t, dir)
	patched := false
	for at := 2 * 4096; at+4096 <= len(whole); at += 4096 {
		if whole[at+8] != 0x10 || whole[at+10] == 0 {
			continue // no list of free pages, or an empty one
		}
		b := []byte(whole)
		for i := range int(b[at+10]) {
			binary.LittleEndian.PutUint64(b[at+16+8*i:], uint64(at/4096)) // the list itself is in use
		}
		write(t, filepath.Join(dir, "ledger.db"), string(b))
		s, err := storage.Open(dir, storage.Options{Ballast: -1})
		if err != nil {
			wantErr(t, err, storage.ErrDamaged)
			patched = true
			continue
		}
		storagetest.CheckAndClose(t, s) // an old list
	}
	if !patched {
		t.Error("no list of free pages was found")
	}
}

func nothing(*bbolt.Tx) error { return nil }
