package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/counter"
	"tally/storage"
)

const newPassword = "staple-battery-horse"

func newOperator() cli.NewOperator {
	return cli.NewOperator{Name: "li", Display: "李雷", No: 12, Role: counter.Leader, Password: config.NewSecret(newPassword)}
}

// refusedWith checks what AddOperator refuses with, and that the password is not in it.
func refusedWith(t *testing.T, err error, want cli.Refusal, password string) {
	t.Helper()
	if got, ok := errors.AsType[cli.Refusal](err); !ok || got != want {
		t.Errorf("%v, want %v", err, want)
	}
	if err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("the error holds the password: %v", err)
	}
}

// TestAddOperator: whoever was added can log in at the counter, and only once is the name free.
func TestAddOperator(t *testing.T) {
	c := stopped(t)
	if err := AddOperator(t.Context(), c, newOperator()); err != nil {
		t.Fatal(err)
	}
	again := newOperator()
	again.Role, again.Password = counter.Admin, config.NewSecret("another-good-one")
	refusedWith(t, AddOperator(t.Context(), c, again), cli.NameTaken, "another-good-one")

	err := withLedger(c, func(s *storage.Store) error {
		service, err := counter.New(counter.Options{
			Store: s, Open: noReader, Resolve: purse.Resolve, Tables: rigTables, Station: rigStation, Region: rigRegion, Password: rigCost, Logger: quiet,
		})
		if err != nil {
			return err
		}
		sess, err := service.Login(t.Context(), "li", newPassword)
		if err != nil {
			return err
		}
		if sess.Operator != "li" || sess.Display != "李雷" || sess.Role != counter.Leader {
			t.Errorf("session of %+v", sess)
		}
		if _, err := service.Login(t.Context(), "li", "another-good-one"); err == nil {
			t.Error("the refused password opens the door")
		}
		return s.View(t.Context(), func(tx counter.Tx) error {
			op, err := tx.Operator("li")
			if op.No != 12 || strings.Contains(op.Password, newPassword) {
				t.Errorf("stored %d %q", op.No, op.Password)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// noReader opens no purse: nobody inserts a card here.
func noReader(context.Context, string, cardreader.Insertion) (counter.Purse, error) {
	return nil, errors.New("no reader")
}

func TestAddOperatorRefusesWeakPasswords(t *testing.T) {
	c := stopped(t)
	op := newOperator()
	for _, weak := range []string{"七个字的口令啊", "1234567", "qwe"} {
		op.Password = config.NewSecret(weak)
		refusedWith(t, AddOperator(t.Context(), c, op), cli.WeakPassword, weak)
	}
	op.Password = config.NewSecret("八个字的口令好啊")
	if err := AddOperator(t.Context(), c, op); err != nil {
		t.Errorf("eight characters: %v", err)
	}
}

func TestAddOperatorBesideARunningNode(t *testing.T) {
	c := stopped(t)
	err := withLedger(c, func(*storage.Store) error {
		refusedWith(t, AddOperator(t.Context(), c, newOperator()), cli.NodeRunning, newPassword)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAddOperatorSaysWhatFailed: a folder of another node is no refusal that a password could mend.
func TestAddOperatorSaysWhatFailed(t *testing.T) {
	c := stopped(t)
	ledger(t, c, func(counter.Tx) error { return nil })
	c.Name = "other"
	err := AddOperator(t.Context(), c, newOperator())
	if !errors.Is(err, storage.ErrOtherNode) || errors.Is(err, cli.ErrRefused) || strings.Contains(err.Error(), newPassword) {
		t.Errorf("%v", err)
	}
}
