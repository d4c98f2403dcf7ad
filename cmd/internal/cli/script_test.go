package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/cli"
	"tally/cmd/internal/cli/accountcsv"
	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/meter"
	"tally/meter/quantity"
)

var known = config.Known{
	Models:   []string{"generic-water", "generic-gas", "tuf-2000f", "gas-188", "energy-645", "heat-mbus", "generic-cjt188-gas"},
	Speaks:   map[string]string{"generic-water": "modbus", "generic-gas": "modbus", "tuf-2000f": "modbus", "gas-188": config.CJT188, "energy-645": config.DLT645, "heat-mbus": config.MBus, "generic-cjt188-gas": config.CJT188},
	Kinds:    []string{"gas", "cold-water"},
	Kindless: []string{"gas-188"},
	Profiles: []string{"GEN4442 v1"},
	Address:  func(_, s string) (string, bool) { return s, strings.Trim(s, "0123456789") == "" },
}

// TestMain makes the three programs with fake insides available to the scripts as processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tallyd": func() { end(func(ctx context.Context) int { return cli.Tallyd(ctx, cli.OSEnv(), tallydDeps()) }) },
		"tally":  func() { end(func(ctx context.Context) int { return cli.Tally(ctx, cli.OSEnv(), tallyDeps()) }) },
		"tally-central": func() {
			end(func(ctx context.Context) int { return cli.Central(ctx, cli.OSEnv(), centralDeps()) })
		},
	})
}

func end(run func(context.Context) int) {
	ctx, stop := cli.Signals(context.Background())
	code := run(ctx)
	stop()
	os.Exit(code)
}

// TestScripts runs testdata/script/*.txtar; with UPDATE_SCRIPTS=1 it writes their expected outputs anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"node": startNode, "exits": exits, "central": seedCentral, "answer": answerCentral, "doubt": doubtCentral, "voided": voidCentral, "mode": mode, "layout": layoutFile},
		Setup: func(e *testscript.Env) error {
			// A unix socket's path is short; the work folder of a script is not always.
			dir, err := os.MkdirTemp("", "t")
			if err != nil {
				return err
			}
			e.Defer(func() { _ = os.RemoveAll(dir) })
			e.Setenv("SOCKDIR", dir)
			e.Setenv("TZ", "UTC")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector waits a second at every exit otherwise
			e.Setenv("LANG", "en_US.UTF-8")
			return nil
		},
	})
}

// startNode is `node well|ill|empty|broken DIR`: a daemon's door with a node of that kind behind it.
func startNode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: node KIND DIR")
	}
	l, err := control.Listen(filepath.Join(ts.MkAbs(args[1]), config.SocketName))
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- control.Serve(ctx, l, fakeNode(args[0]), slog.New(slog.NewTextHandler(io.Discard, nil)))
	}()
	ts.Defer(func() {
		cancel()
		if err := <-ended; err != nil {
			ts.Logf("serve: %v", err)
		}
	})
}

// exits is `exits CODE PROGRAM ARGS…`: runs a program and checks its exit code exactly.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if coded, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		code = coded.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s ended with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// fakeNode implements control.Node by kind.
type fakeNode string

var at = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

func (n fakeNode) Status(context.Context) (control.NodeStatus, error) {
	s := control.NodeStatus{Node: "hall-01", Version: "v1.0.0", Epoch: "e-7f3a", Boot: "b-1", Started: at, UptimeS: 11520, Ready: true,
		Disk: control.Disk{Dir: "/data", FreeBytes: 42 << 30, UsedBytes: 1536 << 10, SalesRoom: true}}
	switch n {
	case "well":
		s.Readers = fakeReaders
		s.Lines = []control.LineStat{{Name: "riser-1", Kind: "serial", Where: "/dev/ttyS1", Open: true, Meters: 2, Alive: 2, Asked: 100, Answered: 99}}
		s.Uplink = control.Uplink{Configured: true, Broker: "tcp://127.0.0.1:1883", Connected: true, Central: true,
			Streams: []control.Stream{{Name: "tx", Next: 8, Acked: 7}, {Name: "rd", Next: 120, Acked: 116, Waiting: 3}}}
	case "ill":
		s.Ready = false
		s.Open = control.OpenOrders{InDoubt: 1, Quarantine: 2}
		s.Disk.SalesRoom = false
		s.Lines = []control.LineStat{{Name: "riser-1", Kind: "serial", Where: "/dev/ttyS1", Meters: 2, Dead: 2, Asked: 100}}
		s.Uplink = control.Uplink{Configured: true, Broker: "tcp://127.0.0.1:1883", Streams: []control.Stream{{Name: "tx", Waiting: 12}}}
		s.Lines = append(s.Lines, control.LineStat{Name: "riser-2", Kind: "serial", Where: "/dev/ttyS2", Open: true, Meters: 2, Alive: 2, Asked: 7,
			Down: true, Since: at.Add(-time.Hour), Next: at.Add(time.Minute)})
		s.Problems = []control.Problem{{Code: control.ProblemLineLost, Subject: "riser-1", Message: "no such port"},
			{Code: control.ProblemLineDown, Subject: "riser-2", Message: "line riser-2: line_down"},
			{Code: control.ProblemBrokerAway, Message: "dial"}, {Code: control.ProblemNotReady, Message: "no room"}, {Code: "brand_new", Message: "something new is wrong"}}
	}
	return s, nil
}

