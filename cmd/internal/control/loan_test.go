package control_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/cmd/internal/control"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
)

// fieldNode is a node with one line, "riser-1".
type fieldNode struct {
	*node
	line   *line.Line
	result fieldwork.Result
	acts   []fieldwork.Act
	lent   int
}

func (f *fieldNode) Lines(context.Context) ([]control.Line, error) {
	return []control.Line{{Name: "riser-1", Kind: "serial", Where: "/dev/ttyS1", Protocol: "modbus-rtu", Baud: 9600, Parity: "none", StopBits: 1}}, f.err
}

func (f *fieldNode) MeterDo(_ context.Context, id meter.ID, a fieldwork.Act) (fieldwork.Result, error) {
	a.Typed += "@" + string(id)
	f.acts = append(f.acts, a)
	return f.result, f.err
}

func (f *fieldNode) Lend(ctx context.Context, name string, use func(control.Wire) error) error {
	if name != "riser-1" {
		return &control.Error{Code: control.CodeNotFound, Message: "no line " + name}
	}
	lease, err := f.line.Lease(ctx, line.Interactive)
	if err != nil {
		return err
	}
	defer lease.Release()
	f.lent++
	if err := lease.Quiet(ctx); err != nil {
		return err
	}
	raw, err := lease.Raw(ctx)
	if err != nil {
		return err
	}
	return errors.Join(use(raw), raw.Close())
}

func (f *fieldNode) Overhear(ctx context.Context, name string, emit func(control.Heard) error) error {
	if name != "riser-1" {
		return &control.Error{Code: control.CodeNotFound, Message: "no line " + name}
	}
	if err := emit(control.Heard{}); err != nil {
		return err
	}
	for _, h := range []control.Heard{{At: noon, Sent: true, Bytes: []byte{1, 2}}, {At: noon, Bytes: []byte{3}, Lost: 4}} {
		if err := emit(h); err != nil {
			return err
		}
	}
	return nil
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// onABus makes a node whose line has Modbus meters 1 and 2.
func onABus(t *testing.T) *fieldNode {
	t.Helper()
	bus := metersim.NewBus(metersim.Pacing{})
	bus.Attach(1, metersim.NewGasMeter(1000))
	bus.Attach(2, metersim.NewGasMeter(2000))
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	l := line.New("riser-1", func(context.Context) (line.Conn, error) {
		ours, theirs := net.Pipe()
		group.Go(func() { _ = bus.Serve(ctx, theirs) })
		return ours, nil
	}, line.Options{Quiet: time.Millisecond})
	t.Cleanup(func() { _ = l.Close(); cancel(); group.Wait() })
	return &fieldNode{node: full(), line: l}
}

// ask reads register 0 of a Modbus meter over a line.
func ask(t *testing.T, l *line.Line, request string, answer int) ([]byte, error) {
	t.Helper()
	b, err := hex.DecodeString(request)
	if err != nil {
		t.Fatal(err)
	}
	lease, err := l.Lease(t.Context(), line.Interactive)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	a, err := lease.Exchange(t.Context(), line.Exchange{Request: b, Timeout: time.Minute, Expect: func([]byte) (line.Verdict, error) { return line.Verdict{Need: answer}, nil }})
	return a.Bytes, err
}

const (
	question = "010300010001d5ca" // the low word of meter 1's litres
	want     = "01030203e8b8fa"
)

// TestBorrowedLine: exchanges over a line that the node owns work as on one of our own, and afterwards the node goes on.
func TestBorrowedLine(t *testing.T) {
	n := onABus(t)
	c, _ := serve(t, n)
	ours := line.New("borrowed", c.Borrow("riser-1"), line.Options{Quiet: time.Millisecond})
	for range 3 {
		if got, err := ask(t, ours, question, 7); hex.EncodeToString(got) != want || err != nil {
			t.Fatalf("got %x, %v", got, err)
		}
	}
	if n.lent != 1 {
		t.Errorf("%d loans for three questions in a row", n.lent)
	}
	if err := ours.Close(); err != nil {
		t.Error(err)
	}
	if got, err := ask(t, n.line, question, 7); hex.EncodeToString(got) != want || err != nil {
		t.Errorf("the node itself: %x, %v", got, err)
	}
}

// TestLoanEndsWithTheBorrower: a borrower that dies leaves the line to the node.
func TestLoanEndsWithTheBorrower(t *testing.T) {
	n := onABus(t)
	c, _ := serve(t, n)
	conn, err := c.Borrow("riser-1")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Close(), conn.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("wrote after the end: %v", err)
	}
	if got, err := ask(t, n.line, question, 7); hex.EncodeToString(got) != want || err != nil {
		t.Errorf("got %x, %v", got, err)
	}
}

