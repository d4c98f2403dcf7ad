// Package logging sets up the structured log of the programs.
package logging

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"tally/cmd/internal/config"
)

// New makes a logger that writes to w as c asks: text when w is a terminal and JSON otherwise, unless the format is
// named. Attributes whose name is that of a secret are hidden, as a net under the rule that nobody logs one.
func New(w io.Writer, c config.Log) *slog.Logger {
	opts := &slog.HandlerOptions{Level: c.Level, ReplaceAttr: hide}
	if c.Format == config.LogText || (c.Format != config.LogJSON && IsTerminal(w)) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// hide replaces the value of an attribute that is named like a secret.
func hide(_ []string, a slog.Attr) slog.Attr {
	switch strings.ToLower(a.Key) {
	case "password", "passwd", "secret", "psc", "token", "pin", "private_key", "authorization", "cookie":
		return slog.String(a.Key, "(hidden)")
	}
	return a
}
