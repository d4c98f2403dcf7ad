package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkDemo starts the shipped demo as `make run` does: time until it says where it is, from nothing and with data,
// and the resident memory then, with node, broker, centre and simulated hardware in one process.
func BenchmarkDemo(b *testing.B) {
	bin, err := programs()
	if err != nil {
		b.Fatal(err)
	}
	for _, fresh := range []bool{true, false} {
		b.Run(map[bool]string{true: "fresh", false: "again"}[fresh], func(b *testing.B) {
			dir, err := os.MkdirTemp("", "tally-demo-")
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(dir)
			if !fresh {
				demo(b, bin, dir)
			}
			var rss, stop float64
			for range b.N {
				if fresh {
					os.RemoveAll(dir)
				}
				m, s := demo(b, bin, dir)
				rss, stop = max(rss, m), max(stop, s)
			}
			b.ReportMetric(rss, "MB-resident")
			b.ReportMetric(stop, "ms-to-stop")
		})
	}
}

// demo starts and stops the demo once.
func demo(b *testing.B, bin, dir string) (residentMB, stopMS float64) {
	b.Helper()
	cmd := exec.Command(filepath.Join(bin, "tallyd"), "demo", "--dir", dir, "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "http://127.0.0.1:") {
		b.Fatalf("%q %v", line, err)
	}
	b.StopTimer()
	defer b.StartTimer()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	var kb float64
	for row := range bytes.Lines(status) {
		_, _ = fmt.Sscanf(string(row), "VmRSS: %f kB", &kb)
	}
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Error(err)
	}
	return kb / 1024, float64(time.Since(began).Milliseconds())
}
