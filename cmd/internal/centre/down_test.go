package centre_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
)

// Both programs as they are shipped, a real broker between them: what people want at the centre's desk happens at the node,
// once, and they see what became of it.
func TestWhatIsWantedAtTheDeskHappensAtTheNode(t *testing.T) {
	broker := mqtttest.StartMosquitto(t).Addr
	conf := onFile(broker, filepath.Join(t.TempDir(), "central.db"))
	_, public := withKey(t, &conf)
	ce, _ := open(t, conf)
	startDaemon(t, broker, "hall-1", public)
	d := desk(t, conf)
	wait(t, "the node is known", func() bool { n, err := d.Nodes(t.Context()); return err == nil && len(n) == 1 && n[0].Online })

	order := central.Order{Node: "hall-1", Type: contract.CommandLogLevel, Args: json.RawMessage(`{"level":"debug","for_s":60}`), Life: time.Hour, Issuer: "li"}
	c, err := d.Issue(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the result", func() bool { s, err := d.Command(t.Context(), c.ID); return err == nil && s.Finished != nil })
	if s, err := d.Command(t.Context(), c.ID); err != nil || s.Outcome != contract.Done || s.Sent == 0 {
		t.Errorf("%+v %v", s, err)
	}
	if err := d.Set(t.Context(), "hall-1", contract.Settings{"log_level": json.RawMessage(`"debug"`)}); err != nil {
		t.Fatal(err)
	}
	records := func(typ string) int64 {
		return number(t, ce.DB(), "SELECT COUNT(*) FROM record WHERE type = '"+typ+"'")
	}
	wait(t, "the settings hold", func() bool { return records(contract.TypeSettingsConfirmed) > 0 })
	if err := d.Lock(t.Context(), "0001", "leak", "li"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the desired state is applied", func() bool {
		n, err := d.Nodes(t.Context())
		return err == nil && n[0].Desired > 0 && n[0].Cfg == n[0].Desired
	})
	if got := number(t, ce.DB(), "SELECT COUNT(DISTINCT id) FROM record WHERE type = 'command_result'"); got != 1 {
		t.Errorf("%d results", got)
	}
}

// The centre is restored from yesterday's backup: it asks the nodes for what it has lost, and gets it.
func TestRestoredCentreGetsTheRecordsAgain(t *testing.T) {
	broker, path := mqtttest.StartMosquitto(t).Addr, filepath.Join(t.TempDir(), "central.db")
	conf := onFile(broker, path)
	key, _ := withKey(t, &conf)
	_, stop := open(t, conf)
	h := startHall(t, broker, "hall-1", key)
	h.sell(t, 300)
	wait(t, "the first day", h.delivered(contract.Tx))
	stop()
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	_, stop = open(t, conf)
	h.sell(t, 1000) // more than a window
	wait(t, "the second day", h.delivered(contract.Tx))
	stop()
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil { // the disk is gone, this is what is left
		t.Fatal(err)
	}

	ce, _ := open(t, conf)
	h.sell(t, 50) // life goes on meanwhile
	wait(t, "all of it is here again", func() bool { return number(t, ce.DB(), "SELECT COUNT(*) FROM sale") == 1350 })
	wait(t, "and acknowledged", h.delivered(contract.Tx))
	wait(t, "the request is answered", func() bool { return number(t, ce.DB(), "SELECT COUNT(*) FROM command WHERE finished = ''") == 0 })
	for query, want := range map[string]int64{
		"SELECT SUM(amount_fen) FROM sale": 3 * 1350, "SELECT COUNT(*) FROM quarantine": 0, "SELECT COUNT(*) FROM record WHERE chained = 0": 0,
		"SELECT acked FROM stream_state WHERE stream = 'tx'": 1350, "SELECT SUM(volume_l) FROM bought": 13500,
	} {
		if got := number(t, ce.DB(), query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	r, err := desk(t, conf).Reconcile(t.Context(), central.Query{})
	if err != nil || len(r.Findings) != 0 {
		t.Errorf("%+v %v", r.Findings, err)
	}
}

// What one counter sells is known at the other, by the way of the centre.
func TestOneHallIsToldOfAnother(t *testing.T) {
	broker := mqtttest.StartMosquitto(t).Addr
	conf := onFile(broker, filepath.Join(t.TempDir(), "central.db"))
	key, _ := withKey(t, &conf)
	open(t, conf)
	first, second := startHall(t, broker, "hall-1", key), startHall(t, broker, "hall-2", key)
	d := desk(t, conf)
	wait(t, "both are known", func() bool { n, err := d.Nodes(t.Context()); return err == nil && len(n) == 2 })
	first.sell(t, 30)
	_ = second
	told := retained(t, broker, contract.TopicCfg("hall-2"))
	keys := contract.Keys{key.Name: key.Public()}
	wait(t, "hall-2 is told of the newest order", func() bool {
		state, err := contract.OpenDesired(told(), "hall-2", keys)
		if err != nil {
			return false
		}
		var a contract.Accounts
		if err := json.Unmarshal(state.Parts[contract.PartAccounts], &a); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(a.Deltas, func(d contract.AccountDelta) bool {
			return d.Account == "0001" && d.CardSeq == 29 && d.Card == "c1" && d.BoughtL == 300 && d.PeriodStart == "2026-01-01"
		})
	})
	if _, err := contract.OpenDesired(told(), "hall-1", keys); err == nil {
		t.Error("it is taken by a node that it is not for")
	}
}
