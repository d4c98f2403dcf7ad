package daemon

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/counter"
)

// ear is a log that keeps everything.
type ear struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.Write(p)
}

// TestPromise10CanariesAreNeitherLoggedNorKept: secrets are brought to a node by every door it has, rightly and wrongly. None
// of them is in a log at its loudest, nor in any file of the data folder.
func TestPromise10CanariesAreNeitherLoggedNorKept(t *testing.T) {
	canary := func(n int) string { return fmt.Sprintf("canary-%d-c4n4ry", n) }
	broker, err := net.Listen("tcp", "127.0.0.1:0") // hears the password and hangs up
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	told := make(chan string, 100)
	go func() {
		for {
			c, err := broker.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			told <- string(b[:n])
			c.Close()
		}
	}()
	dir := t.TempDir()
	cfg := config.Node{
		Name: "hall-1", DataDir: dir, HTTP: config.HTTP{Listen: "127.0.0.1:0"},
		Uplink: &config.Uplink{Broker: "tcp://" + broker.Addr().String(), Username: "hall-1", Password: config.NewSecret(canary(1))},
	}
	operator := cli.NewOperator{Name: "wang", Display: "王", No: 7, Role: counter.Clerk, Password: config.NewSecret(canary(2))}
	if err := AddOperator(t.Context(), cfg, operator); err != nil {
		t.Fatal(err)
	}
	var heard ear
	n, err := New(t.Context(), cfg, Parts{Version: "test", Grace: patience}, slog.New(slog.NewTextHandler(&heard, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	ask := func(method, path, kind, body string) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, n.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	const js, form = "application/json", "application/x-www-form-urlencoded"
	in := ask("POST", "/api/v1/session", js, `{"name":"wang","password":"`+canary(2)+`"}`)
	if in.StatusCode != http.StatusOK || len(in.Cookies()) != 1 {
		t.Fatalf("%d %v", in.StatusCode, in.Cookies())
	}
	token := in.Cookies()[0].Value
	ask("POST", "/api/v1/session", js, `{"name":"wang","password":"`+canary(3)+`"}`)
	ask("POST", "/api/v1/session", js, `{"name":"`+canary(4)+`","password":"x"}`)
	ask("POST", "/api/v1/session", js, `{"name":"wang","password":"`+canary(5)+`","more":1}`)
	ask("POST", "/api/v1/session", js, `{"name":"wang","password":"`+canary(6))
	ask("POST", "/login", form, "name=wang&password="+canary(7)+"%zz")
	ask("POST", "/login", form, "name=wang&password="+canary(8)+strings.Repeat("x", 8<<10))
	ask("GET", "/login?password="+canary(9), js, "")
	ask("POST", "/api/v1/refund", js, `{"approver":{"name":"li","password":"`+canary(10)+`"}}`)
	if first := <-told; !strings.Contains(first, canary(1)) {
		t.Errorf("the broker was not told the password: %q", first)
	}
	<-told // and the loss of the connection was logged
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	secrets := []string{token, "c4n4ry"}
	for _, s := range secrets {
		if strings.Contains(heard.b.String(), s) {
			t.Errorf("%q is in the log:\n%s", s, heard.b.String())
		}
	}
	if !strings.Contains(heard.b.String(), "login refused") {
		t.Error("nothing was logged at all")
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, s := range secrets {
			if bytes.Contains(raw, []byte(s)) {
				t.Errorf("%q is in %s", s, d.Name())
			}
		}
		if info, err := d.Info(); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", d.Name(), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
