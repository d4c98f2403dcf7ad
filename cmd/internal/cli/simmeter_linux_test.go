package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tally/cmd/internal/cli"
)

// simulate runs `tally sim meter` until the test ends, and returns what it prints first.
func simulate(t *testing.T, args ...string) (first string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		env := cli.Env{Args: append([]string{"sim", "meter"}, args...), In: strings.NewReader(""), Out: in, Err: io.Discard, Getenv: func(string) string { return "" }}
		code <- cli.Tally(ctx, env, cli.TallyDeps{})
		in.Close()
	}()
	lines := bufio.NewReader(out)
	stop = func() int {
		cancel()
		go io.Copy(io.Discard, lines)
		return <-code
	}
	t.Cleanup(func() { cancel(); out.Close() })
	var text strings.Builder
	for !strings.Contains(text.String(), "Ctrl-C") && !strings.HasSuffix(text.String(), "]}\n") && !strings.HasSuffix(text.String(), "\n}\n") {
		s, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("it ended with %d after %q: %v", stop(), text.String(), err)
		}
		text.WriteString(s)
	}
	return text.String(), stop
}

// TestSimulatedMetersAnswer: the line that the command opens is one, with a meter of each protocol on it.
func TestSimulatedMetersAnswer(t *testing.T) {
	for protocol, c := range map[string]struct{ request, answer []byte }{
		"modbus-rtu": {[]byte{2, 3, 0, 0, 0, 2, 0xC4, 0x38}, []byte{2, 3, 4}},
		"modbus-tcp": {[]byte{0, 1, 0, 0, 0, 6, 2, 3, 0, 0, 0, 2}, []byte{0, 1, 0, 0, 0, 7, 2, 3, 4}},
		"cjt188":     {[]byte{0x68, 0x30, 2, 0, 0, 0, 0, 0x11, 0x22, 0x01, 3, 0x90, 0x1F, 0, 0x80, 0x16}, []byte{0xFE, 0xFE, 0xFE, 0xFE, 0x68, 0x30, 2, 0, 0, 0, 0, 0x11, 0x22, 0x81, 0x16}},
		"dlt645":     {[]byte{0x68, 2, 0, 0, 0, 0, 0, 0x68, 0x11, 4, 0x33, 0x33, 0x34, 0x33, 0xB4, 0x16}, []byte{0xFE, 0xFE, 0x68, 2, 0, 0, 0, 0, 0, 0x68, 0x91, 8}},
		"mbus":       {[]byte{0x10, 0x40, 2, 0x42, 0x16}, []byte{0xE5}},
	} {
		t.Run(protocol, func(t *testing.T) {
			text, stop := simulate(t, "--protocol", protocol, "--listen", "127.0.0.1:0", "--count", "2", "--fast", "--json")
			var said struct {
				Port, Protocol string
				Meters         []struct{ Address, Model string }
			}
			if err := json.Unmarshal([]byte(text), &said); err != nil || said.Protocol != protocol || len(said.Meters) != 2 {
				t.Fatalf("it said %s: %v", text, err)
			}
			c2, err := net.Dial("tcp", strings.TrimPrefix(said.Port, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c2.Close()
			request := c.request
			if protocol == "cjt188" || protocol == "dlt645" {
				n := len(request) - 2
				request[n] = 0
				for _, b := range request[:n] {
					request[n] += b
				}
			}
			if _, err := c2.Write(request); err != nil {
				t.Fatal(err)
			}
			c2.SetReadDeadline(time.Now().Add(time.Minute))
			got := make([]byte, len(c.answer))
			if _, err := io.ReadFull(c2, got); err != nil || !bytes.Equal(got, c.answer) {
				t.Errorf("answer % X, %v, want % X …", got, err, c.answer)
			}
			if code := stop(); code != cli.ExitOK {
				t.Errorf("it ended with %d", code)
			}
		})
	}
}

// TestSimulatedLineIsAPort: the pseudo-terminal that it names is a serial port.
func TestSimulatedLineIsAPort(t *testing.T) {
	text, stop := simulate(t, "--protocol", "cjt188", "--pty", "--fault", "dead=50", "--count", "2")
	path := strings.Fields(text)[1]
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		t.Errorf("%s is no terminal: %v", path, err)
	}
	if !strings.Contains(text, "never answers") || !strings.Contains(text, "22110000000001") {
		t.Errorf("it said %s", text)
	}
	if code := stop(); code != cli.ExitOK {
		t.Errorf("it ended with %d", code)
	}
}
