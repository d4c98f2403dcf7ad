package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
)

func emitEv(t *testing.T, s *storage.Store, typ string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Ev, Type: typ, ID: "x", Body: struct{}{}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBackupsAreMadeByTimeAndAfterEvents, and the oldest go.
func TestBackupsAreMadeByTimeAndAfterEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store := storagetest.Open(t, filepath.Join(dir, "data"), storage.Options{Node: "n", Now: time.Now})
		b := newBackups(store, config.Node{Name: "n", DataDir: dir, Backup: config.Backup{
			Dir: filepath.Join(dir, "b"), Every: 7 * 24 * time.Hour, Keep: 3, After: []string{"prices_released"}}}, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- b.run(ctx) }()
		go func() { done <- b.follow(ctx, contract.Ev) }()
		wantMade := func(want string) {
			t.Helper()
			synctest.Wait()
			var whys []string
			for _, name := range b.names() {
				_, why, _ := strings.Cut(name, "-")
				whys = append(whys, why)
			}
			if got := strings.Join(whys, " "); got != want {
				t.Errorf("have %q, want %q", got, want)
			}
		}
		time.Sleep(firstBackup + time.Second)
		wantMade("weekly")
		time.Sleep(6 * 24 * time.Hour)
		wantMade("weekly")
		emitEv(t, store, "something_else")
		wantMade("weekly")
		emitEv(t, store, "prices_released")
		wantMade("weekly prices_released")
		time.Sleep(6 * 24 * time.Hour)
		wantMade("weekly prices_released")
		time.Sleep(2 * 24 * time.Hour)
		wantMade("weekly prices_released weekly")
		if err := os.MkdirAll(filepath.Join(dir, "b", "keep-me"), 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		wantMade("prices_released weekly weekly")
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "b", "keep-me")); err != nil {
			t.Error("what is not ours was deleted")
		}
		for _, name := range b.names() {
			if rep, err := storage.CheckFolder(t.Context(), filepath.Join(dir, "b", name)); err != nil || !rep.OK() {
				t.Errorf("%s: %+v, %v", name, rep, err)
			}
		}
	})
}

// TestABackupThatDoesNotFitIsRefusedAndOnRecord: it must not be what stops sales.
func TestABackupThatDoesNotFitIsRefusedAndOnRecord(t *testing.T) {
	dir := t.TempDir()
	store := storagetest.Open(t, dir, storage.Options{Reserve: 1 << 20, Free: func(string) (uint64, error) { return 1<<20 + 1000, nil }})
	b := newBackups(store, config.Node{DataDir: dir}, quiet)
	if _, _, err := b.make(t.Context(), backupByHand); !errors.Is(err, counter.ErrNoRoom) {
		t.Errorf("%v", err)
	}
	if got := evTypes(t, store); len(got) != 1 || got[0] != contract.TypeBackupFailed || len(b.names()) != 0 {
		t.Errorf("%v, %v", got, b.names())
	}
}

// TestRestoreMakesANodeOfABackup, but not of another node's, over data that are there, or of a damaged one.
func TestRestoreMakesANodeOfABackup(t *testing.T) {
	dir := t.TempDir()
	c := config.Node{Name: "n", DataDir: filepath.Join(dir, "data")}
	store := storagetest.Open(t, c.DataDir, storage.Options{Node: "n"})
	emitEv(t, store, "something")
	from, _, err := newBackups(store, c, quiet).make(t.Context(), backupByHand)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(t.Context(), c.DataDir); !errors.Is(err, cli.NodeRunning) {
		t.Errorf("check while it is in use: %v", err)
	}
	epoch := store.Epoch()
	storagetest.CheckAndClose(t, store)
	if err := Restore(t.Context(), c, from); !errors.Is(err, cli.ErrRefused) {
		t.Errorf("over data that are there: %v", err)
	}
	fresh := config.Node{Name: "n", DataDir: filepath.Join(dir, "fresh")}
	if err := Restore(t.Context(), config.Node{Name: "m", DataDir: fresh.DataDir}, from); !errors.Is(err, cli.ErrRefused) {
		t.Errorf("of another node: %v", err)
	}
	if err := Restore(t.Context(), fresh, from); err != nil {
		t.Fatal(err)
	}
	if rep, err := Check(t.Context(), fresh.DataDir); err != nil || len(rep.Findings) > 0 {
		t.Errorf("%+v, %v", rep, err)
	}
	again := storagetest.Open(t, fresh.DataDir, storage.Options{Node: "n"})
	if again.Epoch() == epoch || evTypes(t, again)[0] != contract.TypeLedgerRestored {
		t.Errorf("epoch %s, events %v", again.Epoch(), evTypes(t, again))
	}
	ledger := filepath.Join(from, "ledger.db")
	if err := os.Truncate(ledger, 100); err != nil {
		t.Fatal(err)
	}
	bad := config.Node{Name: "n", DataDir: filepath.Join(dir, "bad")}
	if err := Restore(t.Context(), bad, from); !errors.Is(err, cli.ErrRefused) {
		t.Errorf("of a damaged one: %v", err)
	}
	if _, err := os.Stat(bad.DataDir); err == nil {
		t.Error("half a folder was left")
	}
}

func TestTheCertificateIsWarnedAboutInTime(t *testing.T) {
	store := storagetest.New(t)
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end := now.AddDate(0, 2, 0)
	var broken error
	c := &certificate{expires: func() (time.Time, error) { return end, broken }, store: store, now: func() time.Time { return now }, log: quiet}
	warned := 0
	look := func(days, want int) {
		t.Helper()
		now = end.AddDate(0, 0, -days)
		for range 2 {
			if err := c.look(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if warned += want; len(evTypes(t, store)) != warned {
			t.Errorf("%d days before: %v, want %d", days, evTypes(t, store), warned)
		}
	}
	look(60, 0)
	look(31, 0)
	look(30, 1)
	look(20, 0)
	look(14, 1)
	look(2, 1) // 7 and 3 at once, after a time switched off
	look(1, 1)
	look(-1, 1)
	look(-5, 0)
	old := end
	end = old.AddDate(1, 0, 0) // renewed
	look(365, 0)
	look(10, 1)
	now = time.Unix(0, 0)
	if err := c.look(t.Context()); err != nil || len(evTypes(t, store)) != warned {
		t.Errorf("in 1970: %v, %v", err, evTypes(t, store))
	}
	if broken = errors.New("no such file"); c.look(t.Context()) == nil || !c.ends().Equal(end) {
		t.Errorf("unreadable file: ends %s", c.ends())
	}
	recs, err := store.Queue(contract.Ev).Read(t.Context(), 1, 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := contract.ParseRecord(recs[0].Raw)
	var body contract.CertificateExpiring
	if err := errors.Join(err, json.Unmarshal(rec.Body, &body)); err != nil || body.DaysLeft != 30 || !body.NotAfter.Equal(old) {
		t.Errorf("%+v, %v", body, err)
	}
}
