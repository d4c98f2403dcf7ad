package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/icmeter"
	"tally/cardreader/cardtest"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/counter"
	"tally/storage"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/porttest"
)

const (
	region   = 0x0571
	cardNo   = "00001001"
	meterNo  = "20010001"
	layout   = "GEN4442 v1"
	patience = 3 * time.Minute // for any one step; nothing waits that long unless it is broken
)

var (
	psc    = []byte{0x4A, 0x5B, 0x6C}
	secret = "a long password, read from stdin"
)

// built is where the programs lie, empty until somebody needed them.
var built string

// programs builds what is shipped, once.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tally-e2e-")
	if err != nil {
		return "", err
	}
	built = dir
	out, err := exec.Command("go", "build", "-o", dir, "tally/cmd/tallyd", "tally/cmd/tally", "tally/cmd/tally-central").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// house is one service hall with its central system: real programs on real services.
type house struct {
	t      *testing.T
	dir    string
	bin    string
	pcscd  *cardtest.PCSCD
	broker *mqtttest.Mosquitto
	node   *process
	centre *process
	hand   *cardtest.Hand
	chip   *cardsim.SLE4442
	meter  *icmeter.Meter
	client *http.Client
	url    string

	name, data, config string // of the node
}

func newHouse(t *testing.T) *house {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tally-house-") // short: the control socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &house{t: t, dir: dir, bin: bin, pcscd: cardtest.StartPCSCD(t), broker: mqtttest.StartMosquitto(t), chip: card(t),
		name: "hall-01", data: "data", config: "node.toml"}
	h.hand = cardtest.NewHand(t, h.pcscd.Readers[0].Addr)
	if h.meter, err = icmeter.New(meterNo, region, icmeter.CentiM3); err != nil {
		t.Fatal(err)
	}
	h.write("psc", "4A5B6C\n")
	h.write("centre.pub", h.run("", "tally-central", "key", "central.key"))
	h.write("central.toml", fmt.Sprintf("id = \"centre\"\ndatabase = \"central.db\"\nsigning_key_file = \"central.key\"\n[http]\nlisten = %q\n[log]\nformat = \"json\"\n[uplink]\nbroker = \"tcp://%s\"\n",
		porttest.Addr(t), h.broker.Addr))
	h.furnish(0)
	return h
}

// furnish writes the node's config with one of the readers, and brings its customer and its clerk.
func (h *house) furnish(reader int) {
	h.t.Helper()
	h.write(h.config, fmt.Sprintf(nodeConfig, h.name, h.data, porttest.Addr(h.t), h.pcscd.Readers[reader].Name, h.broker.Addr))
	h.seed()
	h.run(secret+"\n", "tallyd", "operator", "add", "chen", "--role", "clerk", "--no", "1", "--config", h.config, "--password-file", "-")
}

const nodeConfig = `node = %q
data_dir = %q
[http]
listen = %q
[log]
format = "json"
[counter]
enabled = true
station = "%[1]s desk 1"
station_no = 1
region = "0571"
[[counter.tariff]]
class = "residential"
version = 1
from = 2020-01-01
period_months = 12
tiers = [{ up_to_m3 = "300", price = "2.65" }, { price = "3.18" }]
[cards]
source = "pcsc"
readers = [%[4]q]
psc_file = "psc"
[uplink]
broker = "tcp://%s"
centre_keys = ["centre.pub"]
`

// card is a freshly issued card.
func card(t *testing.T) *cardsim.SLE4442 {
	t.Helper()
	p, err := profile.Builtin(layout)
	if err != nil {
		t.Fatal(err)
	}
	image, err := purse.Blank(p, purse.Header{Region: region, CardNo: cardNo, MeterNo: meterNo, Unit: purse.UnitCentiM3, IssueCount: 1})
	if err != nil {
		t.Fatal(err)
	}
	return cardsim.NewSLE4442(cardsim.Options{PSC: psc, Main: image[0x20:]})
}

