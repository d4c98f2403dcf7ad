package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tally/meter/metersim"
)

// BenchmarkConcentrator runs the shipped daemon, built as for a concentrator, with 2 000 CJ/T 188 meters on eight lines
// behind gateways, each read once a minute, and measures its memory and processor time when each was read twice.
func BenchmarkConcentrator(b *testing.B) {
	const lines, meters = 8, 250
	dir := b.TempDir()
	bin := filepath.Join(dir, "tallyd")
	build := exec.Command("go", "build", "-o", bin, "tally/cmd/tallyd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	config := "node = \"conc-1\"\ndata_dir = \"data\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
	var all []*metersim.CJT188Meter
	for i := range lines {
		bus, speech := metersim.NewBus(metersim.Pacing{}), &metersim.CJT188{}
		bus.Speech = speech
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		config += fmt.Sprintf("[[line]]\nname = \"l%d\"\nkind = \"tcp\"\naddress = %q\nprotocol = \"cjt188\"\n", i, ln.Addr())
		for j := range meters {
			number := i*meters + j + 1
			m := &metersim.CJT188Meter{Kind: 0x30, Address: [7]byte{bcd(number), bcd(number / 100)}}
			m.Turn(uint32(1000 + j))
			speech.Add(m)
			all = append(all, m)
			config += fmt.Sprintf("[[line.meter]]\nid = \"%08d\"\naddress = \"%d\"\nmodel = \"generic-cjt188-gas\"\nevery = \"1m\"\n", number, number)
		}
		serving.Go(func() { _ = bus.ServeRTUOverTCP(ctx, ln) })
	}
	file := filepath.Join(dir, "tally.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		concentrate(b, bin, file, all)
	}
}

func bcd(n int) byte { return byte(n%10 | n/10%10<<4) }

// concentrate runs the daemon until every meter was asked twice more, and measures it.
func concentrate(b *testing.B, bin, file string, all []*metersim.CJT188Meter) {
	before := 0
	for _, m := range all {
		before += m.Asked()
	}
	cmd := exec.Command(bin, "run", "--config", file)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	began, deadline := time.Now(), time.After(4*time.Minute)
	for asked := 0; asked < 2*len(all); {
		select {
		case <-deadline:
			cmd.Process.Kill()
			b.Fatalf("%d of %d questions within four minutes\n%s", asked, 2*len(all), out.String())
		case <-time.After(time.Second):
		}
		asked = -before
		for _, m := range all {
			asked += m.Asked()
		}
	}
	took := time.Since(began)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatalf("%v\n%s", err, out.String())
	}
	var now, peak, own float64
	for row := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(row, "VmRSS: %f kB", &now)
		_, _ = fmt.Sscanf(row, "VmHWM: %f kB", &peak)
		_, _ = fmt.Sscanf(row, "RssAnon: %f kB", &own) // without the program's text
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Errorf("%v\n%s", err, out.String())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	b.ReportMetric(now/1024, "MB-resident")
	b.ReportMetric(peak/1024, "MB-peak")
	b.ReportMetric(own/1024, "MB-anonymous")
	b.ReportMetric(100*cpu.Seconds()/took.Seconds(), "%-of-a-core")
}
