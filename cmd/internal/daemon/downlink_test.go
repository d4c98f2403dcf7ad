package daemon

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/cmd/internal/config"
	"tally/storage"
	"tally/storage/audit"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/porttest"
)

func TestSignedCommandsAreObeyedOnceOverARealBroker(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	n, _ := startUplinked(t, m.Addr, c, nil)

	payload, cmd := c.command(contract.CommandBackup, contract.BackupArgs{}, nil)
	for range 5 { // as a broker that doubles does
		c.send(contract.KindCmd, payload)
	}
	r := c.result(payload, cmd)
	var made backupResult
	if err := json.Unmarshal(r.Result, &made); err != nil || r.Outcome != contract.Done {
		t.Fatalf("%+v, %v", r, err)
	}
	if rep, err := storage.CheckFolder(t.Context(), filepath.Join(n.cfg.DataDir, "backup", made.Name)); err != nil || !rep.OK() {
		t.Errorf("the backup: %+v, %v", rep, err)
	}

	late, lateCmd := c.command(contract.CommandBackup, contract.BackupArgs{}, func(c *contract.Command) {
		c.Issued, c.Expires = contract.At(time.Now().Add(-2*time.Hour)), contract.At(time.Now().Add(-time.Hour))
	})
	if r := c.result(late, lateCmd); r.Outcome != contract.NotInTime {
		t.Errorf("an expired one: %+v", r)
	}
	for typ, args := range map[string]any{
		contract.CommandReadNow: map[string]any{"meters": []string{"unknown"}}, contract.CommandValve: map[string]string{"meter": "unknown", "do": "close"},
		contract.CommandResend: contract.ResendArgs{Stream: contract.Ev, Epoch: "another", From: 1}, contract.CommandLogLevel: map[string]string{"level": "loud"},
		contract.CommandSetClock: map[string]any{"meter": 7},
	} {
		if r := c.order(typ, args); r.Outcome != contract.Failed || r.Text == "" {
			t.Errorf("%s: %+v", typ, r)
		}
	}
	if r := c.order("self_destruct", struct{}{}); r.Outcome != contract.Unsupported {
		t.Errorf("unknown type: %+v", r)
	}
	if r := c.order(contract.CommandLogLevel, contract.LogLevelArgs{Level: "debug", ForS: 60}); r.Outcome != contract.Done {
		t.Errorf("log level: %+v", r)
	}
	if r := c.order(contract.CommandReadNow, contract.ReadNowArgs{}); r.Outcome != contract.Done || string(r.Result) != `{"read":0,"failed":0}` {
		t.Errorf("read now: %+v", r)
	}
	if n := c.count(contract.TypeBackupMade); n != 1 {
		t.Errorf("%d backups", n)
	}
}