func (h *house) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// seed opens the customer's account in the ledger of the node that does not run yet.
func (h *house) seed() {
	h.t.Helper()
	h.put(counter.Account{
		No: "100001", Name: "王秀兰", Address: "翠苑一区 12-3-501", Phone: "13800010001", PriceClass: "residential",
		Card: purse.CardID{Region: region, No: cardNo}, Meter: meterNo,
	})
}

// put brings an account into the ledger of the node that does not run yet.
func (h *house) put(a counter.Account) {
	h.t.Helper()
	store, err := storage.Open(filepath.Join(h.dir, h.data), storage.Options{Node: h.name})
	if err != nil {
		h.t.Fatal(err)
	}
	err = store.Update(h.t.Context(), func(tx counter.Tx) error { return tx.PutAccount(a) })
	if err = errors.Join(err, store.Close()); err != nil {
		h.t.Fatal(err)
	}
}

// run runs a command to its end and returns its standard output.
func (h *house) run(stdin, program string, args ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, program), args...)
	cmd.Dir, cmd.Stdin = h.dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LANG=C", "PCSCLITE_CSOCK_NAME="+h.pcscd.Socket)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("%s %v: %v\n%s%s", program, args, err, out, errs.Bytes())
	}
	return string(out)
}

// refused runs a command that must end with this exit code, and returns what it says.
func (h *house) refused(code int, program string, args ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, program), args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "LANG=C", "PCSCLITE_CSOCK_NAME="+h.pcscd.Socket)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		h.t.Errorf("%s %v ended with %d, want %d:\n%s", program, args, got, code, out)
	}
	return string(out)
}

// process is a program that runs until it is told to stop.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // the log, closed at the end
}

// start runs a program in the background until the test ends.
func (h *house) start(program string, args ...string) *process {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.bin, program), args...)
	cmd.Dir = h.dir
	cmd.Env = append(os.Environ(), "LANG=C", "PCSCLITE_CSOCK_NAME="+h.pcscd.Socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	p := &process{h.t, cmd, make(chan string, 10_000)}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(log); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	h.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return p
}

// said waits for a line of the log with a text in it.
func (p *process) said(text string) string {
	p.t.Helper()
	after := time.After(patience)
	var all []string
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("ended without saying %q:\n%s", text, strings.Join(all, "\n"))
			}
			if strings.Contains(line, text) {
				return line
			}
			all = append(all, line)
		case <-after:
			p.t.Fatalf("never said %q:\n%s", text, strings.Join(all, "\n"))
		}
	}
}

// stop asks the program to end, as systemd would, and returns what it logged until then.
func (p *process) stop() string {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	var rest []string
	for line := range p.lines {
		rest = append(rest, line)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("ended with %v:\n%s", err, strings.Join(rest, "\n"))
	}
	return strings.Join(rest, "\n")
}

// open starts node and centre and logs the clerk in.
func (h *house) open() {
	h.t.Helper()
	h.centre = h.start("tally-central", "run", "--config", "central.toml")
	h.openNode()
}

func (h *house) openNode() {
	h.t.Helper()
	h.node = h.start("tallyd", "run", "--config", h.config)
	var line struct{ Page string }
	if err := json.Unmarshal([]byte(h.node.said("node runs")), &line); err != nil {
		h.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.client, h.url = &http.Client{Jar: jar, Timeout: patience}, line.Page
	h.api(http.MethodPost, "session", map[string]string{"name": "chen", "password": secret}, http.StatusOK, nil)
}

// api calls the node's API and decodes the answer.
func (h *house) api(method, path string, body any, status int, into any) {
	h.t.Helper()
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		send = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1/"+path, send)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", "en")
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		h.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, raw, err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			h.t.Fatalf("%s: %v", path, err)
		}
	}
}

// until asks ok again at every event of the page's live stream, until it says yes.
func (h *house) until(what string, ok func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.url+"/events", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(nil, 1<<20) // a page part is one line
	for !ok() {
		if !s.Scan() {
			h.t.Fatalf("waited in vain until %s: %v", what, s.Err())
		}
	}
}