var fakeReaders = []control.Reader{
	{Name: "ACS ACR39U ICC Reader 00 00", Card: control.CardPresent, ATR: "3b04a2131091"},
	{Name: "OMNIKEY 3x21 00 00", Card: control.CardNone}, {Name: "读卡器 3", Card: control.CardMute},
}

func (n fakeNode) Readers(context.Context) ([]control.Reader, error) {
	switch n {
	case "empty":
		return nil, nil
	case "away":
		return nil, &cardreader.Error{Class: cardreader.Retry, Code: cardreader.CodeNoService, Op: "list readers", Err: errors.New("no socket")}
	}
	return fakeReaders, nil
}

func (n fakeNode) Card(_ context.Context, reader string) (control.Card, error) {
	switch {
	case n == "broken":
		return control.Card{}, errors.New("panic in the reader's driver: secret 0xA1B2C3")
	case n == "empty":
		return control.Card{}, &cardreader.Error{Class: cardreader.Operator, Code: cardreader.CodeCardRemoved, Op: "open", Reader: "ACS"}
	case strings.HasPrefix(reader, "OMNIKEY"):
		return control.Card{}, &control.Error{Code: control.CodeNoCard, Message: "no card"}
	case n == "ill" && reader == "":
		return control.Card{}, &control.Error{Code: control.CodeAmbiguous, Message: "two cards"}
	}
	s := purse.State{Profile: "GEN4442 v1", Card: purse.CardID{Region: 0x0571, No: "00001234"}, Kind: purse.KindUser, Unit: purse.UnitCentiM3, IssueCount: 1,
		Meter: "00045678", Swiped: true, Image: fakeImage(1250),
		Order:     &purse.OnCard{Slot: "a", Seq: 7, Qty: 1250, Cumulative: 4000, Price: 26500, Tier: 1, Op: purse.OpBuy, Tag: purse.Tag{1, 2, 3}, At: "2026-11-21T14"},
		WriteBack: &purse.WriteBack{Slot: "b", Seq: 7, Accepted: 4000, Remaining: -25, Used: 3975, BatteryDV: 36, Status: []string{"low_battery", "leak"}, MeterTime: "2026-11-21T15"}}
	if n == "ill" {
		s = purse.State{Profile: "GEN4442 v1", Card: s.Card, Kind: purse.KindTool, Unit: purse.UnitFen, Water: true, Damaged: []string{"slot_a_crc"}}
	}
	return control.Card{Reader: "ACS ACR39U ICC Reader 00 00", ATR: "3b04a2131091", State: s,
		Customer: &control.Customer{No: "10001", Name: "张三丰", Meter: "00045678", Locked: n == "ill"}}, nil
}

func (n fakeNode) Meters(context.Context) ([]control.Meter, error) {
	if n != "well" {
		return nil, nil
	}
	good, odd := fakeReading("00012345", "riser-1"), fakeReading("00012346", "riser-1")
	odd.Quality = meter.Quality{meter.Jump, meter.ClockDrift}
	return []control.Meter{
		{ID: "00012345", Line: "riser-1", Model: "generic-water", Last: &good, Next: at.Add(15 * time.Minute)},
		{ID: "00012346", Line: "riser-1", Model: "generic-water", Last: &odd, Next: at.Add(20 * time.Minute), Valve: meter.ValveUnknown,
			Failure: &meter.Failure{Meter: "00012346", At: at, Line: "riser-1", Code: "silent", Text: "nothing within 1s"}},
		{ID: "00012347", Line: "riser-2", Model: "generic-water", Dead: true, Since: at.Add(-time.Hour), Next: at.Add(time.Minute),
			Failure: &meter.Failure{Meter: "00012347", At: at, Line: "riser-2", Code: "silent", Text: "nothing within 1s"}},
		{ID: "00012348", Line: "riser-2", Model: "generic-water", Next: at},
	}, nil
}

