package daemon

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// logLevel decides how much is logged: what the config says, what the centre's settings say, and for a while what a
// command says.
type logLevel struct {
	level *slog.LevelVar

	mu     sync.Mutex
	usual  slog.Level
	config slog.Level
	back   *time.Timer // to the usual one; nil when that holds
}

func newLogLevel(level *slog.LevelVar) *logLevel {
	return &logLevel{level: level, usual: level.Level(), config: level.Level()}
}

// set changes the usual level; empty is that of the config.
func (l *logLevel) set(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.usual = l.config
	if name != "" {
		if err := l.usual.UnmarshalText([]byte(name)); err != nil {
			l.usual = l.config
		}
	}
	if l.back == nil {
		l.level.Set(l.usual)
	}
}

// forAWhile changes the level for d.
func (l *logLevel) forAWhile(name string, d time.Duration) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return fmt.Errorf("change log level: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.back != nil {
		l.back.Stop()
	}
	l.level.Set(level)
	l.back = time.AfterFunc(d, l.end)
	return nil
}

// end goes back to the usual level.
func (l *logLevel) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.back != nil {
		l.back.Stop()
		l.back = nil
	}
	l.level.Set(l.usual)
}
