package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tally/cmd/internal/control"
	"tally/cmd/internal/fieldwork"
	"tally/meter"
)

// oneMeter is a target that counts what it is told.
type oneMeter struct {
	acts   int
	result fieldwork.Result
	err    error
}

func (o *oneMeter) Do(context.Context, fieldwork.Act) (fieldwork.Result, error) {
	o.acts++
	return o.result, o.err
}
func (o *oneMeter) Read(context.Context) (meter.Reading, error) { return meter.Reading{}, nil }
func (o *oneMeter) Number() meter.ID                            { return "7" }
func (o *oneMeter) Where() (string, bool)                       { return "p1", false }

func technician(t *testing.T) (*app, *bytes.Buffer) {
	t.Helper()
	var errs bytes.Buffer
	return &app{name: "tally", lang: "en", env: Env{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &errs, Getenv: func(string) string { return "" }}}, &errs
}

// TestNothingIsWrittenWithoutWrite: no flag, no command, no audit file.
func TestNothingIsWrittenWithoutWrite(t *testing.T) {
	a, _ := technician(t)
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, do := range []string{fieldwork.CloseValve, fieldwork.ArmValve, fieldwork.SetClock, fieldwork.SetAddress} {
		m := &oneMeter{}
		_, err := a.change(t.Context(), m, fieldwork.Act{Do: do, Typed: "7"}, "x", writing{audit: file, confirm: "7"}, TallyDeps{})
		f, ok := errors.AsType[*failure](err)
		if !ok || f.code != ExitRefused || m.acts != 0 {
			t.Errorf("%s: %v, %d acts", do, err, m.acts)
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was noted: %v", err)
	}
}

// TestPromise7ChangeIsSentOnce: whatever comes back, the meter is told once, and what is not known is called unknown.
func TestPromise7ChangeIsSentOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		result fieldwork.Result
		err    error
		want   string
		exit   int
	}{
		"done":             {fieldwork.Result{Outcome: fieldwork.Done}, nil, `"outcome":"done"`, ExitOK},
		"unknown":          {fieldwork.Result{Outcome: fieldwork.Unknown}, nil, `"outcome":"unknown"`, ExitUnreachable},
		"refused":          {fieldwork.Result{Outcome: fieldwork.Refused}, nil, `"outcome":"refused"`, ExitRefused},
		"node hung up":     {fieldwork.Result{}, errors.New("ask node: EOF"), `"outcome":"unknown"`, ExitUnreachable},
		"node has a fault": {fieldwork.Result{}, &control.Error{Code: control.CodeInternal}, `"outcome":"unknown"`, ExitUnreachable},
		"no such meter":    {fieldwork.Result{}, &control.Error{Code: control.CodeNotFound}, `"outcome":"not_sent"`, ExitRefused},
		"no node":          {fieldwork.Result{}, control.ErrNoNode, `"outcome":"not_sent"`, ExitUnreachable},
	} {
		a, _ := technician(t)
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		m := &oneMeter{result: tt.result, err: tt.err}
		r, err := a.change(t.Context(), m, fieldwork.Act{Do: fieldwork.CloseValve, Typed: "7"}, "closed", writing{write: true, audit: file}, TallyDeps{})
		if err == nil {
			err = a.became(r)
		}
		if code := a.finish(err); code != tt.exit || m.acts != 1 {
			t.Errorf("%s: exit %d, %d acts", name, code, m.acts)
		}
		text, err := os.ReadFile(file)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if err != nil || len(lines) != 2 || !strings.Contains(lines[0], `"outcome":"begun"`) || !strings.Contains(lines[1], tt.want) {
			t.Errorf("%s: %q, %v", name, lines, err)
		}
	}
}

// TestNoAuditNoCommand: what cannot be noted is not done.
func TestNoAuditNoCommand(t *testing.T) {
	a, _ := technician(t)
	m := &oneMeter{}
	if _, err := a.change(t.Context(), m, fieldwork.Act{Do: fieldwork.SetClock}, "now", writing{write: true, audit: t.TempDir()}, TallyDeps{}); err == nil || m.acts != 0 {
		t.Errorf("%v, %d acts", err, m.acts)
	}
	if _, err := a.change(t.Context(), m, fieldwork.Act{Do: fieldwork.SetClock}, "now", writing{write: true}, TallyDeps{}); err == nil || m.acts != 0 {
		t.Errorf("nowhere to note it: %v, %d acts", err, m.acts)
	}
}

func TestAuditFile(t *testing.T) {
	a, _ := technician(t)
	home := t.TempDir()
	for _, tt := range []struct {
		env  map[string]string
		flag string
		want string
	}{
		{map[string]string{"HOME": home}, "", filepath.Join(home, ".local", "state", "tally", "audit.jsonl")},
		{map[string]string{"HOME": home, "XDG_STATE_HOME": filepath.Join(home, "s")}, "", filepath.Join(home, "s", "tally", "audit.jsonl")},
		{map[string]string{"HOME": home, "TALLY_AUDIT": filepath.Join(home, "a")}, "", filepath.Join(home, "a")},
		{map[string]string{"TALLY_AUDIT": filepath.Join(home, "a")}, filepath.Join(home, "b"), filepath.Join(home, "b")},
	} {
		a.env.Getenv = func(name string) string { return tt.env[name] }
		if got, err := a.auditFile(writing{audit: tt.flag}); err != nil || got != tt.want && os.PathSeparator == '/' {
			t.Errorf("%v: %s, %v", tt.env, got, err)
		}
	}
}
