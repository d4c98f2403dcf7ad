package deploytest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tally/sync/porttest"
)

// Mosquitto is a broker that runs from deploy/mosquitto.
type Mosquitto struct {
	Addr string // host:port, TLS

	t    testing.TB
	conf string
	proc *process
}

// StartMosquitto starts it with p's authority, on a free port, and stops it when the test ends.
func StartMosquitto(t testing.TB, p *PKI) *Mosquitto {
	t.Helper()
	missing(t, mosquittoPath())
	p.Server("broker")
	dir := t.TempDir()
	m := &Mosquitto{t: t, Addr: porttest.Addr(t), conf: filepath.Join(dir, "mosquitto.conf")}
	host, port, _ := net.SplitHostPort(m.Addr)
	conf := read(t, "mosquitto", "tally.conf")
	for from, to := range map[string]string{
		"listener 8883": "listener " + port + " " + host, "/var/lib/mosquitto/": dir + "/",
		"/etc/mosquitto/tally/acl": filepath.Join(folder(t), "mosquitto", "acl"), "/etc/mosquitto/tally": p.dir,
	} {
		if !strings.Contains(conf, from) {
			t.Fatalf("%s is not in tally.conf any more", from)
		}
		if from == "/etc/mosquitto/tally" { // after the list of access, which is not a certificate
			continue
		}
		conf = strings.ReplaceAll(conf, from, to)
	}
	conf = strings.ReplaceAll(conf, "/etc/mosquitto/tally", p.dir)
	if os.Getuid() == 0 {
		conf += "\nuser root\n" // else it becomes a user who may not read the test's files
	}
	if err := os.WriteFile(m.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Start()
	t.Cleanup(m.Kill)
	return m
}

// mosquittoPath finds the broker where Debian puts it, which is not in everybody's PATH.
func mosquittoPath() string {
	if _, err := os.Stat("/usr/sbin/mosquitto"); err == nil {
		return "/usr/sbin/mosquitto"
	}
	return "mosquitto"
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{folder(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Start it again after Kill.
func (m *Mosquitto) Start() {
	m.t.Helper()
	m.proc = start(m.t, exec.Command(mosquittoPath(), "-v", "-c", m.conf), " running")
}

// Kill ends it at once (SIGKILL). It may be called twice.
func (m *Mosquitto) Kill() { m.proc.kill() }
