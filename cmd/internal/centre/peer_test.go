package centre_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/mqttlink/mqtttest"
)

// seen is one line of the other centre.
type seen struct {
	Saw, Node, Stream, Enc, Type, ID string
	Seq                              uint64
	Body                             json.RawMessage
	Head                             json.RawMessage
	Status                           contract.Status
}

// peer is the centre of testdata/peer.py while it runs.
type peer struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan seen
	cmd   *exec.Cmd
	cfg   uint64 // that hall-1 says to have applied
}

func startPeer(t *testing.T, broker, database, key string) *peer {
	t.Helper()
	host, port, _ := net.SplitHostPort(broker)
	p := &peer{t: t, lines: make(chan seen, 10_000), cmd: exec.Command("python3", filepath.Join("testdata", "peer.py"), host, port, database, key)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var s seen
			if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
				t.Errorf("%s: %v", lines.Text(), err)
			}
			p.lines <- s
		}
	}()
	t.Cleanup(p.stop)
	return p
}

// stop ends it and waits; it may be called twice.
func (p *peer) stop() {
	p.in.Close()
	for range p.lines {
	}
	p.cmd.Wait()
}

// until returns the first that is wanted; a refusal ends the test.
func (p *peer) until(what string, want func(seen) bool) seen {
	p.t.Helper()
	for s := range p.lines {
		if s.Saw == "refused" {
			p.t.Fatalf("the other centre refuses an envelope: %s", s.Head)
		}
		if s.Saw == "status" && s.Node == "hall-1" {
			p.cfg = s.Status.Cfg
		}
		if want(s) {
			return s
		}
	}
	p.t.Fatalf("the other centre has ended before %s", what)
	return seen{}
}

func (p *peer) order(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// ofType is a record of hall-1.
func ofType(typ string) func(seen) bool {
	return func(s seen) bool { return s.Saw == "record" && s.Node == "hall-1" && s.Type == typ }
}

// TestACentreWrittenFromTheContractAlone: somebody else's centre, in another language, takes what a node as it is shipped
// delivers, lets go of it, and is obeyed. It is killed in between and goes on.
func TestACentreWrittenFromTheContractAlone(t *testing.T) {
	broker := mqtttest.StartMosquitto(t).Addr
	for _, program := range []string{"python3", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	dir := t.TempDir()
	private := filepath.Join(dir, "peer.pem")
	key, err := central.CreateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, database := filepath.Join(dir, "peer.pub"), filepath.Join(dir, "peer.db")
	if err := os.WriteFile(public, []byte(contract.KeyText("peer", key.Public())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startPeer(t, broker, database, private)
	startDaemon(t, broker, "hall-1", public)
	p.until("the start", ofType(contract.TypeNodeStarted))

	p.order(`{"cmd":"log_level","id":"c-1","node":"hall-1","args":{"level":"debug","for_s":60}}`)
	var r contract.CommandResult
	if err := json.Unmarshal(p.until("the result", ofType(contract.TypeCommandResult)).Body, &r); err != nil || r.Command != "c-1" || r.Outcome != contract.Done {
		t.Errorf("%+v %v", r, err)
	}
	p.order(`{"cfg":{"locks":{"standing":[],"lifted":[]},"prices":{"tables":[{"class":"residential","version":1,"from":"2026-01-01",` +
		`"period_months":12,"tiers":[{"price_yuan_e4_per_m3":26500}]}]}},"node":"hall-1"}`)
	var d contract.DesiredApplied
	if err := json.Unmarshal(p.until("the desired state", ofType(contract.TypeDesiredApplied)).Body, &d); err != nil || d.Parts["locks"] != "applied" || d.Parts["prices"] != "applied" {
		t.Errorf("%+v %v", d, err)
	}

	rd := centraltest.NewFeed("conc-1", "e1", contract.Rd).Readings(450)
	startNode(t, broker, "conc-1", rd)
	compact := p.until("the readings", func(s seen) bool { return s.Saw == "record" && s.Node == "conc-1" && s.Seq == 450 })
	if compact.Enc != contract.EncColumns {
		t.Errorf("the encoding that it offers is not used: %s", compact.Enc)
	}
	wait(t, "the readings are let go of", func() bool { return rd.State().Waiting() == 0 })

	p.cmd.Process.Kill()
	p.stop()
	rd.Readings(10)
	p = startPeer(t, broker, database, private)
	p.order(`{"cmd":"log_level","id":"c-2","node":"hall-1","args":{"level":"info"}}`)
	p.until("the second result", func(s seen) bool { return ofType(contract.TypeCommandResult)(s) && s.ID == "c-2" })
	wait(t, "the last readings are let go of", func() bool { return rd.State().Waiting() == 0 })
	if p.cfg == 0 {
		t.Error("the status that the broker keeps does not say which desired state is applied")
	}
}