// TestLoanEndsWithTheLine: a node whose port is lost says so.
func TestLoanEndsWithTheLine(t *testing.T) {
	n := onABus(t)
	c, _ := serve(t, n)
	conn, err := c.Borrow("riser-1")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	go n.line.Close()
	if _, err := conn.Read(make([]byte, 9)); !errors.Is(err, meter.ErrLine) {
		t.Errorf("got %v", err)
	}
}

func TestLoanRefused(t *testing.T) {
	n := onABus(t)
	c, _ := serve(t, n)
	_, err := c.Borrow("riser-9")(t.Context())
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.CodeNotFound {
		t.Errorf("unknown line: %v", err)
	}
	c, _ = serve(t, full())
	if _, err := c.Borrow("riser-1")(t.Context()); err == nil {
		t.Error("a node without lines lent one")
	}
	if _, err := control.NewClient(filepath.Join(t.TempDir(), "s")).Borrow("riser-1")(t.Context()); !errors.Is(err, control.ErrNoNode) {
		t.Errorf("no node: %v", err)
	}
	conn, err := onABusLoan(t)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ SetMode(line.Mode) error }).SetMode(line.Mode{Baud: 2400}); !errors.Is(err, meter.ErrLine) {
		t.Errorf("speed of a pipe: %v", err)
	}
}

func onABusLoan(t *testing.T) (line.Conn, error) {
	c, _ := serve(t, onABus(t))
	conn, err := c.Borrow("riser-1")(t.Context())
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, err
}

// TestBorrowedDeadlines: a read ends at its deadline, and at once when the deadline is moved.
func TestBorrowedDeadlines(t *testing.T) {
	conn, err := onABusLoan(t)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now())
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Hour))
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	}()
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestForeignLoans: something else than a node answers, or a node of another version.
func TestForeignLoans(t *testing.T) {
	hello := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tally-loan\r\n\r\n"
	for name, answer := range map[string]string{
		"nothing": "", "no HTTP": "x\r\n\r\n", "no loan": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "hangs up": hello,
		"too long": hello + "D\xff\xff", "no traits": hello + "D\x00\x01x", "failure": hello + "F\x00\x02{}", "unknown message": hello + "Z\x00\x00",
		"tells twice": hello + "D\x00\x02{}D\x00\x02{}D\x00\x02{}",
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		group.Go(func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, answer)
			}
			conn.Close()
		})
		conn, err := control.NewClient(path).Borrow("riser-1")(t.Context())
		if name == "tells twice" {
			if err != nil { // the hang-up behind it was noticed first
				if !errors.Is(err, meter.ErrLine) {
					t.Errorf("%s: %v", name, err)
				}
			} else {
				_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
				if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, meter.ErrLine) {
					t.Errorf("%s: %v", name, err)
				}
				conn.Close()
			}
		} else if err == nil {
			t.Errorf("%s: borrowed", name)
			conn.Close()
		}
		l.Close()
		group.Wait()
	}
}

