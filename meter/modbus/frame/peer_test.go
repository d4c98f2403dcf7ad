package frame

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"tally/meter/telegram"
)

// python is one that knows pymodbus 3.0; without it the test is skipped at a desk and fails in continuous integration.
func python(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(name, "-c", "import pymodbus.framer.rtu_framer, pymodbus.mei_message").Run() == nil {
			return name
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("python3-pymodbus is not installed")
	}
	t.Skip("python3-pymodbus is not installed")
	return ""
}

// TestPeer explains the frames that pymodbus builds, in both framings, as what pymodbus was told to build.
func TestPeer(t *testing.T) {
	out, err := exec.Command(python(t), "testdata/frames.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		for _, r := range []telegram.Report{ExplainRTU(unhex(t, f[1]), Options{}), ExplainTCP(unhex(t, f[2]), Options{})} {
			n++
			refused := strings.HasPrefix(f[0], "exception") && len(r.Problems) == 1 && r.Problems[0].Code == telegram.Refused
			if !r.OK() || show(r) != "direction="+f[0] || len(r.Problems) > 0 && !refused || r.Frame.Get("address") != 17 {
				t.Errorf("%s: got  %s, %v\nwant direction=%s", r.Protocol, show(r), r.Problems, f[0])
			}
		}
	}
	if n < 56 {
		t.Errorf("%d frames", n)
	}
}
