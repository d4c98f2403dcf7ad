package deploytest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tally/sync/porttest"
)

// NATS is a cluster of three servers that runs from deploy/nats.
type NATS struct {
	Addrs [3]string // MQTT over TLS of each

	t       testing.TB
	program string
	conf    string
	env     [3][]string
	monitor [3]string
	procs   [3]*process
}

// StartNATS starts three servers with p's authority, for the instances of the centre and the nodes that are named, and
// stops them when the test ends. The server is the tool of that name in go.mod.
func StartNATS(t testing.TB, p *PKI, centres string, nodes ...string) *NATS {
	t.Helper()
	missing(t, "go")
	n := &NATS{t: t, program: natsServer(t), conf: filepath.Join(t.TempDir(), "nats.conf")}
	put(t, n.conf, read(t, "nats", "nats.conf"))
	users, err := exec.Command(filepath.Join(folder(t), "nats", "tally-nats-users"), append([]string{centres}, nodes...)...).Output()
	if err != nil {
		t.Fatalf("tally-nats-users: %v", err)
	}
	put(t, filepath.Join(filepath.Dir(n.conf), "nodes.conf"), string(users))
	var cluster [3]string
	for i := range cluster {
		cluster[i] = porttest.Addr(t)
	}
	for i := range n.Addrs {
		name := fmt.Sprintf("nats-%d", i+1)
		p.Server(name)
		n.Addrs[i], n.monitor[i] = porttest.Addr(t), porttest.Addr(t)
		_, port, _ := net.SplitHostPort(porttest.Addr(t))
		n.env[i] = append(os.Environ(), "TALLY_NATS_NAME="+name, "TALLY_NATS_PORT="+port, quoted("MONITOR", n.monitor[i]),
			quoted("STORE", t.TempDir()), quoted("CLUSTER", cluster[i]), quoted("MQTT", n.Addrs[i]), quoted("CERT", p.File(name+".crt")),
			quoted("KEY", p.File(name+".key")), quoted("CA", p.File("ca.crt")),
			`TALLY_NATS_ROUTES=["tls://`+strings.Join(cluster[:], `","tls://`)+`"]`)
	}
	for i := range n.procs {
		n.Start(i)
	}
	t.Cleanup(func() {
		for i := range n.procs {
			n.Kill(i)
		}
	})
	n.Healthy(0, 1, 2)
	return n
}

func quoted(key, value string) string { return "TALLY_NATS_" + key + `="` + value + `"` }

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// natsServer is the path of the built tool, which the go command keeps in its cache.
func natsServer(t testing.TB) string {
	t.Helper()
	cmd := exec.Command("go", "tool", "-n", "nats-server")
	cmd.Dir = filepath.Dir(folder(t))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build nats-server: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// Start server i, again after Kill. It returns when it listens, which is before the cluster has taken it in.
func (n *NATS) Start(i int) {
	n.t.Helper()
	cmd := exec.Command(n.program, "-c", n.conf)
	cmd.Env = n.env[i]
	n.procs[i] = start(n.t, cmd, "Server is ready")
}

// Kill ends server i at once (SIGKILL). It may be called twice.
func (n *NATS) Kill(i int) {
	if n.procs[i] != nil {
		n.procs[i].kill()
	}
}

// Healthy waits until servers say that they are well: in the cluster, with their streams caught up. Three processes that
// have to agree take long on a busy machine.
func (n *NATS) Healthy(servers ...int) {
	n.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	asking := http.Client{Timeout: 10 * time.Second}
	last := ""
	for _, i := range servers {
		for late := time.Now().Add(3 * time.Minute); ; {
			resp, err := asking.Get("http://" + n.monitor[i] + "/healthz")
			if err == nil {
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
				last = string(body)
			}
			if time.Now().After(late) {
				n.t.Fatalf("server %d is not well: %s %v", i, last, err)
			}
			<-tick.C
		}
	}
}
