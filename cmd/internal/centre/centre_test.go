package centre_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/config"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestAWholeCentre(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := centre.NewWith(t.Context(), onFile(addr, path), quiet, centre.Options{Grace: patience})
	if err != nil {
		t.Fatal(err)
	}
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{Node: "hall-1", Config: mqttlink.Config{Broker: addr}})
	if err != nil {
		t.Fatal(err)
	}
	feed := centraltest.NewFeed("hall-1", "e1", contract.Tx).Sales(3, 1000, 260)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- s.Run(ctx) }()
	go func() { ended <- link.Run(ctx) }()
	for done := false; !done; {
		select {
		case e := <-link.Events():
			if e.Kind == outbox.CentralOnline {
				link.Publish(ctx, contract.Tx, feed.Deliver(t, 1, 3).Payload)
			}
			done = e.Kind == outbox.Acked && e.Ack.Ack == 3
		case <-time.After(patience):
			t.Fatal("no ack")
		}
	}
	var fen int64
	if err := s.DB().QueryRow("SELECT SUM(amount_fen) FROM sale").Scan(&fen); err != nil || fen != 780 {
		t.Error(fen, err)
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// onFile is the configuration of a centre without a page.
func onFile(broker, path string) config.Central {
	return config.Central{ID: "central", Database: path, Uplink: config.Uplink{Broker: "tcp://" + broker}}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open.key")
	if err := os.WriteFile(open, []byte("hunter2"), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*config.Central){
		"broker address":   func(c *config.Central) { c.Uplink.Broker = "tcp://nowhere" },
		"central database": func(c *config.Central) { c.Database = filepath.Join(t.TempDir(), "no", "such", "dir", "x.db") },
		"others than the":  func(c *config.Central) { c.SigningKey = open },
		"no such file":     func(c *config.Central) { c.SigningKey = open + "x" },
		"cannot be read":   func(c *config.Central) { c.Postgres = "postgres://u:hunter2@[bad" },
		"does not belong":  func(c *config.Central) { c.Postgres = "postgres://u:hunter2@127.0.0.1:1/x" },
	} {
		c := onFile("127.0.0.1:1", filepath.Join(t.TempDir(), "central.db"))
		change(&c)
		if _, err := centre.New(t.Context(), c, quiet); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
