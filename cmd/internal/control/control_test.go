package control_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/meter"
	"tally/meter/quantity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is a Node that says what it was told to say.
type node struct {
	status  control.NodeStatus
	readers []control.Reader
	card    control.Card
	meters  []control.Meter
	reading meter.Reading
	err     error
	asked   []string
}

func (n *node) Status(context.Context) (control.NodeStatus, error) { return n.status, n.err }
func (n *node) Readers(context.Context) ([]control.Reader, error)  { return n.readers, n.err }
func (n *node) Card(_ context.Context, reader string) (control.Card, error) {
	n.asked = append(n.asked, reader)
	return n.card, n.err
}
func (n *node) Meters(context.Context) ([]control.Meter, error) { return n.meters, n.err }
func (n *node) MeterRead(_ context.Context, id meter.ID) (meter.Reading, error) {
	n.asked = append(n.asked, string(id))
	return n.reading, n.err
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// serve runs a node at a fresh socket until the test ends.
func serve(t *testing.T, n control.Node) (*control.Client, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tallyd.sock")
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, l, n, quiet()) }()
	c := control.NewClient(path)
	t.Cleanup(func() {
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket stayed: %v", err)
		}
	})
	return c, path
}

func full() *node {
	at := time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)
	reading := meter.Reading{Meter: "00012345", At: at, Line: "riser-1", Raw: []byte{1, 2}, Quality: meter.Quality{meter.Jump},
		Values: []meter.Value{{Name: meter.Volume, Number: quantity.Decimal{Unscaled: 12345, Scale: 2}, Unit: quantity.UnitCubicMetre}}}
	return &node{
		status: control.NodeStatus{Node: "hall-01", Epoch: "e", Boot: "b", Started: at, UptimeS: 7,
			Problems: []control.Problem{{Code: "uplink_down", Message: "broker does not answer"}},
			Readers:  []control.Reader{{Name: "ACS", Card: control.CardMute}},
			Lines:    []control.LineStat{{Name: "riser-1", Meters: 3, Alive: 2, Dead: 1}},
			Uplink:   control.Uplink{Configured: true, Streams: []control.Stream{{Name: "tx", Next: 5, Acked: 2, Waiting: 2}, {Name: "rd", Waiting: 3}}},
			Disk:     control.Disk{FreeBytes: 1 << 40}},
		readers: []control.Reader{{Name: "ACS", Card: control.CardPresent, ATR: "3b04a2131091"}},
		card: control.Card{Reader: "ACS", State: purse.State{Profile: "GEN4442 v1", Card: purse.CardID{Region: 0x0571, No: "00001234"}, Damaged: []string{}, Image: purse.Image{1, 2}},
			Customer: &control.Customer{No: "10001", Name: "张**"}},
		meters:  []control.Meter{{ID: "00012345", Line: "riser-1", Last: &reading}},
		reading: reading,
	}
}

// TestRoundTrip: what the node says arrives at the client unchanged.
func TestRoundTrip(t *testing.T) {
	n := full()
	c, _ := serve(t, n)
	ctx := t.Context()
	same := func(what string, want, got any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	status, err := c.Status(ctx)
	same("status", n.status, status, err)
	readers, err := c.Readers(ctx)
	same("readers", n.readers, readers, err)
	card, err := c.Card(ctx, "ACS ACR39U 00 00")
	same("card", n.card, card, err)
	meters, err := c.Meters(ctx)
	same("meters", n.meters, meters, err)
	reading, err := c.MeterRead(ctx, "0/1 2")
	same("reading", n.reading, reading, err)
	same("asked", []string{"ACS ACR39U 00 00", "0/1 2"}, n.asked, nil)
	if got := status.Uplink.Waiting(); got != 5 {
		t.Errorf("%d wait", got)
	}
}

// TestPromise10NamesAreMasked: a node that forgets to mask does not give a name away.
func TestPromise10NamesAreMasked(t *testing.T) {
	n := full()
	n.card.Customer.Name = "张三丰"
	c, _ := serve(t, n)
	card, err := c.Card(t.Context(), "")
	if err != nil || card.Customer.Name != "张**" {
		t.Errorf("name %q, %v", card.Customer.Name, err)
	}
	if n.card.Customer.Name != "张三丰" {
		t.Error("the node's own account was changed")
	}
	if control.MaskName("") != "" || control.MaskName(control.MaskName("Smith")) != "S**" {
		t.Error("masking is not idempotent")
	}
}

// TestListsAreNeverNull: clients iterate.
func TestListsAreNeverNull(t *testing.T) {
	for _, path := range []string{"/v1/status", "/v1/readers", "/v1/meters"} {
		w := httptest.NewRecorder()
		control.Handler(&node{}, quiet()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		body := strings.ReplaceAll(w.Body.String(), `"last":null`, "")
		if w.Code != http.StatusOK || strings.Contains(body, "null") {
			t.Errorf("%s: %d %s", path, w.Code, body)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code string
	}{
		{&control.Error{Code: control.CodeAmbiguous, Message: "two cards", Hint: "name a reader"}, control.CodeAmbiguous},
		{fmt.Errorf("read: %w", &control.Error{Code: control.CodeNotFound}), control.CodeNotFound},
		{&cardreader.Error{Class: cardreader.Operator, Code: cardreader.CodeCardMute, Reader: "ACS"}, cardreader.CodeCardMute},
		{fmt.Errorf("ask: %w", meter.ErrSilent), "silent"},
		{context.DeadlineExceeded, control.CodeTimeout},
		{errors.New("secret path /etc/x"), control.CodeInternal},
	} {
		c, _ := serve(t, &node{err: tt.err})
		_, err := c.Status(t.Context())
		e, ok := errors.AsType[*control.Error](err)
		if !ok || e.Code != tt.code || strings.Contains(e.Message, "secret") {
			t.Errorf("%v came as %v", tt.err, err)
		}
	}
}

// TestOtherVersion: a command of tomorrow asks a node of today.
func TestOtherVersion(t *testing.T) {
	for _, question := range []string{"GET /v2/status", "POST /v1/status", "GET /"} {
		method, path, _ := strings.Cut(question, " ")
		w := httptest.NewRecorder()
		control.Handler(full(), quiet()).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		var e control.Error
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code != control.CodeOtherVersion {
			t.Errorf("%s: %d %s", question, w.Code, w.Body)
		}
	}
}

func TestNoNode(t *testing.T) {
	c := control.NewClient(filepath.Join(t.TempDir(), "tallyd.sock"))
	if _, err := c.Status(t.Context()); !errors.Is(err, control.ErrNoNode) {
		t.Errorf("got %v", err)
	}
}

// TestSocketIsPrivate: only the daemon's user may use the door.
func TestSocketIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("access lists decide")
	}
	_, path := serve(t, full())
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the socket: %v %v", entries, err)
	}
}

