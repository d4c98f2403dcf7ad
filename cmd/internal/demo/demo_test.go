package demo

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the test reads what the centre has stored as an engineer would, by SQL

	"tally/cmd/internal/cli"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/counter/web/webtest"
)

// shots is where pictures of the pages go; nowhere when empty.
var shots = os.Getenv("TALLY_SHOTS")

// start runs a demo on dir and returns its address and how to stop it.
func start(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	o := cli.DemoOptions{Dir: dir, Listen: "127.0.0.1:0", Lang: "en", Log: slog.New(slog.DiscardHandler)}
	d, err := New(t.Context(), o, "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	running := true
	stop = func() {
		if !running {
			return
		}
		running = false
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
	}
	t.Cleanup(stop)
	return d.Node().URL(), stop
}

// login enters the counter in a new window.
func login(t testing.TB, b *webtest.Browser, url string) *webtest.Page {
	t.Helper()
	p := b.Open(t, url)
	p.Size(1366, 768)
	p.Wait(`document.getElementById("name") && document.activeElement.id == "name"`)
	p.Press(demoUser + webtest.Tab + demoPassword + webtest.Enter)
	p.Wait(`document.querySelector("#bench li[aria-current]")`) // the page's script works
	return p
}

// TestClerkSellsInTheBrowser is the first narrow way through the whole house: by keyboard alone a clerk sells gas onto a
// card, the meter credits exactly that, and the figures stand in the central database.
func TestClerkSellsInTheBrowser(t *testing.T) {
	dir := t.TempDir()
	url, stop := start(t, dir)
	b := webtest.Start(t)
	p := login(t, b, url)
	p.Shot(shots, "demo-1-empty")

	p.Press("i") // the first card of the bench
	p.WaitText("#desks", "王**")
	p.Wait(`!document.getElementById("amount").readOnly`)
	p.Shot(shots, "demo-2-card")
	p.Press("10" + webtest.Enter)
	p.WaitText("#quote", "29.15") // 5 m³ at 2.65 and 5 m³ at 3.18
	p.Shot(shots, "demo-3-quote")
	p.Press(webtest.Enter)
	p.WaitText("#receipt", "贰拾玖元壹角伍分")
	p.Shot(shots, "demo-4-receipt")

	p.Press(webtest.Escape)
	p.WaitText("#standing", "10") // the last purchase is not swiped yet, and says so
	p.Press("r")
	p.Wait(`!document.documentElement.textContent.includes("王**")`)
	p.Press("s") // into the IC meter
	p.WaitText("#bench", "10.00")
	p.Press("u") // one cubic metre of gas
	p.WaitText("#bench", "9.00")
	p.Press("t")
	p.Wait(`document.querySelector('#bench li[data-card="00001001"]').dataset.where == "table"`)
	p.Press("i")
	p.WaitText("#desks", "9.00") // remaining, as the meter wrote it back
	p.Wait(`!document.getElementById("amount").readOnly`)
	p.Shot(shots, "demo-5-swiped")

	p.WaitText("#meters", "30260003")
	p.Wait(`document.querySelector("#meters").innerText.match(/1284\.\d+/)`)
	p.Wait(`document.querySelector("#uplink").innerText.length > 0`)
	for _, problem := range p.Problems() {
		t.Errorf("console: %s", problem)
	}

	if got := sold(t, dir, 1); got != (sale{volume: 10_000, amount: 2915, card: "00001001"}) {
		t.Errorf("the centre has %+v", got)
	}
	stop()
	goesOn(t, b, dir)
}

// goesOn starts the demo again on the same data: the card lies where it lay, and the second sale is the second.
func goesOn(t *testing.T, b *webtest.Browser, dir string) {
	t.Helper()
	url, _ := start(t, dir)
	p := login(t, b, url)
	p.WaitText("#desks", "王**")
	p.Wait(`!document.getElementById("amount").readOnly`)
	p.Press("*")
	p.Press("20" + webtest.Enter)
	p.WaitText("#quote", "6.29") // at 3.18 that is 20.0022 yuan, rounded to the fen 20.00
	p.Press(webtest.Enter)
	p.WaitText("#receipt", "000002")
	if got := sold(t, dir, 2); got != (sale{volume: 6_290, amount: 2000, card: "00001001"}) {
		t.Errorf("the centre has %+v", got)
	}
}

type sale struct {
	volume, amount int64
	card           string
}

// sold waits until the centre has committed the n-th sale and returns it.
func sold(t *testing.T, dir string, n int) (s sale) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+CentralDB(dir)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		err := db.QueryRowContext(ctx, `SELECT volume_l, amount_fen, card FROM sale WHERE receipt = ?`, n).Scan(&s.volume, &s.amount, &s.card)
		if err == nil {
			return s
		}
		if !errors.Is(err, sql.ErrNoRows) && ctx.Err() != nil {
			t.Fatalf("sale %d is not in the central database: %v", n, err)
		}
		settle(ctx, t, dir)
	}
}

// settle returns when the node knows that the centre has committed everything.
func settle(ctx context.Context, t *testing.T, dir string) {
	t.Helper()
	client := control.NewClient(filepath.Join(NodeDir(dir), config.SocketName))
	defer client.Close()
	for {
		s, err := client.Status(ctx)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			continue // a node on a busy machine may be late once
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range s.Uplink.Streams {
			if st.Name == "tx" && st.Waiting == 0 {
				return
			}
		}
	}
}

func TestFreshDemoRefusesToPullTheRugFromARunningOne(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	if err := clean(t.Context(), dir); err == nil {
		t.Fatal("threw away the data of a running demo")
	}
	if _, err := os.Stat(CentralDB(dir)); err != nil {
		t.Error(err)
	}
}

// TestFreshDemoRefusesWhenNobodyAnswers: one that listens and says nothing, as on a machine that is too busy, runs as well.
func TestFreshDemoRefusesWhenNobodyAnswers(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(NodeDir(dir), config.SocketName)
	if err := os.MkdirAll(NodeDir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetUnlinkOnClose(false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the time for an answer is over
	if err := clean(ctx, dir); err == nil {
		t.Error("threw away the data of a demo that did not answer")
	}
	if _, err := os.Stat(socket); err != nil {
		t.Error(err)
	}
	l.Close() // as a crash leaves it
	if err := clean(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

func TestFreshDemoLeavesOtherFilesAlone(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "thesis.txt")
	if err := errors.Join(os.WriteFile(mine, nil, 0o600), os.MkdirAll(NodeDir(dir), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := clean(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(NodeDir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the old node is still there")
	}
}

func TestSayWhereInBothLanguages(t *testing.T) {
	for lang, want := range map[string]string{"zh": "登录 clerk / tally-demo", "en": "login clerk / tally-demo"} {
		var out bytes.Buffer
		sayWhere(&out, lang, "http://127.0.0.1:8420")
		if !strings.Contains(out.String(), want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %q", lang, out.String())
		}
	}
}
