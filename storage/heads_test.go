package storage_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"

	"tally/storage"
	"tally/storage/audit"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

func nodeKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pub, key
}

func TestSignedHeadsProveTheRecordsBeforeThem(t *testing.T) {
	s := storagetest.New(t)
	pub, key := nodeKey(t)
	emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2), draft(contract.Ev, 1))
	fill(t, s, 1, 3)
	if err := s.SignHeads(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	emit(t, s, draft(contract.Tx, 3))
	var rec contract.Record
	var heads audit.Heads
	decode(t, read(t, s, contract.Ev, 2)[0].Raw, &rec)
	decode(t, rec.Body, &heads)
	if err := audit.Verify(pub, "n1", s.Epoch(), heads); err != nil || rec.Type != audit.TypeHeads {
		t.Fatalf("%s: %v", rec.Type, err)
	}
	for stream, last := range map[contract.Stream]uint64{contract.Tx: 2, contract.Ev: 1, contract.Rd: 3} {
		if h := heads.Heads[stream]; h.Seq != last || h.Hash != storage.HashOf(read(t, s, stream, last)[0].Raw) {
			t.Errorf("head of %s is %+v, want that of record %d", stream, h, last)
		}
	}
	now, err := s.Head(t.Context(), contract.Tx)
	if err != nil || now.Seq != 3 || len(now.Code()) != 8 {
		t.Errorf("head of tx %+v %q: %v", now, now.Code(), err)
	}
}

func TestTheHeadOfAnEmptyChainIsSignedToo(t *testing.T) {
	s := storagetest.New(t)
	_, key := nodeKey(t)
	for range 2 {
		if err := s.SignHeads(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckFindsAChainThatWasWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	s := storagetest.Open(t, dir, storage.Options{})
	_, key := nodeKey(t)
	emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2))
	if err := errors.Join(s.SignHeads(t.Context(), key), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := storage.ForgeTx(dir, `"amount_fen":1,`, `"amount_fen":9,`); err != nil {
		t.Fatal(err)
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
