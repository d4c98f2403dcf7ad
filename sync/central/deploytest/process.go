package deploytest

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"
)

// process is a broker that runs.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// start returns when the process has written a line with ready in it; its further lines are read and thrown away.
func start(t testing.TB, cmd *exec.Cmd, ready string) *process {
	t.Helper()
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	seen := make(chan []string, 1)
	go func() {
		defer close(p.done)
		var log []string
		told := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if told {
				continue
			}
			log = append(log, lines.Text())
			if strings.Contains(lines.Text(), ready) {
				seen <- nil
				told = true
			}
		}
		if !told {
			seen <- log
		}
		cmd.Wait()
	}()
	if log := <-seen; log != nil {
		<-p.done
		t.Fatalf("%s ended at once:\n%s", cmd.Path, strings.Join(log, "\n"))
	}
	return p
}

// kill ends it as a power cut would and waits until it is gone. It may be called twice.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}
