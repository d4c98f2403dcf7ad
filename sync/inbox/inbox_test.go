package inbox_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/inbox/inboxtest"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func TestStoreInMemory(t *testing.T) {
	inboxtest.RunStore(t, func(*testing.T) inboxtest.Subject {
		s := &inboxtest.Store{}
		return inboxtest.Subject{Store: s, Results: func(*testing.T) []contract.CommandResult { return s.Results() }}
	})
}

// desk is a running inbox whose handlers write down what they did.
type desk struct {
	*inbox.Inbox
	store  *inboxtest.Store
	mu     sync.Mutex
	did    []string
	alarms []string
	sound  bool
	block  chan struct{} // a valve waits for it
	stop   func()
}

func open(t *testing.T, store *inboxtest.Store) *desk {
	t.Helper()
	d := &desk{store: store, sound: true, block: make(chan struct{})}
	note := func(what string) {
		d.mu.Lock()
		d.did = append(d.did, what)
		d.mu.Unlock()
	}
	b, err := inbox.New(inbox.Config{
		Node: "hall-1", Keys: func() contract.Keys { return contract.Keys{"k": key.Public().(ed25519.PublicKey)} },
		Handlers: map[string]inbox.Handler{
			contract.CommandReadNow: func(_ context.Context, c contract.Command) (any, error) {
				note("read " + c.ID)
				return map[string]int{"read": 3}, nil
			},
			contract.CommandValve: func(ctx context.Context, c contract.Command) (any, error) {
				note("valve " + c.ID)
				select {
				case <-d.block:
					return nil, fmt.Errorf("no answer after the order was sent: %w", inbox.ErrUnknown)
				case <-ctx.Done():
					return nil, fmt.Errorf("%w: %w", inbox.ErrUnknown, ctx.Err())
				}
			},
			contract.CommandBackup: func(context.Context, contract.Command) (any, error) {
				return nil, errors.New("no room")
			},
		},
		Desired: func(_ context.Context, s contract.Desired) error {
			note(fmt.Sprintf("become %d", s.Version))
			return nil
		},
		ClockSound: func() bool { return d.sound },
		OnAlarm: func(s string) {
			d.mu.Lock()
			d.alarms = append(d.alarms, s)
			d.mu.Unlock()
		},
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	d.Inbox = b
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return d
}

func command(t *testing.T, counter uint64, typ string) []byte {
	t.Helper()
	payload, err := contract.Sign("k", key, contract.Command{
		ID: fmt.Sprintf("c%d", counter), Node: "hall-1", Counter: counter, Issued: contract.At(time.Now()),
		Expires: contract.At(time.Now().Add(time.Hour)), Type: typ, Args: json.RawMessage("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

var cmd = contract.Topic{Node: "hall-1", Kind: contract.KindCmd}

func (d *desk) actions() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.did, ", ")
}

func TestDeliveredTenTimesItHappensOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		one, two := command(t, 1, contract.CommandReadNow), command(t, 2, contract.CommandReadNow)
		for range 10 {
			d.Take(cmd, two) // out of order
			synctest.Wait()
			d.Take(cmd, one)
			synctest.Wait()
		}
		if got := d.actions(); got != "read c2, read c1" {
			t.Error(got)
		}
		r := d.store.Results()
		if len(r) != 2 || r[0].Outcome != contract.Done || string(r[0].Result) != `{"read":3}` {
			t.Errorf("%+v", r)
		}
		d.stop()
	})
}

// Promise 7: a valve command is never repeated on its own.
func TestPromise7AValveIsNotMovedAgainAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &inboxtest.Store{}
		payload := command(t, 1, contract.CommandValve)
		d := open(t, store)
		d.Take(cmd, payload)
		synctest.Wait()
		store.Break(errors.New("power is gone")) // between the valve's move and its result
		d.stop()
		store.Break(nil)

		again := open(t, store)
		again.Take(cmd, payload)
		synctest.Wait()
		if got := d.actions() + again.actions(); got != "valve c1" {
			t.Error(got)
		}
		if r := store.Results(); len(r) != 1 || r[0].Outcome != contract.Unknown {
			t.Errorf("%+v", r)
		}
		again.stop()
	})
}

func TestOutcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		typ     string
		prepare func(d *desk)
		want    string
	}{
		"unknown":     {contract.CommandValve, func(d *desk) { close(d.block) }, contract.Unknown},
		"failed":      {contract.CommandBackup, func(*desk) {}, contract.Failed},
		"unsupported": {"self_destruct", func(*desk) {}, contract.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open(t, &inboxtest.Store{})
				tc.prepare(d)
				d.Take(cmd, command(t, 1, tc.typ))
				synctest.Wait()
				if r := d.store.Results(); len(r) != 1 || r[0].Outcome != tc.want {
					t.Errorf("%+v, want %s", r, tc.want)
				}
				d.stop()
			})
		})
	}
}

// TestACommandWaitsForASoundClock: a node that wakes up in 1970 cannot tell what has expired. It begins nothing and remembers
// nothing, and carries the command out when the clock is right and the centre sends it again.
func TestACommandWaitsForASoundClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		d.sound = false
		payload := command(t, 1, contract.CommandReadNow)
		d.Take(cmd, payload)
		synctest.Wait()
		if r := d.store.Results(); len(r) != 0 || d.actions() != "" || len(d.alarms) != 1 {
			t.Errorf("%+v, did %q, alarms %q", r, d.actions(), d.alarms)
		}
		d.sound = true
		d.Take(cmd, payload)
		synctest.Wait()
		if r := d.store.Results(); len(r) != 1 || r[0].Outcome != contract.Done {
			t.Errorf("%+v", r)
		}
		d.stop()
	})
}

func TestALateCommandIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		payload := command(t, 1, contract.CommandReadNow)
		timer := time.NewTimer(2 * time.Hour)
		<-timer.C
		d.Take(cmd, payload)
		synctest.Wait()
		if r := d.store.Results(); len(r) != 1 || r[0].Outcome != contract.NotInTime || d.actions() != "" {
			t.Errorf("%+v, %s", r, d.actions())
		}
		d.stop()
	})
}

func TestForgedCommandsDoNothingButRaiseAnAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		good := string(command(t, 1, contract.CommandValve))
		for _, bad := range []string{"", "{}", strings.Replace(good, `"k"`, `"x"`, 1), strings.Replace(good, "valve", "backup", 1)} {
			d.Take(cmd, []byte(bad))
		}
		d.Take(contract.Topic{Node: "hall-1", Kind: contract.KindCfg}, []byte(good)) // a command is no desired state
		d.Take(contract.Topic{Node: "hall-1", Kind: contract.KindAck}, []byte(good))
		synctest.Wait()
		if d.actions() != "" || len(d.store.Results()) != 0 || len(d.alarms) != 6 {
			t.Errorf("%s, %+v, %v", d.actions(), d.store.Results(), d.alarms)
		}
		d.stop()
	})
}

func TestAStoreThatRefusesMeansThatNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		synctest.Wait()
		d.store.Break(errors.New("disk full"))
		payload := command(t, 1, contract.CommandReadNow)
		d.Take(cmd, payload)
		synctest.Wait()
		if d.actions() != "" || len(d.alarms) != 1 {
			t.Errorf("%s %v", d.actions(), d.alarms)
		}
		d.store.Break(nil)
		d.Take(cmd, payload)
		synctest.Wait()
		if d.actions() != "read c1" {
			t.Error(d.actions())
		}
		d.stop()
	})
}

func TestTheDesiredStateIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, &inboxtest.Store{})
		payload, err := contract.Sign("k", key, contract.Desired{Node: "hall-1", Version: 3, Issued: contract.At(time.Now())})
		if err != nil {
			t.Fatal(err)
		}
		cfg := contract.Topic{Node: "hall-1", Kind: contract.KindCfg}
		d.Take(cfg, payload)
		d.Take(cfg, nil) // the centre has cleared it
		synctest.Wait()
		if d.actions() != "become 3" || len(d.alarms) != 0 {
			t.Error(d.actions(), d.alarms)
		}
		d.stop()
	})
}

func TestNewRefuses(t *testing.T) {
	keys := func() contract.Keys { return nil }
	for name, c := range map[string]inbox.Config{"node": {Node: "a/b", Keys: keys}, "keys": {Node: "a"}} {
		if _, err := inbox.New(c, &inboxtest.Store{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
