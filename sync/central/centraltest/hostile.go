package centraltest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"tally/sync/central"
	"tally/sync/contract"
)

// noise is a text that no database makes smaller: an index of PostgreSQL takes 2.7 kB at the most, compressed.
func noise(n int) string {
	raw := make([]byte, n/2)
	rand.Read(raw)
	return hex.EncodeToString(raw)
}

// hostileFacts: whatever one node says, its records are stored or in quarantine, and the other nodes are served.
func hostileFacts(t *testing.T, s *subject) {
	s.status("good", Start, nil)
	s.status("bad", Start, nil)
	huge := contract.Sale{Order: "o", Account: "0001", Card: "c1", VolumeL: math.MaxInt64, AmountFen: math.MaxInt64, Currency: "CNY", Period: "2026-01-01"}
	long := huge
	long.VolumeL, long.AmountFen, long.Account = 1, 1, noise(8000)
	period := huge
	period.VolumeL, period.AmountFen, period.Period = 1, 1, noise(8000)
	card := huge
	card.VolumeL, card.AmountFen, card.Card = 1, 1, noise(8000)
	tx := NewFeed("bad", "e1", contract.Tx)
	for _, sale := range []contract.Sale{huge, huge, huge, long, period, card} {
		tx.Append(contract.TypeSale, "o", Start, sale)
	}
	tx.Append(contract.TypeCardReissue, "o", Start, contract.CardOperation{Account: "0002", Card: "c2", OldCard: noise(8000), OldIssue: 1})
	tx.Append(contract.TypeCardIssue, "o", Start, contract.CardOperation{Account: noise(8000), Card: "c2"})
	ev := NewFeed("bad", "e1", contract.Ev)
	ev.Append(contract.TypeSaleLock, "l", Start, contract.SaleLock{Account: noise(8000), At: contract.At(Start)})
	ev.Append(contract.TypeCardLost, "l", Start, contract.CardReport{Account: noise(8000), Card: "c1", At: contract.At(Start)})
	ev.Append(contract.TypeCardLost, "l", Start, contract.CardReport{Account: "0001", Card: noise(8000), At: contract.At(Start)})
	ev.Append(contract.TypeStatement, "s", Start, contract.Statement{Sales: math.MinInt64, VolumeL: math.MinInt64, AmountFen: math.MinInt64,
		Heads: []contract.Head{{Stream: "tx", Seq: math.MaxUint64, SHA256: noise(8000)}}})
	for i, f := range []*Feed{tx, ev} {
		last := f.State().Next - 1
		for seq := uint64(1); seq <= last; seq++ {
			if r := s.one(f.Batch(t, seq, 1)); r.Ack.Ack != seq {
				t.Errorf("stream %d: record %d of %d is not done with: %+v", i, seq, last, r.Ack)
			}
		}
	}
	good := NewFeed("good", "e1", contract.Tx).Sales(3, 1000, 300)
	if r := s.one(good.Batch(t, 1, 3)); r.Counts.Stored != 3 {
		t.Errorf("%+v", r)
	}
	s.compose("good", Start)
	if rep, err := s.Store.Reconcile(always, central.Query{}); err != nil || len(rep.Accounts) != 2 {
		t.Errorf("%+v, %v", rep, err)
	}
}

// hostilePayloads: a node may write what it likes below its own topic, as much and as long as it likes.
func hostilePayloads(t *testing.T, s *subject) {
	why := &contract.Invalid{Code: contract.CodeBadEnvelope, Where: "$", Why: "not JSON"}
	refuse := func(topic string, payload string) {
		t.Helper()
		if err := s.Store.Refuse(context.Background(), contract.Delivery{Topic: topic, Payload: []byte(payload)}, why, Start); err != nil {
			t.Fatal(err)
		}
	}
	refuse("tally/v1/bad/up/"+noise(60_000), "x")
	refuse("tally/v1/bad/up/tx", strings.Repeat("x", 4<<20))
	s.want("SELECT CASE WHEN MAX(LENGTH(payload)) < 200000 THEN 1 ELSE 0 END FROM refused", 1)
	for i := range 1100 {
		refuse("tally/v1/bad/up/"+noise(8), strings.Repeat("y", i))
	}
	s.want("SELECT CASE WHEN COUNT(*) <= 1000 THEN 1 ELSE 0 END FROM refused", 1)
	before := s.number("SELECT COUNT(*) FROM refused")
	refuse("tally/v1/good/up/tx", "z")
	s.want("SELECT COUNT(*) FROM refused", before+1)
}
