package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"tally/cardreader/purse"
	"tally/cmd/internal/control"
	"tally/meter"
)

// world is an Env whose outputs can be looked at.
func world(args ...string) (env Env, out, errs *bytes.Buffer) {
	out, errs = new(bytes.Buffer), new(bytes.Buffer)
	return Env{Args: args, In: strings.NewReader(""), Out: out, Err: errs, Getenv: func(string) string { return "" }}, out, errs
}

func TestTableAlignsWideCharacters(t *testing.T) {
	var tb table
	tb.row("读卡器", "x", "1")
	tb.row("reader", "yy", "2")
	tb.row("é́", "", "")
	want := "读卡器  x   1\nreader  yy  2\né́\n"
	if diff := cmp.Diff(want, tb.String()); diff != "" {
		t.Error(diff)
	}
	for s, n := range map[string]int{"": 0, "m³": 2, "元／m³": 6, "ﾊﾝ": 2, "한국": 4, "🙂": 2, "𠀀": 2, "\u200b": 0} {
		if got := width(s); got != n {
			t.Errorf("%q takes %d cells, want %d", s, got, n)
		}
	}
}

// TestPlain: a reader's or a card's text cannot command the terminal.
func TestPlain(t *testing.T) {
	if got := plain("A\x1b[2J\nB\u202eC\u009bD 读卡器\xff"); got != "A?[2J?B?C?D 读卡器?" {
		t.Errorf("%q", got)
	}
}

func TestBytesAndDuration(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 10: "1.5 MiB", 150 << 30: "150 GiB", 1<<64 - 1: "16777215 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	a := &app{lang: "en"}
	for d, want := range map[time.Duration]string{0: "0 s", 61 * time.Second: "1 min 1 s", 50 * time.Hour: "2 d 2 h"} {
		if got := a.duration(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

func TestAmountHasItsUnit(t *testing.T) {
	a := &app{lang: "en"}
	for unit, want := range map[purse.Unit]string{purse.UnitDeciM3: "-12.5 m³", purse.UnitCentiM3: "-1.25 m³", purse.UnitFen: "-1.25 yuan", "kWh": "-125 × kWh"} {
		if got := a.amount(unit, -125); got != want {
			t.Errorf("%s: %s, want %s", unit, got, want)
		}
	}
}

func TestWeakPasswords(t *testing.T) {
	for password, want := range map[string]bool{
		"": true, "1234567": true, "12345678": false, "aaaaaaaaaaa": true, "Operator1": true, "密码密码密码密码": false, "短口令": true,
		strings.Repeat("ab", 200): true, "abcdefgh\xff": true,
	} {
		if weak("operator1", password) != want {
			t.Errorf("%q: weak is not %t", password, want)
		}
	}
}

func TestBuildVersion(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}}
	if got := buildVersion(info); got != "0123456789ab-dirty" {
		t.Error(got)
	}
	info.Main.Version = "v1.2.3"
	if got := buildVersion(info); got != "v1.2.3" {
		t.Error(got)
	}
	if got := buildVersion(&debug.BuildInfo{}); got != "unknown" {
		t.Error(got)
	}
}

// TestUsualSocket: where a node is looked for when nobody says so.
func TestUsualSocket(t *testing.T) {
	none := func(string) string { return "" }
	env := func(name string) string {
		return map[string]string{"TALLY_SOCKET": "/e/s", "ProgramData": `C:\ProgramData`}[name]
	}
	for _, tt := range []struct {
		d      door
		getenv func(string) string
		path   string
		named  bool
	}{
		{door{socket: "/s", dataDir: "/d"}, env, "/s", true},
		{door{dataDir: "/d"}, env, filepath.Join("/d", "tallyd.sock"), true},
		{door{usual: "/u"}, env, "/e/s", true},
		{door{usual: "/u"}, none, "/u", false},
	} {
		if path, named := tt.d.path(tt.getenv); path != tt.path || named != tt.named {
			t.Errorf("%+v: %s %t", tt.d, path, named)
		}
	}
	if path, named := (door{}).path(none); !strings.HasSuffix(path, "tallyd.sock") || named {
		t.Errorf("%s %t", path, named)
	}
}

// full is a writer on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestOutputThatCannotBeWritten: a pipe into a full disk is no success.
func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"sample-config", "counter"}} {
		env, _, errs := world(args...)
		env.Out = full{}
		if code := Tallyd(t.Context(), env, TallydDeps{}); code != ExitInternal || !strings.Contains(errs.String(), "write output: ") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	env, _, errs := world("meter", "read", "--port", "COM3", "--unit", "1", "--model", "m", "--lang=zh")
	deps := TallyDeps{Socket: filepath.Join(t.TempDir(), "tallyd.sock")}
	if code := Tally(ctx, env, deps); code != ExitInterrupted || errs.String() != "tally: 已中断\n" {
		t.Errorf("%d %s", code, errs)
	}
}

