package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/cli"
	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
)

// centralDeps are real but for the time and what runs: the desk works on a real database.
func centralDeps() cli.CentralDeps {
	now := func() time.Time { return at }
	if later := os.Getenv("FAKE_LATER"); later != "" {
		d, err := time.ParseDuration(later)
		if err != nil {
			panic(err)
		}
		now = func() time.Time { return at.Add(d) }
	}
	return cli.CentralDeps{Run: runCentral, Open: centre.OpenDesk(now), Now: now, Poll: 10 * time.Millisecond}
}

// seedCentral is `central DB`: a central database with node hall-1, ten sales of it, and a statement that counts eleven.
func seedCentral(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: central DB")
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	st := contract.Status{V: 1, Online: true, Session: "s", Boot: "b", Version: "v1.0.0", Epoch: "e-1", At: contract.At(at), Clock: "ok", Region: 1393}
	ts.Check(s.SaveStatus(ctx, "hall-1", st, at))
	tx := centraltest.NewFeed("hall-1", "e-1", contract.Tx).Sales(10, 1000, 260)
	ev := centraltest.NewFeed("hall-1", "e-1", contract.Ev)
	ev.Append(contract.TypeStatement, "d", at, contract.Statement{
		From: contract.At(at.Add(-14 * time.Hour)), To: contract.At(at.Add(10 * time.Hour)), Sales: 11, VolumeL: 10_000, AmountFen: 2_600,
	})
	ts.Check(commit(s, tx, 10))
	ts.Check(commit(s, ev, 1))
	ts.Check(s.Close())
}

// answerCentral is `answer DB OUTCOME TEXT`: the node's answer to the newest command arrives.
func answerCentral(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: answer DB OUTCOME TEXT")
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	list, err := s.Commands(ctx, "hall-1", 1)
	ts.Check(err)
	if len(list) == 0 {
		ts.Fatalf("no command")
	}
	ev := centraltest.NewFeed("hall-1", "e-"+list[0].ID, contract.Ev)
	ev.Append(contract.TypeCommandResult, list[0].ID, at, contract.CommandResult{
		Command: list[0].ID, Counter: list[0].Counter, Type: list[0].Type, Outcome: args[1], Text: args[2], Result: json.RawMessage(`{"read":1,"failed":0}`),
	})
	ts.Check(commit(s, ev, 1))
	ts.Check(s.Close())
	ts.Setenv("ID", list[0].ID)
}

func commit(s central.Store, f *centraltest.Feed, n int) error { return commitAt(s, f, n, at) }

func commitAt(s central.Store, f *centraltest.Feed, n int, now time.Time) error {
	records, err := f.Read(context.Background(), 1, n, 1<<20)
	if err != nil {
		return err
	}
	var raws []json.RawMessage
	for _, r := range records {
		raws = append(raws, r.Raw)
	}
	payload, err := contract.Seal(contract.Envelope{
		Node: f.Node, Epoch: f.Epoch, Stream: f.Stream(), Seq0: 1, Boot: "b", SentAt: contract.At(at), Clock: "ok",
	}, raws)
	if err != nil {
		return err
	}
	b, bad := central.Verify(contract.Delivery{Topic: contract.TopicUp(f.Node, f.Stream()), Payload: payload})
	if bad != nil {
		return bad
	}
	_, err = s.Commit(context.Background(), []central.Batch{b}, now)
	return err
}

// mode is `mode FILE MODE`: fails unless the file has it.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strings.TrimPrefix(info.Mode().Perm().String(), "-"); got != args[1] {
		ts.Fatalf("%s has %s, want %s", args[0], got, args[1])
	}
}