// TestForeignBorrowers: whatever is sent to a node that lends, the line comes back.
func TestForeignBorrowers(t *testing.T) {
	for name, message := range map[string]string{"unknown": "Z\x00\x00", "too long": "W\xff\xff", "broken mode": "M\x00\x01{", "cut short": "W\x00\x09abc", "ends": ""} {
		n := onABus(t)
		_, path := serve(t, n)
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/lines/riser-1/loan HTTP/1.1\r\nHost: tallyd\r\nConnection: Upgrade\r\nUpgrade: tally-loan\r\n\r\n")
		r := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%v, %v", resp, err)
		}
		fmt.Fprint(conn, message)
		if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		conn.Close()
		if got, err := ask(t, n.line, question, 7); hex.EncodeToString(got) != want || err != nil {
			t.Errorf("%s: the node itself: %x, %v", name, got, err)
		}
	}
}

func TestMeterDo(t *testing.T) {
	n := onABus(t)
	n.result = fieldwork.Result{Outcome: fieldwork.Unknown, Code: "outcome_unknown", Valve: meter.ValveUnknown, Words: []uint16{1}, At: noon}
	c, _ := serve(t, n)
	got, err := c.MeterDo(t.Context(), "0/1 2", fieldwork.Act{Do: fieldwork.CloseValve, Typed: "7"})
	if diff := cmp.Diff(n.result, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if diff := cmp.Diff([]fieldwork.Act{{Do: fieldwork.CloseValve, Typed: "7@0/1 2"}}, n.acts); diff != "" {
		t.Error(diff)
	}
	lines, err := c.Lines(t.Context())
	if err != nil || len(lines) != 1 || lines[0].Meters == nil {
		t.Errorf("%+v, %v", lines, err)
	}
}

// TestPromise7ActIsSentOnce: a node that dies with the question in its hands is not asked again.
func TestPromise7ActIsSentOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 10)
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			for r := bufio.NewReader(conn); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					break
				}
				body, _ := io.ReadAll(req.Body)
				asked <- req.URL.Path + string(body)
				if req.Method == http.MethodPost {
					break // hangs up with the act in its hands
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
			}
			conn.Close()
		}
	})
	c := control.NewClient(path)
	if _, err := c.Lines(t.Context()); err != nil { // the act goes over a connection that was used before
		t.Fatal(err)
	}
	if _, err := c.MeterDo(t.Context(), "1", fieldwork.Act{Do: fieldwork.CloseValve, Typed: "1"}); err == nil {
		t.Error("no error")
	}
	c.Close()
	l.Close()
	group.Wait()
	close(asked)
	var all []string
	for a := range asked {
		all = append(all, a)
	}
	if diff := cmp.Diff([]string{"/v1/lines", `/v1/meters/1/do{"do":"close_valve","typed":"1"}`}, all); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownFieldOfAnAct: what an older node does not know it does not pass over.
func TestUnknownFieldOfAnAct(t *testing.T) {
	n := onABus(t)
	_, path := serve(t, n)
	http1 := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	defer http1.CloseIdleConnections()
	resp, err := http1.Post("http://tallyd/v1/meters/1/do", "application/json", bytes.NewReader([]byte(`{"do":"close_valve","unless":"rain"}`)))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || len(n.acts) > 0 {
		t.Errorf("%s, %v", resp.Status, n.acts)
	}
}

func TestOverhear(t *testing.T) {
	c, _ := serve(t, onABus(t))
	var got []control.Heard
	err := c.Overhear(t.Context(), "riser-1", func(h control.Heard) error { got = append(got, h); return nil })
	wantAll := []control.Heard{{At: noon, Sent: true, Bytes: []byte{1, 2}}, {At: noon, Bytes: []byte{3}, Lost: 4}}
	if diff := cmp.Diff(wantAll, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	stop := errors.New("enough")
	if err := c.Overhear(t.Context(), "riser-1", func(control.Heard) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	err = c.Overhear(t.Context(), "riser-9", func(control.Heard) error { return nil })
	if e, ok := errors.AsType[*control.Error](err); !ok || e.Code != control.CodeNotFound {
		t.Errorf("got %v", err)
	}
}
