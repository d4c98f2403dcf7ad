package storage_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"tally/counter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
)

func seq(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func put(bucket, key, value string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value)) }
}

func del(bucket, key string) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Delete([]byte(key)) }
}

// TestCheckFindsWhatDoesNotFit changes one thing at a time in a good ledger; bbolt itself sees nothing wrong with any.
func TestCheckFindsWhatDoesNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*bbolt.Tx) error
		says  string
	}{
		"nothing":                {func(*bbolt.Tx) error { return nil }, ""},
		"record missing":         {del("tx", string(seq(2))), "record 2 is missing"},
		"last record missing":    {del("tx", string(seq(3))), "missing"},
		"record too many":        {put("ev", string(seq(9)), "{}"), "missing"},
		"record is no record":    {put("tx", string(seq(3)), "{}"), "not what was stored"},
		"card index missing":     {del("account_cards", "0571-c000001"), "account_cards"},
		"card index too much":    {put("account_cards", "0571-x", "000001"), "account_cards has 2 entries for 1"},
		"card index wrong":       {put("account_cards", "0571-c000001", "000002"), "account_cards"},
		"account under other no": {put("accounts", "7", `{"no":"8"}`), "account"},
		"account is no account":  {put("accounts", "7", `{`), "account"},
		"order is no order":      {put("orders", "7", `{`), "order"},
		"open order not listed":  {del("open_orders", "o000002"), "open_orders"},
		"closed order listed":    {put("open_orders", "o000001", ""), "open_orders has 2 entries for 1"},
		"request index missing":  {del("order_requests", "ro000001"), "order_requests"},
		"card order missing":     {del("card_orders", "0571-c000001\x00o000001"), "card_orders"},
		"lines do not add up":    {put("orders", "o000001", `{"id":"o000001","request":"ro000001","state":"done","account":"000001","card":{"region":1393,"no":"c000001"},"amount_fen":1,"lines":[{"amount_fen":2}]}`), "add up"},
		"sale of another amount": {put("orders", "o000001", `{"id":"o000001","request":"ro000001","state":"done","account":"000001","card":{"region":1393,"no":"c000001"},"amount_fen":7}`), "do not say the same"},
		"receipt never given":    {put("orders", "o000002", `{"id":"o000002","request":"ro000002","state":"in_doubt","account":"000001","card":{"region":1393,"no":"c000001"},"station":"hall","receipt":3}`), "receipt 3, the last of hall is 0"},
		"watermark beyond":       {put("streams", "tx", `{"first":1,"next":4,"acked":4}`), "do not fit"},
		"watermark below first":  {put("streams", "tx", `{"first":3,"next":4,"acked":1}`), "do not fit"},
		"state is no state":      {put("streams", "ev", `[`), "state of stream ev"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := storagetest.Open(t, dir, storage.Options{})
			update(t, s, func(tx counter.Tx) error {
				return errors.Join(tx.PutAccount(account(1)), tx.PutOrder(order(1, counter.Done)), tx.PutOrder(order(2, counter.InDoubt)))
			})
			emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2), draft(contract.Tx, 3), draft(contract.Ev, 1))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := storage.Spoil(filepath.Join(dir, "ledger.db"), c.spoil); err != nil {
				t.Fatal(err)
			}
			wantFinding(t, dir, c.says)
		})
	}
}

// wantFinding opens and checks; what cannot even be opened has been found too.
func wantFinding(t *testing.T, dir, says string) {
	t.Helper()
	before := treeOf(t, dir)
	rep, err := storage.CheckFolder(t.Context(), dir)
	if err != nil || rep.OK() != (says == "") || !strings.Contains(found(rep), says) {
		t.Errorf("in the folder: found %q, %v, want %q", found(rep), err, says)
	}
	if treeOf(t, dir) != before {
		t.Error("the check has changed the folder")
	}
	s, err := storage.Open(dir, storage.Options{Ballast: -1, SegmentBytes: 48 << 10})
	if err != nil {
		if says == "" || !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), says) {
			t.Errorf("open: %v, want %q", err, says)
		}
		return
	}
	defer s.Close()
	rep, err = s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.OK() != (says == "") || !strings.Contains(found(rep), says) {
		t.Errorf("found %q, want %q", found(rep), says)
	}
}

func found(rep storage.Report) string {
	var all []string
	for _, f := range rep.Findings {
		all = append(all, f.File+": "+f.Text)
	}
	return strings.Join(all, "; ")
}

// TestCheckLooksAtEverySegment spoils one in the middle in ways that only the chain shows.
func TestCheckLooksAtEverySegment(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(first uint64) func(*bbolt.Tx) error
		says  string
	}{
		"value changed": {func(first uint64) func(*bbolt.Tx) error {
			return func(tx *bbolt.Tx) error {
				b := tx.Bucket([]byte("rd"))
				raw := strings.Replace(string(b.Get(seq(first+3))), `"unit":"m3"`, `"unit":"L"`, 1)
				return b.Put(seq(first+3), []byte(raw))
			}
		}, "does not follow"},
		"record missing": {func(first uint64) func(*bbolt.Tx) error {
			return func(tx *bbolt.Tx) error { return tx.Bucket([]byte("rd")).Delete(seq(first + 3)) }
		}, "is missing"},
		"start changed": {func(first uint64) func(*bbolt.Tx) error {
			return func(tx *bbolt.Tx) error {
				raw, err := json.Marshal(map[string]any{"first": first, "next": first, "head": strings.Repeat("0", 64)})
				return errors.Join(err, tx.Bucket([]byte("streams")).Put([]byte("start"), raw))
			}
		}, "does not follow from the one before"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := storagetest.Open(t, dir, small())
			fill(t, s, 1, 300)
			storagetest.CheckAndClose(t, s)
			segs := segments(t, dir, "*.db")
			if err := storage.Spoil(segs[1], c.spoil(numberOf(t, segs[1]))); err != nil {
				t.Fatal(err)
			}
			wantFinding(t, dir, c.says)
		})
	}
}

// TestTheNewestSegmentIsVerifiedAfterACrash: a run that did not end in order may have left a newest segment that bbolt
// takes and the chain does not.
func TestTheNewestSegmentIsVerifiedAfterACrash(t *testing.T) {
	for _, crash := range []bool{false, true} {
		dir := t.TempDir()
		s := storagetest.Open(t, dir, storage.Options{})
		fill(t, s, 1, 20)
		storagetest.CheckAndClose(t, s)
		if err := storage.Spoil(segments(t, dir, "*.db")[0], func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("rd")).Delete(seq(7))
		}); err != nil {
			t.Fatal(err)
		}
		if crash {
			if err := storage.Spoil(filepath.Join(dir, "ledger.db"), put("meta", "clean", "0")); err != nil {
				t.Fatal(err)
			}
		}
		s, err := storage.Open(dir, storage.Options{Ballast: -1})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(alarms(t, s)); (n == 1) != crash {
			t.Errorf("crash %v: %d alarms", crash, n)
		}
		s.Close()
	}
}

func TestCheckCountsWhatItVerified(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), small())
	emit(t, s, draft(contract.Tx, 1), draft(contract.Tx, 2), draft(contract.Ev, 1))
	fill(t, s, 1, 200)
	rep, err := s.Check(t.Context())
	if err != nil || !rep.OK() {
		t.Fatal(found(rep), err)
	}
	if rep.Records[contract.Tx] != 2 || rep.Records[contract.Ev] != 1 || rep.Records[contract.Rd] != 200 || rep.Files < 3 {
		t.Errorf("%+v", rep)
	}
}
