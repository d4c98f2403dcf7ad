package storage_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

// treeOf is a digest of every file below dir with its name.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %x\n", path, sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

func TestAFolderIsCheckedWithoutBeingUsed(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	emit(t, s, draft(contract.Tx, 1), draft(contract.Ev, 1))
	fill(t, s, 1, 300)
	if _, err := storage.CheckFolder(t.Context(), dir); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("while it is in use: %v", err)
	}
	from := backup(t, s)
	storagetest.CheckAndClose(t, s)
	for _, folder := range []string{dir, from} {
		rep, err := storage.CheckFolder(t.Context(), folder)
		if err != nil || !rep.OK() || rep.Records[contract.Rd] != 300 || rep.Records[contract.Tx] != 1 || rep.Files < 3 {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := storage.CheckFolder(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAFolderThatIsNoneIsAnError(t *testing.T) {
	dir := t.TempDir()
	if _, err := storage.CheckFolder(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("the check has made %v", entries)
	}
}

// TestEveryFlippedByteOfABackupIsFound: the manifest has the sum of each file.
func TestEveryFlippedByteOfABackupIsFound(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), small())
	fill(t, s, 1, 100)
	from := backup(t, s)
	for _, file := range []string{"ledger.db", "readings/00000000000000000001.db"} {
		path := filepath.Join(from, file)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, len(good) / 3, len(good) - 1} {
			bad := append([]byte{}, good...)
			bad[at] ^= 4
			overwrite(t, path, bad)
			if rep, err := storage.CheckFolder(t.Context(), from); err != nil || rep.OK() {
				t.Errorf("%s, byte %d: %+v, %v", file, at, rep, err)
			}
		}
		overwrite(t, path, good)
	}
	if rep, err := storage.CheckFolder(t.Context(), from); err != nil || !rep.OK() {
		t.Errorf("%+v, %v", rep, err)
	}
}

func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestACheckNamesWhatWasSetAsideAndWhatIsCutShort: a ledger that is cut short does not keep the segments from being looked at.
func TestACheckNamesWhatWasSetAsideAndWhatIsCutShort(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, small())
	fill(t, s, 1, 300)
	storagetest.CheckAndClose(t, s)
	segs := segments(t, dir, "*.db")
	if err := errors.Join(os.Rename(segs[1], segs[1]+".damaged"), os.Truncate(filepath.Join(dir, "ledger.db"), 9000),
		os.Truncate(segs[2], 5000)); err != nil {
		t.Fatal(err)
	}
	rep, err := storage.CheckFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ledger.db", "set aside", filepath.Base(segs[2]), "cut short"} {
		if !strings.Contains(found(rep), want) {
			t.Errorf("%q does not say %q", found(rep), want)
		}
	}
}

func TestALedgerOfANewerVersionIsNotChecked(t *testing.T) {
	dir := t.TempDir()
	storagetest.CheckAndClose(t, storagetest.Open(t, dir, storage.WithMigrations(storage.Options{}, 1, nothing)))
	_, err := storage.CheckFolder(t.Context(), dir)
	wantErr(t, err, storage.ErrNewer)
}
