package storage_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/inbox/inboxtest"
)

func results(t *testing.T, s *storage.Store) []contract.CommandResult {
	t.Helper()
	var list []contract.CommandResult
	for _, raw := range read(t, s, contract.Ev, 1) {
		var rec contract.Record
		var r contract.CommandResult
		decode(t, raw.Raw, &rec)
		if rec.Type != contract.TypeCommandResult {
			continue
		}
		decode(t, rec.Body, &r)
		if rec.ID != r.Command {
			t.Errorf("record %s answers %s", rec.ID, r.Command)
		}
		list = append(list, r)
	}
	return list
}

func TestTheLedgerKeepsTheContractOfTheInbox(t *testing.T) {
	inboxtest.RunStore(t, func(t *testing.T) inboxtest.Subject {
		dir := t.TempDir()
		s := storagetest.Open(t, dir, storage.Options{Node: "hall-1"})
		return inboxtest.Subject{
			Store:   s.Commands(),
			Results: func(t *testing.T) []contract.CommandResult { return results(t, s) },
			Reopen: func(t *testing.T) inbox.Store {
				storagetest.CheckAndClose(t, s)
				s = storagetest.Open(t, dir, storage.Options{Node: "hall-1"})
				return s.Commands()
			},
		}
	})
}

func TestOldCommandsAreForgottenAndStaySeen(t *testing.T) {
	s := storagetest.New(t)
	c := s.Commands()
	const many = storage.RememberCommands + 50
	for n := uint64(1); n <= many; n++ {
		if got, err := c.Begin(t.Context(), inboxtest.Command(n)); err != nil || got != inbox.Fresh {
			t.Fatalf("command %d: %d, %v", n, got, err)
		}
		if n == 7 {
			continue // stays open: it holds what follows it
		}
		if err := c.Finish(t.Context(), contract.CommandResult{Command: inboxtest.Command(n).ID, Counter: n, Outcome: contract.Done}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []uint64{1, 6, 7, 8, many} {
		if got, err := c.Begin(t.Context(), inboxtest.Command(n)); err != nil || got != inbox.Seen {
			t.Errorf("command %d again: %d, %v", n, got, err)
		}
	}
	if open, err := c.Open(t.Context()); err != nil || len(open) != 1 || open[0].Counter != 7 {
		t.Errorf("open %v, %v", open, err)
	}
}

// TestACommandOfBeforeARestoreIsNotDoneAgain: the ledger that was lost may have carried it out after the backup.
func TestACommandOfBeforeARestoreIsNotDoneAgain(t *testing.T) {
	now := inboxtest.Command(1).Issued.Add(time.Hour)
	s := storagetest.New(t)
	from := backup(t, s)
	dir := filepath.Join(t.TempDir(), "restored")
	opts := storage.Options{Node: "n1", Ballast: -1, Now: func() time.Time { return now }}
	if err := storage.Restore(t.Context(), from, dir, opts); err != nil {
		t.Fatal(err)
	}
	c := storagetest.Open(t, dir, opts).Commands()
	if got, err := c.Begin(t.Context(), inboxtest.Command(1)); err != nil || got != inbox.Seen {
		t.Errorf("an old command: %d, %v", got, err)
	}
	later := inboxtest.Command(2)
	later.Issued, later.Expires = contract.At(now.Add(time.Minute)), contract.At(now.Add(time.Hour))
	if got, err := c.Begin(t.Context(), later); err != nil || got != inbox.Fresh {
		t.Errorf("a new command: %d, %v", got, err)
	}
}

func TestAResultIsStoredWithItsRecordOrNotAtAll(t *testing.T) {
	dir, faults := t.TempDir(), storagetest.NewFaults()
	s := storagetest.Open(t, dir, storage.Options{Hooks: faults.Hooks()})
	if _, err := s.Commands().Begin(t.Context(), inboxtest.Command(1)); err != nil {
		t.Fatal(err)
	}
	r := contract.CommandResult{Command: inboxtest.Command(1).ID, Counter: 1, Outcome: contract.Done}
	faults.FailOnce(storage.OpSync, "ledger.db", 0, errors.New("input/output error"))
	if err := s.Commands().Finish(t.Context(), r); err == nil {
		t.Fatal("a failed commit is no success")
	}
	if open, _ := s.Commands().Open(t.Context()); len(open) != 1 || len(results(t, s)) != 0 {
		t.Errorf("open %v, results %v", open, results(t, s))
	}
	if err := s.Commands().Finish(t.Context(), r); err != nil || len(results(t, s)) != 1 {
		t.Errorf("again: %v, %v", err, results(t, s))
	}
	if err := s.Commands().Finish(t.Context(), contract.CommandResult{Command: "never begun"}); err == nil {
		t.Error("finished what was not begun")
	}
}
