// Package mqtttest starts real brokers for tests: mosquitto as a process of its own, and mochi within the test.
package mqtttest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tally/sync/porttest"
)

// Mosquitto is a running mosquitto.
type Mosquitto struct {
	Addr string // host:port

	t    testing.TB
	conf string
	cmd  *exec.Cmd
	done chan struct{}
}

// StartMosquitto starts mosquitto on a free local port and stops it when the test ends. extra lines go into its
// configuration after the listener. Without mosquitto on the machine the test is skipped, or fails when CI=true.
func StartMosquitto(t testing.TB, extra ...string) *Mosquitto {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	if _, err := exec.LookPath(mosquittoPath()); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("mosquitto is not installed")
		}
		t.Skip("mosquitto is not installed")
	}
	dir := t.TempDir()
	m := &Mosquitto{t: t, Addr: porttest.Addr(t), conf: filepath.Join(dir, "mosquitto.conf")}
	host, port, _ := net.SplitHostPort(m.Addr)
	lines := []string{
		fmt.Sprintf("listener %s %s", port, host), "log_dest stderr", "log_type all", "connection_messages true",
		"max_inflight_messages 1000", "max_queued_messages 100000",
	}
	if os.Getuid() == 0 {
		lines = append(lines, "user root") // else it becomes a user who may not read the test's files
	}
	if !strings.Contains(strings.Join(extra, "\n"), "allow_anonymous") {
		lines = append(lines, "allow_anonymous true")
	}
	conf := strings.Join(append(lines, extra...), "\n") + "\n"
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

// Start it again after Kill, on the same address. It returns when the broker listens.
func (m *Mosquitto) Start() {
	m.t.Helper()
	m.cmd = exec.Command(mosquittoPath(), "-c", m.conf)
	out, err := m.cmd.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.done = make(chan struct{})
	running := make(chan bool, 1)
	var log []string
	go func() {
		defer close(m.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), " running") {
				running <- true
			} else if len(log) < 20 {
				log = append(log, lines.Text())
			}
		}
		select {
		case running <- false:
		default:
		}
		m.cmd.Wait()
	}()
	if !<-running {
		<-m.done
		m.t.Fatalf("mosquitto ended at once:\n%s", strings.Join(log, "\n"))
	}
}

// Kill ends it as a power cut would (SIGKILL) and waits until it is gone. It may be called twice.
func (m *Mosquitto) Kill() {
	m.cmd.Process.Kill()
	<-m.done
}
