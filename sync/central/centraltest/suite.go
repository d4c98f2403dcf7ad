package centraltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"tally/sync/central"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
)

// Subject is a store under test. It starts empty.
type Subject struct {
	Store *sqlstore.Store
	DB    *sql.DB // for questions
}

// RunStore checks that a store keeps the contract of central.Store.
func RunStore(t *testing.T, fresh func(t *testing.T) Subject) {
	for _, tc := range []struct {
		name string
		test func(t *testing.T, s *subject)
	}{
		{"StoresOnceAndUnchanged", storesOnce},
		{"DuplicatesHaveNoEffect", duplicates},
		{"AnyBordersAnyOrder", anyBorders},
		{"GapsAreNamedAndFilled", gaps},
		{"AConflictNeverOverwrites", conflict},
		{"ABadRecordGoesIntoQuarantine", badRecord},
		{"UnknownTypesAreStored", unknownType},
		{"ABrokenChainIsSeen", brokenChain},
		{"EpochsAndNodesAreApart", epochs},
		{"LostReadingsDoNotHoldTheWatermark", lost},
		{"StatementsAreReconciled", reconciled},
		{"FactsCanBeRead", facts},
		{"RefusedPayloadsAreKeptOnce", refused},
		{"OddTextDoesNotStopIt", oddText},
		{"HostileFactsDoNotStopIt", hostileFacts},
		{"HostilePayloadsDoNotFillIt", hostilePayloads},
		{"SeveralAtOnce", several},
		{"WhatCameEarlyIsChainedLater", chainedLater},
		{"HeadsAreProven", headsProven},
		{"ADayIsReconciledByItself", dayReconciled},
		{"CommandsAreRepeatedUntilTheirResult", commands},
		{"CountersOfCommandsOutliveARestore", countersGrow},
		{"AnotherNodesResultIsNone", foreignResult},
		{"LostRecordsAreAskedFor", askedAgain},
		{"RecordsThatAreNotKeptAreLost", notKept},
		{"ADesiredStateIsMadeWhenSomethingChanges", desired},
		{"VersionsOutliveARestore", versionsGrow},
		{"OneInstancePublishes", publishing},
		{"ManyChangesComeInParts", manyChanges},
		{"ARestoredNodeIsToldEverythingAgain", nodeRestored},
		{"LocksStandUntilLifted", locks},
		{"AnAccountIsTheSameInAnyOrder", anyOrder},
		{"ACardsLifeIsTold", cardLife},
		{"AnOrderInDoubtIsTheSameInAnyOrder", doubts},
		{"ANodeHearsOfItsOwnOrderInDoubt", ownDoubt},
		{"ManyOrdersInDoubtFit", manyDoubts},
		{"AnOrderOfALostNodeIsGiven", ruledGiven},
		{"AnOrderOfALostNodeIsClosed", ruledClosed},
		{"OnlyALostNodeIsOverruled", ruledOnlyOfTheLost},
		{"AnotherLedgerIsNotTheNode", ruledOtherLedger},
		{"WhatIsNeverDecided", ruledNever},
		{"OneDecisionWins", oneRuling},
		{"ADecisionIsNews", rulingIsNews},
		{"ContradictionsAreReconciled", contradictions},
		{"AnOldWillDoesNotPutANodeOffline", oldWill},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, &subject{fresh(t), t}) })
	}
}

type subject struct {
	Subject
	t *testing.T
}

func (s *subject) commit(batches ...central.Batch) []central.Receipt {
	s.t.Helper()
	r, err := s.Store.Commit(context.Background(), batches, Start)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// one commits batches of one stream.
func (s *subject) one(batches ...central.Batch) central.Receipt {
	s.t.Helper()
	r := s.commit(batches...)
	if len(r) != 1 {
		s.t.Fatalf("%d receipts", len(r))
	}
	return r[0]
}

func (s *subject) number(query string) int64 {
	s.t.Helper()
	var n sql.NullInt64
	if err := s.DB.QueryRow(query).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n.Int64
}

func (s *subject) want(query string, want int64) {
	s.t.Helper()
	if got := s.number(query); got != want {
		s.t.Errorf("%s: %d, want %d", query, got, want)
	}
}

func storesOnce(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Tx).Sales(3, 1000, 300)
	r := s.one(f.Batch(t, 1, 3))
	if r.Node != "n1" || r.Stream != contract.Tx || r.Ack.Epoch != "e1" || r.Ack.Ack != 3 || r.Counts.Stored != 3 {
		t.Errorf("%+v", r)
	}
	var raw []byte
	if err := s.DB.QueryRow("SELECT raw FROM record WHERE seq = 2").Scan(&raw); err != nil || string(raw) != string(f.Queue.Raw(2)) {
		t.Errorf("%s\n%s\n%v", raw, f.Queue.Raw(2), err)
	}
}