// TestForgedCommandsLeaveNoTrace: another key, another node's, changed after signing, and a key that was taken away.
func TestForgedCommandsLeaveNoTrace(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	startUplinked(t, m.Addr, c, nil)
	good, _ := c.command(contract.CommandBackup, contract.BackupArgs{}, nil)
	other, _ := c.command(contract.CommandBackup, contract.BackupArgs{}, func(c *contract.Command) { c.Node = "m" })
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ours := c.key
	c.key = stranger
	foreign, _ := c.command(contract.CommandBackup, contract.BackupArgs{}, nil)
	c.key = ours
	for _, bad := range [][]byte{other, foreign, []byte(strings.Replace(string(good), "c-1", "c-9", 1)), []byte("{"), nil, []byte(`{"v":1}`)} {
		c.send(contract.KindCmd, bad)
		c.send(contract.KindCfg, bad)
	}
	c.order(contract.CommandReadNow, contract.ReadNowArgs{}) // they were taken in order
	if err := os.WriteFile(c.pub, []byte("# a new one\n"+contract.KeyText("k", stranger.Public().(ed25519.PublicKey))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.send(contract.KindCmd, good)
	c.key = stranger
	c.order(contract.CommandReadNow, contract.ReadNowArgs{})
	if n := c.count(contract.TypeBackupMade); n != 0 {
		t.Errorf("%d backups were made", n)
	}
}

// TestARestoredCentreGetsTheRecordsAgain: it has lost what it acknowledged, and asks.
func TestARestoredCentreGetsTheRecordsAgain(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	n, _ := startUplinked(t, m.Addr, c, nil)
	c.order(contract.CommandReadNow, contract.ReadNowArgs{})
	c.mu.Lock()
	clear(c.got)
	clear(c.next)
	c.mu.Unlock()
	r := c.order(contract.CommandResend, contract.ResendArgs{Stream: contract.Ev, Epoch: n.store.Epoch(), From: 1})
	if r.Outcome != contract.Done || !strings.Contains(string(r.Result), `"from":1`) {
		t.Fatalf("%+v", r)
	}
	c.await("the first record again", func(r contract.Record) bool { return r.Type == contract.TypeNodeStarted })
}

// TestABrokerThatDoesNotExistIsTakenBack: the centre pushes a wrong address, and the node finds home by itself.
func TestABrokerThatDoesNotExistIsTakenBack(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	dir := t.TempDir()
	trial := func(lasts time.Duration) func(*config.Node) {
		return func(cfg *config.Node) { cfg.DataDir, cfg.Uplink.Delivery.Confirm = dir, lasts }
	}
	n, stop := startUplinked(t, m.Addr, c, trial(time.Second))
	c.desire(1, `{"settings":{"broker":"tcp://`+porttest.Addr(t)+`"}}`)
	c.await("the old settings", func(r contract.Record) bool { return r.Type == contract.TypeSettingsRolledBack })
	if k := n.uplink.settings.now(); k.Trial != nil || k.Confirmed.Broker != nil {
		t.Errorf("%+v", k)
	}

	stop()
	n, stop = startUplinked(t, m.Addr, c, trial(patience)) // what can be reached gets the time that it needs
	second := mqtttest.StartMosquitto(t)
	there := startTestCentre(t, second.Addr)
	there.inherit(c)
	c.desire(2, `{"settings":{"broker":"tcp://`+second.Addr+`","max_rate":500}}`)
	there.await("confirmation at the new broker", func(r contract.Record) bool { return r.Type == contract.TypeSettingsConfirmed })
	stop()
	if k := n.uplink.settings.now(); k.Trial != nil || k.Confirmed.Broker == nil || *k.Confirmed.Broker != "tcp://"+second.Addr {
		t.Errorf("%+v", k)
	}
}

// TestTheCentreHearsWhoSigns: the key of the start is the one that signs the heads.
func TestTheCentreHearsWhoSigns(t *testing.T) {
	m := mqtttest.StartMosquitto(t)
	c := startTestCentre(t, m.Addr)
	n, _ := startUplinked(t, m.Addr, c, nil)
	if err := n.store.SignHeads(t.Context(), n.store.Key()); err != nil {
		t.Fatal(err)
	}
	var started contract.NodeStarted
	var heads audit.Heads
	rec := c.await("the start", func(r contract.Record) bool { return r.Type == contract.TypeNodeStarted })
	if err := json.Unmarshal(rec.Body, &started); err != nil {
		t.Fatal(err)
	}
	rec = c.await("the heads", func(r contract.Record) bool { return r.Type == audit.TypeHeads })
	if err := json.Unmarshal(rec.Body, &heads); err != nil {
		t.Fatal(err)
	}
	pub := n.store.Key().Public().(ed25519.PublicKey)
	if err := audit.Verify(pub, "n", n.store.Epoch(), heads); err != nil || started.Key != heads.Key || started.Key == "" {
		t.Errorf("%v, start says %q, heads %q", err, started.Key, heads.Key)
	}
	info, err := os.Stat(filepath.Join(n.cfg.DataDir, "node.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
