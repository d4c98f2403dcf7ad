package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tally/cardreader/purse"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/counter"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/outbox"
)

// bookNode is a running node with customers and events, and the command's end of its door.
func bookNode(t *testing.T) (*Node, *control.Client) {
	t.Helper()
	cfg := config.Node{Name: "n", DataDir: t.TempDir(), HTTP: config.HTTP{Listen: "127.0.0.1:0"}}
	n, err := New(t.Context(), cfg, Parts{Version: "test", Grace: patience, Storage: storage.Options{Ballast: -1}, Seed: seedBooks}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	during(t, n.Run)
	client := control.NewClient(cfg.Socket())
	t.Cleanup(client.Close)
	return n, client
}

const seeded = 1203

func seedBooks(ctx context.Context, store counter.Store) error {
	return store.Update(ctx, func(tx counter.Tx) error {
		var err error
		for i := range seeded {
			a := counter.Account{No: fmt.Sprintf("%06d", i), Name: "王秀兰", Phone: "13800010001", Address: "滨江路 17 号",
				Card: purse.CardID{Region: 1, No: fmt.Sprintf("%08d", i)}}
			err = errors.Join(err, tx.PutAccount(a))
		}
		for i := range 300 {
			err = errors.Join(err, tx.Emit(outbox.Draft{Stream: contract.Ev, Type: []string{"odd", "even"}[i%2], ID: fmt.Sprint(i),
				Body: map[string]any{"name": "李雷", "values": []map[string]string{{"name": "volume", "value": "1", "unit": "m3"}}}}))
		}
		return err
	})
}

func TestTheDoorShowsWhatWaitsAndWhatHappened(t *testing.T) {
	n, c := bookNode(t)
	o, err := c.Outbox(t.Context())
	if err != nil || o.Configured || len(o.Streams) != 3 || o.Streams[1].Name != "ev" || o.Streams[1].Waiting != 301 || o.Epoch != n.store.Epoch() {
		t.Errorf("%+v, %v", o, err)
	}
	events, err := c.Events(t.Context(), control.EventQuery{N: 250, Types: []string{"even", "node_started"}})
	if err != nil || len(events) != 151 || events[0].Seq < events[1].Seq || events[150].Type != "node_started" {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if body := string(events[0].Body); strings.Contains(body, "李雷") || !strings.Contains(body, "李**") || !strings.Contains(body, `"volume"`) {
		t.Errorf("body %s", body)
	}
	if _, err := c.Events(t.Context(), control.EventQuery{N: 0}); err == nil {
		t.Error("no events were asked for and some came")
	}
}

func TestTheDoorCopiesAndChecks(t *testing.T) {
	n, c := bookNode(t)
	made, err := c.Backup(t.Context())
	if err != nil || made.Files < 2 || made.Bytes == 0 {
		t.Fatalf("%+v, %v", made, err)
	}
	if rep, err := storage.CheckFolder(t.Context(), made.Dir); err != nil || !rep.OK() {
		t.Errorf("%+v, %v", rep, err)
	}
	checked, err := c.Check(t.Context())
	if err != nil || len(checked.Findings) != 0 || checked.Records["ev"] < 301 {
		t.Errorf("%+v, %v", checked, err)
	}
	if err := n.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPersonalDataLeaveMaskedOrWithAReasonOnRecord: an export without a reason gives nothing.
func TestPersonalDataLeaveMaskedOrWithAReasonOnRecord(t *testing.T) {
	_, c := bookNode(t)
	take := func(q control.ExportQuery) (lines []string, err error) {
		err = c.Export(t.Context(), q, func(raw json.RawMessage) error { lines = append(lines, string(raw)); return nil })
		return lines, err
	}
	accounts, err := take(control.ExportQuery{What: control.ExportAccounts, By: "tech"})
	if err != nil || len(accounts) != seeded || !strings.Contains(accounts[0], `"000000"`) || !strings.Contains(accounts[seeded-1], `"001202"`) {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
	if all := strings.Join(accounts, ""); strings.Contains(all, "秀兰") || strings.Contains(all, "13800010001") || strings.Contains(all, "17 号") {
		t.Error("personal data are not masked")
	}
	for _, reason := range []string{"", "  ", "x"} {
		lines, err := take(control.ExportQuery{What: control.ExportAccounts, Unmasked: true, Reason: reason})
		if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.CodeNoReason || len(lines) != 0 {
			t.Errorf("reason %q: %d lines, %v", reason, len(lines), err)
		}
	}
	clear, err := take(control.ExportQuery{What: control.ExportAccounts, Unmasked: true, Reason: "court order 17", By: "tech"})
	if err != nil || !strings.Contains(clear[0], "王秀兰") {
		t.Errorf("%v", err)
	}
	events, err := c.Events(t.Context(), control.EventQuery{N: 5, Types: []string{contract.TypeExport}})
	if err != nil || len(events) != 2 || !strings.Contains(string(events[0].Body), "court order 17") || !strings.Contains(string(events[0].Body), `"by":"tech"`) {
		t.Errorf("%+v, %v", events, err)
	}
	records, err := take(control.ExportQuery{What: control.ExportRecords, Stream: "ev", From: 1, To: 1})
	if err != nil || len(records) != 1 || !strings.HasPrefix(records[0], `{"seq":1,`) || strings.Contains(records[0], "王") {
		t.Errorf("%v, %v", records, err)
	}
	if _, err := take(control.ExportQuery{What: control.ExportRecords, Stream: "xx"}); err == nil {
		t.Error("a stream that is none was exported")
	}
	stop := errors.New("enough")
	if err := c.Export(t.Context(), control.ExportQuery{What: control.ExportAccounts}, func(json.RawMessage) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestAReceiptCarriesTheCodeOfItsChain, and a reprint the same one.
func TestAReceiptCarriesTheCodeOfItsChain(t *testing.T) {
	s := soldOnce(t)
	h, err := s.store.Head(t.Context(), contract.Tx)
	if err != nil || s.receipt.Audit == "" || s.receipt.Audit != h.Code() {
		t.Errorf("receipt says %q, the chain %q, %v", s.receipt.Audit, h.Code(), err)
	}
	emitEv(t, s.store, "x")
	err = s.store.Update(t.Context(), func(tx counter.Tx) error {
		return tx.Emit(outbox.Draft{Stream: contract.Tx, Type: "later", ID: "x", Body: struct{}{}})
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.service.Receipt(t.Context(), s.session, s.receipt.Order, true)
	if err != nil || again.Audit != s.receipt.Audit || again.Copy != 1 {
		t.Errorf("copy says %q, %v", again.Audit, err)
	}
}