// TestLiveSocketIsKept: a second daemon is told, and the first goes on.
func TestLiveSocketIsKept(t *testing.T) {
	c, path := serve(t, full())
	if _, err := control.Listen(path); !errors.Is(err, control.ErrRunning) {
		t.Fatalf("second daemon: %v", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the first daemon's door: %v", err)
	}
}

// TestStaleSocketIsReplaced: a killed daemon leaves its socket behind.
func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tallyd.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := control.NewClient(path).Status(t.Context()); !errors.Is(err, control.ErrNoNode) {
		t.Errorf("stale socket: %v", err)
	}
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
}

// TestOthersFilesAreKept: what is no socket, or not ours any more, is not removed.
func TestOthersFilesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tallyd.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(path); err == nil {
		t.Fatal("replaced a file")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte("precious"), 0o600), l.Close()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("%q %v", text, err)
	}
}

// TestClientEndsWithItsContext: Ctrl-C ends a wait.
func TestClientEndsWithItsContext(t *testing.T) {
	n := hanging{node: full(), inside: make(chan struct{})}
	c, _ := serve(t, n)
	ctx, cancel := context.WithCancelCause(t.Context())
	answered := make(chan error, 1)
	go func() {
		_, err := c.MeterRead(ctx, "1")
		answered <- err
	}()
	<-n.inside
	cancel(nil)
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestForeignAnswers: something else than a node listens at the socket.
func TestForeignAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP": "hello\r\n\r\n", "no JSON": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxx",
		"cut short": "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{", "other error": "HTTP/1.1 500 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := control.Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- answerOnce(l, answer) }()
		c := control.NewClient(path)
		if _, err := c.Status(t.Context()); err == nil {
			t.Errorf("%s was taken for an answer", name)
		}
		c.Close()
		if err := errors.Join(<-done, l.Close()); err != nil {
			t.Error(err)
		}
	}
}

// answerOnce lets one client ask and answers anything.
func answerOnce(l net.Listener, answer string) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return errors.Join(err, conn.Close())
	}
	_, err = io.WriteString(conn, answer)
	return errors.Join(err, conn.Close())
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := control.Listen(filepath.Join(dir, "tallyd.sock"))
	if err == nil || !strings.Contains(err.Error(), "shorter data_dir") {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestStopWithAHangingRequest: a meter that never answers does not hold up the end.
func TestStopWithAHangingRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tallyd.sock")
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n := hanging{node: full(), inside: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, l, n, quiet()) }()
	c := control.NewClient(path)
	defer c.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := c.MeterRead(context.Background(), "1")
		answered <- err
	}()
	<-n.inside
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-answered; err == nil {
		t.Error("an answer from a meter that never answered")
	}
}

// hanging is a node whose meters answer when the context ends.
type hanging struct {
	*node
	inside chan struct{}
}

func (h hanging) MeterRead(ctx context.Context, _ meter.ID) (meter.Reading, error) {
	close(h.inside)
	<-ctx.Done()
	return meter.Reading{}, ctx.Err()
}