// TestUnknownCodesAreShown: a code of a newer node is not dropped.
func TestUnknownCodesAreShown(t *testing.T) {
	a := &app{lang: "zh"}
	if f := a.explain(&control.Error{Code: "brand_new", Message: "something\nnew", Hint: "do it"}); f.code != ExitInternal || f.text != "something?new" || f.hint != "do it" {
		t.Errorf("%+v", f)
	}
	if f := a.explain(Refusal("brand_new")); f.code != ExitRefused || f.text != "brand_new" {
		t.Errorf("%+v", f)
	}
}

// TestErrorsHaveTheirExitCode.
func TestErrorsHaveTheirExitCode(t *testing.T) {
	a := &app{lang: "en"}
	for err, want := range map[error]int{
		control.ErrNotAllowed: ExitUnreachable, control.ErrNoNode: ExitUnreachable, meter.ErrForeign: ExitNotWell, meter.ErrLine: ExitUnreachable,
		ErrConfig: ExitConfig, ErrRefused: ExitRefused, NameTaken: ExitRefused, context.DeadlineExceeded: ExitUnreachable, io.ErrUnexpectedEOF: ExitInternal,
	} {
		if f := a.explain(errors.Join(errors.New("outer"), err)); f.code != want || f.text == "" {
			t.Errorf("%v: %d, want %d", err, f.code, want)
		}
	}
	if !errors.Is(NameTaken, ErrRefused) || errors.Is(ErrRefused, NameTaken) {
		t.Error("a refusal is ErrRefused, and not the other way round")
	}
}

// TestEverySentenceIsBilingual: a code has words in both languages.
func TestEverySentenceIsBilingual(t *testing.T) {
	check := func(code, en, zh string) {
		if en == "" || zh == "" || !strings.ContainsFunc(zh, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }) ||
			strings.ContainsFunc(en, func(r rune) bool { return r >= 0x4e00 }) {
			t.Errorf("%s: %q %q", code, en, zh)
		}
	}
	for code, s := range sentences {
		check(code, s.en, s.zh)
	}
	for code, s := range problemSentences {
		check(code, s.en, s.zh)
	}
}

// TestEveryCommandSaysWhatItDoes: no text of the help is missing in either language.
func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		a := &app{lang: lang}
		for _, c := range []*cobra.Command{
			a.runCommand(TallydDeps{}), a.demoCommand(TallydDeps{}), a.operatorAddCommand(TallydDeps{}), a.accountImportCommand(TallydDeps{}), a.cardShowCommand(TallyDeps{}),
			a.meterReadCommand(TallyDeps{}), a.nodeStatusCommand(TallyDeps{}), a.cardReadersCommand(TallyDeps{}),
		} {
			han := strings.ContainsFunc(c.Short+c.Long, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
			if c.Short == "" || han != (lang == "zh") {
				t.Errorf("%s: %s: %q", lang, c.Name(), c.Short)
			}
		}
	}
}

// TestSignals: the first signal ends the context.
func TestSignals(t *testing.T) {
	ctx, stop := Signals(t.Context())
	defer stop()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Signal(os.Interrupt); err != nil {
		t.Skip("this system cannot send an interrupt to itself")
	}
	<-ctx.Done()
}

// terminal gives a command a terminal with somebody who types.
func terminal(t *testing.T, typed string) *os.File {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no pseudo-terminal: %v", err)
		}
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { _ = errors.Join(tty.Close(), master.Close()) })
	if _, err := master.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	return tty
}

// TestPasswordFromTheTerminal: asked twice, never shown.
func TestPasswordFromTheTerminal(t *testing.T) {
	for typed, want := range map[string]int{"correct horse\ncorrect horse\n": ExitOK, "correct horse\ncorrect house\n": ExitUsage, "short\nshort\n": ExitRefused} {
		env, _, errs := world()
		env.In = terminal(t, typed)
		a := &app{env: env, name: "tallyd", lang: "en"}
		secret, err := a.password(&cobra.Command{Use: "add"}, "li", "")
		if code := a.finish(err); code != want {
			t.Errorf("%q: %d %s", typed, code, errs)
		}
		if want == ExitOK && secret.Reveal() != "correct horse" {
			t.Errorf("password %q", secret.Reveal())
		}
		if strings.Contains(errs.String(), "horse") || !strings.HasPrefix(errs.String(), "password for li: \nonce more: \n") {
			t.Errorf("said %q", errs)
		}
	}
}
