package logging

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"

	"tally/cmd/internal/config"
)

func TestFormats(t *testing.T) {
	for format, wantJSON := range map[string]bool{config.LogAuto: true, config.LogJSON: true, config.LogText: false} {
		var b bytes.Buffer
		New(&b, config.Log{Format: format}).Info("start", "node", "hall-01")
		if got := json.Valid(b.Bytes()); got != wantJSON {
			t.Errorf("%s: %s", format, b.String())
		}
	}
}

// TestTerminalGetsText: a person at a terminal is not given JSON, a file is.
func TestTerminalGetsText(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no pseudo-terminal: %v", err)
		}
		t.Skipf("no pseudo-terminal: %v", err)
	}
	defer master.Close()
	defer tty.Close()
	New(tty, config.Log{Format: config.LogAuto}).Info("start")
	line := make([]byte, 256)
	n, err := master.Read(line)
	if err != nil || !strings.Contains(string(line[:n]), "level=INFO msg=start") {
		t.Errorf("%q %v", line[:n], err)
	}
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if IsTerminal(file) || IsTerminal(&bytes.Buffer{}) || !IsTerminal(tty) {
		t.Error("takes a file for a terminal, or a terminal for a file")
	}
}

func TestLevel(t *testing.T) {
	var b bytes.Buffer
	log := New(&b, config.Log{Level: slog.LevelWarn})
	log.Info("quiet")
	log.Warn("loud")
	if s := b.String(); strings.Contains(s, "quiet") || !strings.Contains(s, "loud") {
		t.Error(s)
	}
}

// TestPromise10NetUnderSecrets: who logs a secret by its name does not get it into the log.
func TestPromise10NetUnderSecrets(t *testing.T) {
	for _, format := range []string{config.LogText, config.LogJSON} {
		var b bytes.Buffer
		log := New(&b, config.Log{Format: format})
		log.Info("x", "password", "hunter2", "PSC", "hunter2", "token", []byte("hunter2"), "inner", config.NewSecret("hunter2"))
		log.With("secret", "hunter2").WithGroup("g").Info("y", "pin", "hunter2")
		if s := b.String(); strings.Contains(s, "hunter2") || strings.Count(s, "(hidden)") != 6 {
			t.Error(s)
		}
	}
}