func duplicates(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Tx).Sales(5, 1000, 300)
	s.one(f.Batch(t, 1, 5))
	r := s.one(f.Batch(t, 1, 5), f.Batch(t, 2, 3))
	if r.Ack.Ack != 5 || r.Counts != (central.Counts{Duplicates: 8}) {
		t.Errorf("%+v", r)
	}
	s.want("SELECT SUM(amount_fen) FROM sale", 1500)
	s.want("SELECT COUNT(*) FROM quarantine", 0)
}

func anyBorders(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Tx).Sales(20, 1000, 300)
	s.one(f.Batch(t, 15, 6), f.Batch(t, 1, 4))
	s.one(f.Batch(t, 3, 5))
	if r := s.one(f.Batch(t, 6, 12)); r.Ack.Ack != 20 || len(r.Ack.Gaps) != 0 {
		t.Errorf("%+v", r.Ack)
	}
	s.want("SELECT COUNT(*) FROM sale", 20)
}

func gaps(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Rd).Readings(30)
	r := s.one(f.Batch(t, 1, 5), f.Batch(t, 8, 2), f.Batch(t, 20, 1))
	if want := [][2]uint64{{6, 7}, {10, 19}}; r.Ack.Ack != 5 || !reflect.DeepEqual(r.Ack.Gaps, want) {
		t.Errorf("%+v, want 5 and %v", r.Ack, want)
	}
	if r = s.one(f.Batch(t, 6, 2)); r.Ack.Ack != 9 || !reflect.DeepEqual(r.Ack.Gaps, [][2]uint64{{10, 19}}) {
		t.Errorf("%+v", r.Ack)
	}
	if r = s.one(f.Batch(t, 10, 10)); r.Ack.Ack != 20 || r.Ack.Gaps != nil {
		t.Errorf("%+v", r.Ack)
	}
}

func conflict(t *testing.T, s *subject) {
	mine := NewFeed("n1", "e1", contract.Tx).Sales(3, 1000, 300)
	clone := NewFeed("n1", "e1", contract.Tx).Sales(2, 1000, 300).Sales(1, 9000, 2700)
	s.one(mine.Batch(t, 1, 3))
	r := s.one(clone.Batch(t, 1, 3))
	if r.Counts != (central.Counts{Duplicates: 2, Conflicts: 1}) || r.Ack.Ack != 3 {
		t.Errorf("%+v", r)
	}
	if len(r.Ack.Nacks) != 1 || r.Ack.Nacks[0].Seq != 3 || r.Ack.Nacks[0].Code != contract.CodeConflict {
		t.Errorf("%+v", r.Ack.Nacks)
	}
	if r = s.one(clone.Batch(t, 1, 3)); r.Counts.Conflicts != 0 {
		t.Errorf("counted again: %+v", r.Counts)
	}
	s.want("SELECT SUM(amount_fen) FROM sale", 900)
	var raw []byte
	if err := s.DB.QueryRow("SELECT raw FROM quarantine WHERE seq = 3").Scan(&raw); err != nil || string(raw) != string(clone.Queue.Raw(3)) {
		t.Errorf("quarantine has %s, %v", raw, err)
	}
}

func badRecord(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Tx).Sales(1, 1000, 300)
	bad := json.RawMessage(`{"seq":2,"what":"is this"}`)
	f.AppendRaw(bad)
	f.Sales(1, 1000, 300)
	r := s.one(f.Batch(t, 1, 3))
	if r.Ack.Ack != 3 || r.Counts.Stored != 2 || r.Counts.Quarantined != 1 || r.Counts.Breaks != 0 {
		t.Errorf("%+v", r)
	}
	if len(r.Ack.Nacks) != 1 || r.Ack.Nacks[0].Seq != 2 || r.Ack.Nacks[0].Code != contract.CodeBadRecord {
		t.Errorf("%+v", r.Ack.Nacks)
	}
	var raw []byte
	if err := s.DB.QueryRow("SELECT raw FROM quarantine WHERE seq = 2").Scan(&raw); err != nil || string(raw) != string(bad) {
		t.Errorf("quarantine has %s, %v", raw, err)
	}
	f.Sales(1, 1, 1)
	if r = s.one(f.Batch(t, 4, 1)); r.Ack.Ack != 4 || len(r.Ack.Nacks) != 1 {
		t.Errorf("a later retained ack must tell of the nack too: %+v", r.Ack)
	}
}

