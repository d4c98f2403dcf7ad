package central_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/inbox/inboxtest"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// answering gives results to the stream ev, as a ledger does.
type answering struct {
	inboxtest.Store
	ev *centraltest.Feed
}

func (a *answering) Finish(ctx context.Context, r contract.CommandResult) error {
	before := len(a.Results())
	if err := a.Store.Finish(ctx, r); err != nil || len(a.Results()) == before {
		return err
	}
	a.ev.Append(contract.TypeCommandResult, r.Command, time.Now(), r)
	return nil
}

func TestACommandAndItsResultOverTheWire(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	ev := centraltest.NewFeed("hall-1", "e1", contract.Ev)
	var done, desired atomic.Int32
	in, err := inbox.New(inbox.Config{
		Node: "hall-1", Keys: func() contract.Keys { return contract.Keys{"k1": key.Public().(ed25519.PublicKey)} },
		Handlers: map[string]inbox.Handler{contract.CommandReadNow: func(context.Context, contract.Command) (any, error) {
			return done.Add(1), nil
		}},
		Desired: func(_ context.Context, d contract.Desired) error { desired.Store(int32(d.Version)); return nil },
	}, &answering{ev: ev})
	if err != nil {
		t.Fatal(err)
	}
	link, err := mqttlink.NewNode(mqttlink.NodeConfig{Node: "hall-1", Config: soon(addr, ""), Down: in.Take})
	if err != nil {
		t.Fatal(err)
	}
	pump, err := outbox.NewPump(outbox.Config{Node: "hall-1", Boot: "b"}, link, ev)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the centre is connected", c.link.Connected)
	state, err := contract.Sign("k1", key, contract.Desired{Node: "hall-1", Version: 4, Issued: contract.At(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	cfg := contract.Topic{Node: "hall-1", Kind: contract.KindCfg}
	if err := c.link.Send(t.Context(), cfg, state); err != nil { // retained: the node is not there yet
		t.Fatal(err)
	}
	run(t, link.Run, pump.Run, in.Run)
	until(t, "the desired state", func() bool { return desired.Load() == 4 })

	payload, err := contract.Sign("k1", key, contract.Command{
		ID: "c1", Node: "hall-1", Counter: 1, Issued: contract.At(time.Now()), Expires: contract.At(time.Now().Add(time.Hour)),
		Type: contract.CommandReadNow, Args: json.RawMessage(`{"meters":["1"]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := contract.Topic{Node: "hall-1", Kind: contract.KindCmd}
	for range 10 {
		if err := c.link.Send(t.Context(), cmd, payload); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the result", func() bool {
		return c.number(t, "SELECT COUNT(*) FROM record WHERE type = 'command_result' AND id = 'c1'") == 1
	})
	if done.Load() != 1 {
		t.Errorf("done %d times", done.Load())
	}
	if err := c.link.Send(t.Context(), contract.Topic{Node: "hall-1", Kind: contract.KindStatus}, nil); err == nil {
		t.Error("the centre spoke in the node's name")
	}
}
