package centre_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/daemon"
	"tally/counter"
	"tally/storage"
	"tally/sync/central"
	"tally/sync/central/dispatch"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// hall is a node with a real ledger, whose sales are written by the test.
type hall struct {
	name  string
	store *storage.Store
	stop  func()
	sold  int
}

// startHall runs a node on a ledger: link, delivery, and an inbox that obeys key.
func startHall(t *testing.T, broker, name string, key central.Key) *hall {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{Node: name, KeepReadings: time.Hour, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{name: name, store: s}
	h.run(t, broker, key)
	t.Cleanup(func() { h.stop(); s.Close() })
	return h
}

func (h *hall) run(t *testing.T, broker string, key central.Key) {
	t.Helper()
	in, err := inbox.New(inbox.Config{
		Node: h.name, Keys: func() contract.Keys { return contract.Keys{key.Name: key.Public()} },
		Handlers: map[string]inbox.Handler{contract.CommandResend: h.resend},
	}, h.store.Commands())
	if err != nil {
		t.Fatal(err)
	}
	var pump *outbox.Pump
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{
		Node: h.name, Config: mqttlink.Config{Broker: broker, RedialMin: 10 * time.Millisecond, RedialMax: 100 * time.Millisecond}, Down: in.Take, Every: 100 * time.Millisecond,
		Status: func() contract.Status {
			return contract.Status{V: 1, Boot: "b", Version: "1", Epoch: h.store.Epoch(), Clock: "ok", Region: 3301, Streams: pump.Streams()}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pump, err = outbox.NewPump(outbox.Config{Node: h.name, Boot: "b", AckTimeout: 30 * time.Second, Pause: 20 * time.Millisecond}, link,
		h.store.Queue(contract.Tx), h.store.Queue(contract.Ev), h.store.Queue(contract.Rd))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{link.Run, pump.Run, in.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	h.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
}

func (h *hall) resend(ctx context.Context, c contract.Command) (any, error) {
	args, err := contract.OpenArgs[contract.ResendArgs](c.Args)
	if err != nil {
		return nil, err
	}
	if args.Epoch != h.store.Epoch() {
		return nil, fmt.Errorf("epoch %s is not here", args.Epoch)
	}
	from, err := h.store.Resend(ctx, args.Stream, args.From)
	return contract.ResendResult{From: from, To: args.To}, err
}

// sell commits n sales of 3 fen each, in transactions of 10; what it returns from is stored.
func (h *hall) sell(t *testing.T, n int) {
	t.Helper()
	for done := 0; done < n; {
		some := min(10, n-done)
		from := h.sold
		err := h.store.Update(context.Background(), func(tx counter.Tx) error {
			for i := range some {
				id := fmt.Sprintf("%s-%d", h.name, from+i)
				body := contract.Sale{Order: id, Account: "0001", Region: 3301, Card: "c1", Meter: "m1", Operator: "op", Station: h.name,
					VolumeL: 10, AmountFen: 3, Currency: "CNY", CardUnit: "0.1m3", CardSeq: uint16(from + i), Period: "2026-01-01", IntentAt: contract.At(time.Now())}
				if err := tx.Emit(outbox.Draft{Stream: contract.Tx, Type: contract.TypeSale, ID: id, Body: body}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		done += some
		h.sold += some
	}
}

func (h *hall) delivered(s contract.Stream) func() bool {
	return func() bool { return h.store.Queue(s).State().Waiting() == 0 }
}

// few envelopes go into a transaction of a centre here, so that none takes longer than nodes wait for its word: 64 of them,
// 3200 sales, took a minute on a busy machine under the race detector, and came again meanwhile.
const few = 8

// quick makes a centre look at things often.
var quick = centre.Options{
	Redial: 10 * time.Millisecond, Grace: patience, Ingest: central.Options{Most: few, Retry: 20 * time.Millisecond, RetryMax: 100 * time.Millisecond},
	Dispatch: dispatch.Options{Every: 50 * time.Millisecond, Repeat: time.Second, Compose: 100 * time.Millisecond, AskGaps: 200 * time.Millisecond},
}

// open runs a centre until the test ends or stop is called.
func open(t *testing.T, c config.Central) (ce *centre.Centre, stop func()) {
	t.Helper()
	return openWith(t, c, quick)
}

func openWith(t *testing.T, c config.Central, o centre.Options) (ce *centre.Centre, stop func()) {
	t.Helper()
	ce, err := centre.NewWith(context.Background(), c, quiet, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ce.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return ce, stop
}

// withKey makes a signing key, and the file that nodes are given.
func withKey(t *testing.T, c *config.Central) (key central.Key, public string) {
	t.Helper()
	c.SigningKey = filepath.Join(t.TempDir(), "central.key")
	key, err := central.CreateKey(c.SigningKey)
	if err != nil {
		t.Fatal(err)
	}
	public = c.SigningKey + ".pub"
	if err := os.WriteFile(public, []byte(key.Text()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return key, public
}

func desk(t *testing.T, c config.Central) cli.CentralDesk {
	t.Helper()
	d, err := centre.OpenDesk(time.Now)(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// startDaemon runs the node that is shipped, without a counter.
func startDaemon(t *testing.T, broker, name, public string) (stop func()) {
	t.Helper()
	n, err := daemon.New(t.Context(), config.Node{
		Name: name, DataDir: t.TempDir(), HTTP: config.HTTP{Listen: "127.0.0.1:0"},
		Uplink: &config.Uplink{Broker: "tcp://" + broker, Delivery: config.Delivery{CentreKeys: []string{public}, KeepReadings: time.Hour}},
	}, daemon.Parts{Version: "test", Grace: patience}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}