func unknownType(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Ev)
	f.Append("later_invention", "x", Start, map[string]int{"a": 1})
	if r := s.one(f.Batch(t, 1, 1)); r.Ack.Ack != 1 || r.Counts.Stored != 1 {
		t.Errorf("%+v", r)
	}
}

func brokenChain(t *testing.T, s *subject) {
	a := NewFeed("n1", "e1", contract.Tx).Sales(2, 1000, 300)
	b := NewFeed("n1", "e1", contract.Tx).Sales(1, 7, 7).Sales(3, 1000, 300)
	s.one(a.Batch(t, 1, 2))
	if r := s.one(b.Batch(t, 3, 2)); r.Counts.Stored != 2 || r.Counts.Breaks != 1 {
		t.Errorf("%+v", r.Counts)
	}
	s.want("SELECT seq FROM record WHERE chained = 0", 3)
}

func epochs(t *testing.T, s *subject) {
	receipts := s.commit(
		NewFeed("n1", "e1", contract.Tx).Sales(3, 1000, 300).Batch(t, 1, 3),
		NewFeed("n1", "e2", contract.Tx).Sales(2, 1000, 300).Batch(t, 1, 2),
		NewFeed("n2", "e1", contract.Tx).Sales(1, 1000, 300).Batch(t, 1, 1),
		NewFeed("n1", "e1", contract.Rd).Readings(4).Batch(t, 1, 4),
	)
	got := map[string]uint64{}
	for _, r := range receipts {
		got[r.Node+r.Ack.Epoch+string(r.Stream)] = r.Ack.Ack
	}
	want := map[string]uint64{"n1e1tx": 3, "n1e2tx": 2, "n2e1tx": 1, "n1e1rd": 4}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func lost(t *testing.T, s *subject) {
	rd := NewFeed("n1", "e1", contract.Rd).Readings(30)
	s.one(rd.Batch(t, 1, 5))
	if r := s.one(rd.Batch(t, 21, 10)); r.Ack.Ack != 5 || len(r.Ack.Gaps) != 1 {
		t.Errorf("%+v", r.Ack)
	}
	ev := NewFeed("n1", "e1", contract.Ev)
	ev.Append(contract.TypeReadingsLost, "rd/4-18", Start, contract.ReadingsLost{First: 4, Last: 18, Why: "damaged"})
	ev.Append(contract.TypeReadingsLost, "rd/19-20", Start, contract.ReadingsLost{First: 19, Last: 20, Why: "damaged"})
	ev.Append(contract.TypeReadingsLost, "rd/9-1", Start, contract.ReadingsLost{First: 9, Last: 1, Why: "nonsense"})
	receipts := s.commit(ev.Batch(t, 1, 1), rd.Batch(t, 21, 1))
	for _, r := range receipts {
		want := map[contract.Stream]uint64{contract.Ev: 1, contract.Rd: 18}[r.Stream]
		if r.Ack.Ack != want || len(receipts) != 2 {
			t.Errorf("%s: %+v, want %d", r.Stream, r.Ack, want)
		}
	}
	for _, r := range s.commit(ev.Batch(t, 1, 3)) { // rd moves though nothing of it came
		want := map[contract.Stream]uint64{contract.Ev: 3, contract.Rd: 30}[r.Stream]
		if r.Ack.Ack != want || len(r.Ack.Gaps) != 0 {
			t.Errorf("%s: %+v, want %d", r.Stream, r.Ack, want)
		}
	}
	s.want("SELECT COUNT(*) FROM lost", 2)
	s.want("SELECT COUNT(*) FROM quarantine", 1)
}

func facts(t *testing.T, s *subject) {
	tx := NewFeed("n1", "e1", contract.Tx).Sales(2, 10_000, 2_600).Sales(1, 5_000, 1_300)
	rd := NewFeed("n1", "e1", contract.Rd).Readings(2)
	rd.Append(contract.TypeReadingFailed, "m2", Start, contract.ReadingFailed{Meter: "m2", At: contract.At(Start), Line: "l1", Code: "no_answer"})
	s.commit(tx.Batch(t, 1, 3), rd.Batch(t, 1, 3))
	s.want("SELECT SUM(volume_l) FROM sale WHERE kind = 'sale'", 25_000)
	s.want("SELECT SUM(amount_fen) FROM sale WHERE station = 'n1'", 6_500)
	s.want("SELECT COUNT(*) FROM reading WHERE meter = 'm1' AND value = '2.5' AND unit = 'm3'", 1)
	s.want("SELECT COUNT(*) FROM reading WHERE meter = 'm2' AND code = 'no_answer' AND value IS NULL", 1)
}

func refused(t *testing.T, s *subject) {
	d := contract.Delivery{Topic: "tally/v1/n1/up/tx", Payload: []byte("{\x00garbage\xff")}
	why := &contract.Invalid{Code: contract.CodeBadEnvelope, Where: "$", Why: "not JSON"}
	for range 3 {
		if err := s.Store.Refuse(context.Background(), d, why, Start); err != nil {
			t.Fatal(err)
		}
	}
	s.want("SELECT COUNT(*) FROM refused", 1)
}

func oddText(t *testing.T, s *subject) {
	f := NewFeed("n1", "e1", contract.Tx)
	f.Append(contract.TypeSale, "id\x00", Start, contract.Sale{Order: "a\x00b", Account: "\xff", Card: strings.Repeat("厅", 100), Currency: "CNY"})
	if r := s.one(f.Batch(t, 1, 1)); r.Ack.Ack != 1 {
		t.Errorf("%+v", r)
	}
}

func several(t *testing.T, s *subject) {
	const streams, rounds = 4, 10
	var wg sync.WaitGroup
	feeds := make([]*Feed, streams)
	for i := range feeds {
		feeds[i] = NewFeed("n"+string(rune('a'+i)), "e1", contract.Tx).Sales(rounds*5, 10, 3)
	}
	for range 3 { // three writers with the same work
		wg.Go(func() {
			for r := range rounds {
				var batches []central.Batch
				for _, f := range feeds {
					batches = append(batches, f.Batch(t, uint64(r*5+1), 5))
				}
				if _, err := s.Store.Commit(context.Background(), batches, Start); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.want("SELECT COUNT(*) FROM sale", streams*rounds*5)
	s.want("SELECT COUNT(*) FROM quarantine", 0)
	s.want("SELECT MIN(acked) FROM stream_state", rounds*5)
}

// statement is what the node of tx says about all of its sales.
func statement(tx *Feed, sales, volume, amount int64) contract.Statement {
	last := tx.State().Next - 1
	return contract.Statement{
		From: contract.At(Start), To: contract.At(Start.AddDate(0, 0, 1)), Sales: sales, VolumeL: volume, AmountFen: amount,
		Heads: []contract.Head{{Stream: contract.Tx, Seq: last, SHA256: contract.Hash(tx.Queue.Raw(last))}},
	}
}

func reconciled(t *testing.T, s *subject) {
	tx, ev := NewFeed("n1", "e1", contract.Tx).Sales(10, 1000, 300), NewFeed("n1", "e1", contract.Ev)
	ev.Append(contract.TypeStatement, "d1", Start, statement(tx, 10, 10_000, 3_000))
	s.commit(ev.Batch(t, 1, 1))
	want := func(statements, findings int, text string) {
		t.Helper()
		r, err := s.Store.Reconcile(context.Background(), central.Query{})
		found, n := r.Findings, 0
		for _, a := range r.Accounts {
			n += a.Statements
		}
		if err != nil || n != statements || len(found) != findings {
			t.Fatalf("%d statements, findings %+v, %v", n, found, err)
		}
		if findings > 0 && !strings.Contains(found[0].Text, text) {
			t.Errorf("%+v, want %q", found, text)
		}
	}
	want(1, 2, "here are 0, 0, 0") // and the head is not here
	s.commit(tx.Batch(t, 1, 10))
	want(1, 0, "")

	clone := NewFeed("n1", "e1", contract.Tx).Sales(9, 1000, 300).Sales(1, 1000, 301)
	ev.Append(contract.TypeStatement, "d2", Start, statement(clone, 10, 10_000, 3_001))
	s.commit(ev.Batch(t, 2, 1))
	want(2, 2, "the node counts 10, 10000, 3001, here are 10, 10000, 3000")

	if _, err := s.DB.Exec("DELETE FROM statement"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec("DELETE FROM statement_head"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec("DELETE FROM record WHERE seq = 4"); err != nil { // somebody helped himself
		t.Fatal(err)
	}
	want(0, 1, "tx: 10 are acknowledged, and fewer are here")
}
