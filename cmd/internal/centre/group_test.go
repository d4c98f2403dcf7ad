//go:build unix

package centre_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"tally/cmd/internal/centre"
	"tally/cmd/internal/config"
	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/central/postgres/pgtest"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
)

// instance is one centre of a group, running.
type instance struct {
	*centre.Centre
	stop func()
}

func startInstance(t *testing.T, broker, where string, i int) *instance {
	t.Helper()
	c := config.Central{ID: fmt.Sprintf("central-%d", i), Postgres: where, Group: "ingest", Uplink: config.Uplink{Broker: "tcp://" + broker}}
	s, err := centre.NewWith(t.Context(), c, quiet, centre.Options{Redial: 10 * time.Millisecond, Grace: patience, Ingest: central.Options{Most: few}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return &instance{s, stop}
}

func TestInstancesSideBySide(t *testing.T) {
	broker, where := mqtttest.StartMosquitto(t).Addr, pgtest.Start(t).Database()
	var group []*instance
	for i := range 3 {
		group = append(group, startInstance(t, broker, where, i))
	}
	for _, in := range group { // who comes when all is done has no share
		wait(t, "the group is there", func() bool { return in.Ready(t.Context()) == nil })
	}
	const nodes, sales = 8, 100
	var feeds []*centraltest.Feed
	for i := range nodes {
		f := centraltest.NewFeed(fmt.Sprintf("n%d", i), "e1", contract.Tx).Sales(sales, 10, 3)
		feeds = append(feeds, f)
		startNode(t, broker, f.Node, f)
	}
	acked := func() (n uint64) {
		for _, f := range feeds {
			n += f.State().Acked
		}
		return n
	}
	wait(t, "the group is at work", func() bool { return acked() > nodes*sales/4 })
	group[0].stop() // the others go on, though its will says that the centre is gone
	for _, f := range feeds {
		f.Sales(sales, 10, 3)
	}
	wait(t, "all", func() bool { return acked() == 2*nodes*sales })
	db := group[1].DB()
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM sale": 2 * nodes * sales, "SELECT SUM(amount_fen) FROM sale": 2 * nodes * sales * 3,
		"SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM record WHERE chained = 0": 0,
	} {
		if got := number(t, db, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	for i, in := range group {
		if in.Stats().Envelopes == 0 {
			t.Errorf("instance %d had no share of the work", i)
		}
	}
}

func TestTheDatabaseGoesAndComesBack(t *testing.T) {
	broker, c := mqtttest.StartMosquitto(t).Addr, pgtest.Start(t)
	in := startInstance(t, broker, c.Database(), 0)
	f := centraltest.NewFeed("n1", "e1", contract.Tx).Sales(100, 10, 3)
	startNode(t, broker, "n1", f)
	wait(t, "the first", func() bool { return f.State().Waiting() == 0 })
	c.Kill()
	f.Sales(500, 10, 3)
	wait(t, "it has noticed", func() bool { return in.Stats().StoreErrors > 1 })
	if got := f.State().Acked; got != 100 {
		t.Errorf("%d acknowledged without a database", got)
	}
	c.Up()
	wait(t, "the rest", func() bool { return f.State().Waiting() == 0 })
	if got := number(t, in.DB(), "SELECT COUNT(*) FROM sale"); got != 600 {
		t.Errorf("%d sales", got)
	}
}

// Three instances on one database carry down what is wanted: each command is sent by one of them, and one desired state
// comes of one change.
func TestInstancesCarryDownTogether(t *testing.T) {
	broker, where := mqtttest.StartMosquitto(t).Addr, pgtest.Start(t).Database()
	var conf config.Central
	key, _ := withKey(t, &conf)
	conf.Postgres, conf.Group, conf.Uplink.Broker = where, "ingest", "tcp://"+broker
	var group []*centre.Centre
	once := quick
	once.Dispatch.Repeat = time.Hour // however long the answer takes: a second time would be somebody else's
	for i := range 3 {
		conf.ID = fmt.Sprintf("central-%d", i)
		ce, _ := openWith(t, conf, once)
		group = append(group, ce)
	}
	h := startHall(t, broker, "hall-1", key)
	d := desk(t, conf)
	wait(t, "the node is known", func() bool { n, err := d.Nodes(t.Context()); return err == nil && len(n) == 1 && n[0].Desired > 0 })
	args := fmt.Sprintf(`{"stream":"tx","epoch":%q,"from":1,"to":0}`, h.store.Epoch())
	h.sell(t, 20)
	wait(t, "sold", h.delivered(contract.Tx))
	c, err := d.Issue(t.Context(), central.Order{Node: "hall-1", Type: contract.CommandResend, Args: json.RawMessage(args), Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the result", func() bool { s, err := d.Command(t.Context(), c.ID); return err == nil && s.Finished != nil })
	if s, err := d.Command(t.Context(), c.ID); err != nil || s.Outcome != contract.Done || s.Sent != 1 {
		t.Errorf("sent %d times: %+v %v", s.Sent, s, err)
	}
	versions := func() int64 { return number(t, group[0].DB(), "SELECT COUNT(*) FROM desired_upto") }
	before := versions()
	if err := d.Lock(t.Context(), "0001", "leak", "li"); err != nil {
		t.Fatal(err)
	}
	wait(t, "it is published", func() bool {
		return number(t, group[0].DB(), "SELECT COUNT(*) FROM desired WHERE published = version") == 1 && versions() > before
	})
	if after := versions(); after != before+1 {
		t.Errorf("%d desired states came of one change", after-before)
	}
	wait(t, "the sales came again and changed nothing", func() bool {
		var again uint64
		for _, ce := range group {
			again += ce.Stats().Duplicates
		}
		return again >= 20
	})
	if got := number(t, group[0].DB(), "SELECT SUM(volume_l) FROM bought"); got != 200 {
		t.Errorf("%d litres", got)
	}
}
