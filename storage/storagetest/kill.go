package storagetest

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childEnv tells a copy of the test program which scenario it is to run.
const childEnv = "TALLY_STORAGETEST_CHILD"

// Child returns the scenario and its arguments when this process was started by Start. TestMain asks for it first.
func Child() (scenario string, args []string, ok bool) {
	s, ok := os.LookupEnv(childEnv)
	parts := strings.Split(s, "\x1f")
	return parts[0], parts[1:], ok
}

// Process is a copy of the test program that runs a scenario.
type Process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// Start runs a copy of the test program. It is killed when t ends, if it has not ended by then.
func Start(t testing.TB, scenario string, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(append([]string{scenario}, args...), "\x1f"))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // stays open, and silent, until the child ends
		t.Fatalf("start child: %v", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start child: %v", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start child: %v", err)
	}
	p := &Process{cmd: cmd, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { p.Kill() })
	return p
}

// Line returns the next line that the child printed, or false when it has ended.
func (p *Process) Line() (string, bool) {
	if !p.lines.Scan() {
		return "", false
	}
	return p.lines.Text(), true
}

// Kill ends the child at once (SIGKILL), returns the lines that it had still printed, and waits for its end. It may be
// called twice.
func (p *Process) Kill() []string {
	p.cmd.Process.Kill() // one that has ended already is what we want
	return p.Wait()
}

// Wait returns the lines until the child has ended.
func (p *Process) Wait() []string {
	var rest []string
	for p.lines.Scan() {
		rest = append(rest, p.lines.Text())
	}
	p.cmd.Wait() // killed, so its status says nothing
	return rest
}

// Pid is the child's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }
