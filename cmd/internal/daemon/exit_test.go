package daemon

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"tally/cardreader"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/storage"
)

func TestMarkKeepsTheTextAndNamesTheKind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, inUse := net.Listen("tcp", taken.Addr().String())
	for _, c := range []struct{ err, kind error }{
		{fmt.Errorf("open: %w", storage.ErrInUse), cli.ErrRefused},
		{storage.ErrNewer, cli.ErrRefused},
		{storage.ErrDamaged, cli.ErrRefused},
		{inUse, cli.ErrConfig},
		{fmt.Errorf("counter: %w", &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoPCSC, Op: "watch"}), cli.ErrConfig},
	} {
		got := Mark(c.err)
		if !errors.Is(got, c.kind) || !errors.Is(got, c.err) || got.Error() != c.err.Error() {
			t.Errorf("%v became %v", c.err, got)
		}
	}
	if err := errors.New("something else"); Mark(err) != err || Mark(nil) != nil {
		t.Error("an unknown error was marked")
	}
}

// TestSecondNodeOnTheSameData: a clear word at once, and the first one is not disturbed.
func TestSecondNodeOnTheSameData(t *testing.T) {
	dir := t.TempDir()
	c := config.Node{Name: "n", DataDir: dir, HTTP: config.HTTP{Listen: "127.0.0.1:0"}}
	first, err := New(t.Context(), c, Parts{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer first.close()
	if err := Run(t.Context(), c, "test", quiet); !errors.Is(err, storage.ErrInUse) || !errors.Is(err, cli.ErrRefused) {
		t.Errorf("second node: %v", err)
	}
	if err := first.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
