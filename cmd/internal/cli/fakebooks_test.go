package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
)

// The fake node's books: in the ill node records have waited for an hour, and a check finds something.

func (n fakeNode) Outbox(context.Context) (control.Outbox, error) {
	o := control.Outbox{Epoch: "e-7f3a", Streams: []control.OutboxStream{{Name: "tx", First: 1, Next: 8, Acked: 7, LastAck: &at}, {Name: "rd", First: 101, Next: 120, Acked: 119}}}
	switch n {
	case "well":
		o.Configured, o.Connected, o.Central = true, true, true
	case "ill":
		oldest := at.Add(-time.Hour)
		o.Configured, o.Connected, o.Refused = true, true, 2
		o.Streams[0].Acked, o.Streams[0].Waiting, o.Streams[0].Oldest, o.Streams[0].OldestS = 2, 5, &oldest, 3600
		o.Streams[1].InFlight = 3
	}
	return o, nil
}

func (n fakeNode) Events(_ context.Context, q control.EventQuery) ([]control.Event, error) {
	all := []control.Event{
		{Seq: 12, At: at, Clock: "ok", Type: "command_result", ID: "c-1", Body: json.RawMessage(`{"command":"c-1","outcome":"done"}`)},
		{Seq: 11, At: at.Add(-time.Minute), Clock: "unsure", Type: "node_started", ID: "b-1", Body: json.RawMessage(`{"version":"v1.0.0\u001b[31m","note":"` + strings.Repeat("long ", 40) + `"}`)},
	}
	if len(q.Types) > 0 {
		all = slices.DeleteFunc(all, func(e control.Event) bool { return !slices.Contains(q.Types, e.Type) })
	}
	return all[:min(len(all), q.N)], nil
}

func (n fakeNode) Backup(context.Context) (control.BackupMade, error) {
	if n == "ill" {
		return control.BackupMade{}, &control.Error{Code: control.CodeNoRoom, Message: "a copy needs 2048 bytes, 1024 are free"}
	}
	return control.BackupMade{Dir: "/data/backup/20261121T060000Z-hand", At: at, Files: 3, Bytes: 3 << 20}, nil
}

func (n fakeNode) Check(context.Context) (control.Checked, error) {
	c := control.Checked{Files: 3, Records: map[string]uint64{"tx": 7, "ev": 12, "rd": 119}}
	if n == "ill" {
		c.Findings = []control.CheckFinding{{File: "00000000000000000001.db", Text: "record 5 is missing, 6 follows: file is damaged"}}
	}
	return c, nil
}

func (n fakeNode) Export(_ context.Context, q control.ExportQuery, f func(json.RawMessage) error) error {
	lines := []string{`{"no":"10001","name":"张**","phone":"138****0001","address":"=cmd","card":{"region":1393,"no":"00001234"}}`, `{"no":"10002","name":"李**","phone":"","address":"","card":null}`}
	if q.What == control.ExportRecords {
		lines = []string{fmt.Sprintf(`{"seq":%d,"id":"o-1","type":"sale","at":"2026-11-21T06:00:00.000Z","mono":1,"boot":"b","clock":"ok","prev":"","body":{"stream":%q,"to":%d}}`, max(q.From, 1), q.Stream, q.To)}
	}
	if q.Unmasked {
		lines = []string{fmt.Sprintf(`{"no":"10001","name":"张三丰","reason":%q,"by_is_told":%t}`, q.Reason, q.By != "")}
	}
	for _, l := range lines {
		if err := f(json.RawMessage(l)); err != nil {
			return err
		}
	}
	if n == "broken" {
		return errors.New("input/output error on /dev/sda")
	}
	return nil
}

// checkFolder is what tallyd check does with a folder of the name.
func checkFolder(ctx context.Context, dir string) (control.Checked, error) {
	switch {
	case os.Getenv("FAKE_LEDGER") == "in use":
		return control.Checked{}, fmt.Errorf("check: %w", cli.NodeRunning)
	case strings.HasSuffix(dir, "bad"):
		return fakeNode("ill").Check(ctx)
	}
	return fakeNode("well").Check(ctx)
}

func restore(_ context.Context, n config.Node, backup string) error {
	if backup == "full" {
		return fmt.Errorf("restore to %s: there is something there already: %w", n.Name, cli.ErrRefused)
	}
	fmt.Println("restore", backup, "for", n.Name)
	return nil
}
