package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tally/sync/central"
	"tally/sync/central/dispatch"
	"tally/sync/contract"
)

// fake is a store and a road that write down what is asked of them.
type fake struct {
	mu       sync.Mutex
	away     bool  // no broker
	broken   error // of the database
	refuse   error // of the broker
	due      []central.Outgoing
	outdated []string
	statuses map[string]contract.Status
	did      []string
}

func (f *fake) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, s)
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// count is how often something was done.
func (f *fake) count(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.did {
		if s == what {
			n++
		}
	}
	return n
}

func (f *fake) fails() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *fake) Due(context.Context, time.Time, time.Duration) ([]central.Outgoing, error) {
	f.note("due")
	return f.due, f.fails()
}

func (f *fake) AskAgain(context.Context, central.Signer, time.Time) ([]central.Gap, error) {
	f.note("ask")
	return []central.Gap{{Node: "n1", Stream: contract.Tx, First: 1, Last: 2}}, f.fails()
}

func (f *fake) SaveStatus(_ context.Context, node string, s contract.Status, _ time.Time) error {
	if err := f.fails(); err != nil {
		return err
	}
	f.note("status " + node)
	f.set(func() { f.statuses[node] = s })
	return nil
}

func (f *fake) Outdated(context.Context, time.Time, time.Duration) ([]string, error) {
	f.note("outdated")
	return f.outdated, f.fails()
}

func (f *fake) Compose(_ context.Context, node string, _ central.Signer, _ time.Time, _ time.Duration) error {
	f.note("compose " + node)
	if node == "bad" {
		return errors.New("cannot be composed")
	}
	return f.fails()
}

func (f *fake) Publish(ctx context.Context, _ string, _ time.Time, _ time.Duration, send func(context.Context, central.Outgoing) error) error {
	f.note("publish")
	if err := f.fails(); err != nil {
		return err
	}
	return send(ctx, central.Outgoing{Topic: contract.Topic{Node: "n1", Kind: contract.KindCfg}, Version: 1})
}

func (f *fake) Connected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.away
}

func (f *fake) Send(_ context.Context, t contract.Topic, _ []byte) error {
	f.note("send " + t.String())
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refuse
}

type signer struct{ central.Signer }

// start runs a dispatcher in a bubble of time.
func start(t *testing.T, f *fake, sign central.Signer) (d *dispatch.Dispatcher, log *bytes.Buffer) {
	t.Helper()
	f.statuses = map[string]contract.Status{}
	log = &bytes.Buffer{}
	d = dispatch.New(f, f, sign, dispatch.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d, log
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestEveryThingHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{outdated: []string{"n1", "bad", "n2"}, due: []central.Outgoing{{Topic: contract.Topic{Node: "n1", Kind: contract.KindCmd}}}}
		d, _ := start(t, f, signer{})
		pass(time.Minute + 500*time.Millisecond)
		for what, want := range map[string]int{
			"due": 61, "publish": 61, "send tally/v1/n1/dn/cmd": 61, "outdated": 13, "compose n1": 13, "compose n2": 13, "ask": 2,
		} {
			if got := f.count(what); got != want {
				t.Errorf("%s: %d times in a minute, want %d", what, got, want)
			}
		}
		if s := d.Stats(); s.Commands != 61 || s.States != 61 || s.Gaps != 2 || s.Errors != 13 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWithoutAKeyNothingIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		start(t, f, nil)
		pass(5 * time.Minute)
		if f.count("outdated")+f.count("ask") != 0 || f.count("due") == 0 {
			t.Errorf("%v", f.did)
		}
	})
}

func TestWithoutABrokerNothingCountsAsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{away: true, outdated: []string{"n1"}}
		start(t, f, signer{})
		pass(time.Minute)
		if f.count("due")+f.count("publish") != 0 || f.count("compose n1") == 0 {
			t.Errorf("%v", f.did)
		}
	})
}

func TestStatusesOutliveADatabaseThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{broken: errors.New("connection refused")}
		d, log := start(t, f, signer{})
		tell := func(node string, cfg uint64) {
			d.Heard(contract.TopicStatus(node), contract.Marshal(contract.Status{V: 1, Online: true, Cfg: cfg, At: contract.At(time.Now())}))
		}
		tell("n1", 1)
		tell("n2", 1)
		pass(10 * time.Second)
		tell("n1", 2) // newer than what waits
		d.Heard(contract.CentralStatusTopic, []byte(`{}`))
		d.Heard(contract.TopicStatus("n3"), []byte(`nonsense`))
		pass(10 * time.Second)
		f.set(func() { f.broken = nil })
		pass(10 * time.Second)
		if len(f.statuses) != 2 || f.statuses["n1"].Cfg != 2 || f.count("status n1") != 1 {
			t.Errorf("%v %v", f.statuses, f.did)
		}
		lines := strings.Split(log.String(), "\n")
		loud := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "cannot reach nodes") })
		if n := strings.Count(log.String(), "cannot reach nodes"); n != 1 || loud < 0 || !strings.Contains(log.String(), "reached again") {
			t.Errorf("a trouble that lasts is told once, not %d times:\n%s", n, log)
		}
	})
}

func TestABrokerThatRefusesIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{refuse: errors.New("gone"), due: []central.Outgoing{
			{Topic: contract.Topic{Node: "n1", Kind: contract.KindCmd}}, {Topic: contract.Topic{Node: "n2", Kind: contract.KindCmd}},
		}}
		d, _ := start(t, f, signer{})
		pass(500 * time.Millisecond)
		if s := d.Stats(); s.Commands+s.States != 0 || s.Errors != 1 || f.count("send tally/v1/n2/dn/cmd") != 0 {
			t.Errorf("%+v %v", s, f.did)
		}
	})
}
