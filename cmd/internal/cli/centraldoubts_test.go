package cli_test

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tally/sync/central/centraltest"
	"tally/sync/central/sqlite"
	"tally/sync/contract"
)

// doubtCentral is `doubt DB ORDER`: node hall-7, away since a day and an hour ago, has an order in doubt, which the counter
// "hall-1 desk 1" wants; `doubt DB ORDER AGO` with another time since it was heard of, 0s for there.
func doubtCentral(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: doubt DB ORDER [AGO]")
	}
	ago := 25 * time.Hour
	if len(args) == 3 {
		var err error
		ago, err = time.ParseDuration(args[2])
		ts.Check(err)
	}
	ctx := context.Background()
	s, err := sqlite.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	heard := at.Add(-ago)
	st := contract.Status{V: 1, Online: ago == 0, Session: "s", Boot: "b", Version: "v1.0.0", Epoch: "e-" + args[1], At: contract.At(heard), Clock: "ok", Region: 1393}
	ts.Check(s.SaveStatus(ctx, "hall-7", st, heard))
	order := contract.OrderInDoubt{
		Order: args[1], Op: "buy", Account: "100003", Region: 1393, Card: "00001003", CardIssue: 1, CardSeq: 4, CardTag: "0a0b0c", VolumeL: 20_000,
		IntentAt: contract.At(at.Add(-30 * time.Hour)), Station: "hall-7 desk 1", Why: "card_removed", Plan: json.RawMessage(`{"seq":4}`),
	}
	tx := centraltest.NewFeed("hall-7", "e-"+args[1], contract.Tx)
	tx.Append(contract.TypeOrderInDoubt, args[1], heard, order)
	ts.Check(commitAt(s, tx, 1, heard))
	want := centraltest.NewFeed("hall-1", "w-"+args[1], contract.Tx)
	want.Append(contract.TypeOrderWanted, args[1], at, contract.HandOver{Order: args[1], Account: "100003", Want: "w-" + args[1], Station: "hall-1 desk 1"})
	ts.Check(commitAt(s, want, 1, heard))
	ts.Check(s.Close())
}

// voidCentral is `voided DB ORDER`: hall-7 is not lost after all, and says that it had given the money back.
func voidCentral(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: voided DB ORDER")
	}
	s, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	tx := centraltest.NewFeed("hall-7", "v-"+args[1], contract.Tx)
	tx.Append(contract.TypeSaleVoid, args[1], at, contract.Sale{Order: args[1], Account: "100003", Station: "hall-7 desk 1", AmountFen: 5300, WasInDoubt: true})
	ts.Check(commitAt(s, tx, 1, at))
	ts.Check(s.Close())
}
