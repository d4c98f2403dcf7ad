package server_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/sync/central/centraltest"
	"tally/sync/central/server"
	"tally/sync/central/sqlstore"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func TestAWholeCentre(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	path := filepath.Join(t.TempDir(), "central.db")
	s, err := server.Open(t.Context(), server.Config{Broker: addr, Database: path}, quiet)
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
		case <-time.After(time.Minute):
			t.Fatal("no ack")
		}
	}
	var fen int64
	if err := s.Store.(*sqlstore.Store).DB().QueryRow("SELECT SUM(amount_fen) FROM sale").Scan(&fen); err != nil || fen != 780 {
		t.Error(fen, err)
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	for want, c := range map[string]server.Config{
		"broker address":   {Broker: "nowhere", Database: "x"},
		"either":           {Broker: "h:1"},
		"either the path":  {Broker: "h:1", Database: "x", Postgres: "host=y"},
		"share a file":     {Broker: "h:1", Database: "x", Group: "g"},
		"central database": {Broker: "h:1", Database: filepath.Join(t.TempDir(), "no", "such", "dir", "x.db")},
	} {
		if _, err := server.Open(t.Context(), c, quiet); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
