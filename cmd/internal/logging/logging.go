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
	level := &slog.LevelVar{}
	level.Set(c.Level)
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: hide}
	if c.Format == config.LogText || (c.Format != config.LogJSON && IsTerminal(w)) {
		return slog.New(leveled{slog.NewTextHandler(w, opts), level})
	}
	return slog.New(leveled{slog.NewJSONHandler(w, opts), level})
}

// leveled is a handler whose level can be changed while it is in use.
type leveled struct {
	slog.Handler
	level *slog.LevelVar
}

// WithAttrs implements slog.Handler.
func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup implements slog.Handler.
func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.level}
}

// LevelOf is the level of a logger that New made, to be changed; of any other logger it is one that changes nothing.
func LevelOf(log *slog.Logger) *slog.LevelVar {
	if h, ok := log.Handler().(leveled); ok {
		return h.level
	}
	return &slog.LevelVar{}
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