func (n fakeNode) MeterRead(_ context.Context, id meter.ID) (meter.Reading, error) {
	switch id {
	case "00012345":
		return fakeReading(id, "riser-1"), nil
	case "00012346":
		return meter.Reading{}, fmt.Errorf("read meter %s: %w", id, meter.ErrSilent)
	case "00012347":
		return meter.Reading{}, meter.ErrChecksum
	}
	return meter.Reading{}, &control.Error{Code: control.CodeNotFound, Message: fmt.Sprintf("meter %q", id)}
}

func fakeReading(id meter.ID, line string) meter.Reading {
	return meter.Reading{Meter: id, At: at, Line: line, Raw: []byte{1, 3, 4}, Quality: meter.Quality{meter.Jump}, Values: []meter.Value{
		{Name: meter.Volume, Number: quantity.Decimal{Unscaled: 55667700, Scale: 2}, Unit: quantity.UnitCubicMetre},
		{Name: "battery", Number: quantity.Decimal{Unscaled: 36, Scale: 1}, Unit: quantity.UnitVolt},
		{Name: "valve", Number: quantity.Decimal{Unscaled: 1}},
	}}
}

func tallyDeps() cli.TallyDeps {
	if os.Getenv("TALLY_BENCH") == "real" {
		return cli.TallyDeps{Known: devices.Known(), Socket: filepath.Join(os.TempDir(), "no-node-here", config.SocketName), Bench: devices.Bench{}}
	}
	return cli.TallyDeps{
		Now:    func() time.Time { return at },
		Known:  known,
		Socket: filepath.Join(os.TempDir(), "no-node-here", config.SocketName),
		Cards: func(_ context.Context, layout *profile.Profile) (control.Cards, func() error, error) {
			if os.Getenv("FAKE_PCSC") == "none" {
				return nil, nil, &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNoPCSC, Op: "start"}
			}
			return fakeReadersOnly{fakeNode("well"), layout}, func() error { return nil }, nil
		},
		Bench: fakeBench{},
	}
}

func tallydDeps() cli.TallydDeps {
	return cli.TallydDeps{
		Known: known,
		Run: func(ctx context.Context, n config.Node, log *slog.Logger) error {
			switch os.Getenv("FAKE_RUN") {
			case "fail":
				return errors.New("open ledger: input/output error")
			case "config":
				return fmt.Errorf("cards: %w: built without PC/SC", cli.ErrConfig)
			case "wait":
				fmt.Println("running")
				<-ctx.Done()
				return nil
			}
			log.Info("run", "node", n.Name, "psc", n.Cards.PSC)
			return nil
		},
		Demo: func(_ context.Context, o cli.DemoOptions) error {
			_, err := fmt.Fprintf(o.Out, "demo %s %s fresh=%t %s\n", filepath.Base(o.Dir), o.Listen, o.Fresh, o.Lang)
			return err
		},
		AddOperator:    addOperator,
		ImportAccounts: importAccounts,
		Check:          checkFolder,
		Restore:        restore,
		CardDigits:     func(config.Cards) (int, error) { return 8, nil },
		Now:            func() time.Time { return at },
	}
}

// importAccounts has a ledger with account 9001, whose card is 00009001, and shows what it is given.
func importAccounts(_ context.Context, n config.Node, s accountcsv.Sheet, dryRun bool) (cli.Imported, error) {
	if os.Getenv("FAKE_LEDGER") == "in use" {
		return cli.Imported{}, fmt.Errorf("open ledger: %w", cli.NodeRunning)
	}
	old := counter.Account{No: "9001", Name: "old", Card: purse.CardID{Region: 0x0571, No: "00009001"}}
	var problems accountcsv.Problems
	var done cli.Imported
	for _, row := range s.Rows {
		a, owner, has := row.Account, "", counter.Account{}
		if a.Card == old.Card {
			owner = old.No
		}
		done.Added++
		if a.No == old.No {
			has = old
			done.Added, done.Changed = done.Added-1, done.Changed+1
		}
		problems = append(problems, s.Against(row, has, owner)...)
		fmt.Printf("%s dry=%t line %d: %s %s %s card %s meter %s bought %s since %s\n", n.Name, dryRun, row.Line, a.No, a.Name, a.PriceClass, a.Card, a.Meter, a.Bought, a.PeriodStart)
	}
	if problems != nil {
		return cli.Imported{}, problems
	}
	return done, nil
}

func addOperator(_ context.Context, n config.Node, op cli.NewOperator) error {
	if op.Name == "wang" {
		return fmt.Errorf("add operator: %w", cli.NameTaken)
	}
	fmt.Printf("%s %s %d %s %s %d characters, prints as %v\n", op.Name, op.Display, op.No, op.Role, n.Name, len(op.Password.Reveal()), op.Password)
	return nil
}

func runCentral(_ context.Context, c config.Central, log *slog.Logger) error {
	log.Info("run", "id", c.ID, "broker", c.Uplink.Broker)
	return nil
}
