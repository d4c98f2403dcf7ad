// Package unit starts the long-running parts of a program in order and stops them in reverse.
package unit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Unit is one long-running part of the node. Run works until its context ends and returns nil then; what it returns
// earlier is the reason why the node must stop.
type Unit struct {
	Name string
	Run  func(ctx context.Context) error
}

// errStuck says that a unit did not end within the grace.
var errStuck = errors.New("did not stop in time")

// running is a started unit.
type running struct {
	name   string
	cancel context.CancelFunc
	done   chan error
}

// Run starts the units in order and runs them until ctx ends or one of them returns. Then it stops them in reverse
// order, each only after those started later have ended, so that nothing loses what it stands on: the page stops taking
// requests before the counter ends, and the ledger closes last. Each has grace to end; one that does not is named in
// the error and left behind.
func Run(ctx context.Context, log *slog.Logger, grace time.Duration, units []Unit) error {
	var up []running
	fell := make(chan error, len(units)) // every unit reports here once
	for _, u := range units {
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		r := running{u.Name, cancel, make(chan error, 1)}
		go func() {
			err := u.Run(own)
			r.done <- err
			if err == nil && own.Err() == nil {
				err = errors.New("ended by itself")
			}
			if err != nil {
				fell <- fmt.Errorf("%s: %w", u.Name, err)
			}
		}()
		up = append(up, r)
	}
	var cause error
	select {
	case <-ctx.Done():
	case cause = <-fell:
		log.Error("a part of the node failed, stopping the rest", "err", cause)
	}
	return errors.Join(cause, stop(log, grace, up))
}

// stop ends units in reverse order. A unit's own error is not repeated here: it came through fell, or it is only what a
// cancelled context made of it.
func stop(log *slog.Logger, grace time.Duration, up []running) error {
	var stuck error
	for i := len(up) - 1; i >= 0; i-- {
		up[i].cancel()
		timer := time.NewTimer(grace)
		select {
		case err := <-up[i].done:
			if err != nil && !errors.Is(err, context.Canceled) {
				log.Warn("part ended with an error", "part", up[i].name, "err", err)
			}
		case <-timer.C:
			log.Error("part did not stop in time", "part", up[i].name, "grace", grace)
			stuck = errors.Join(stuck, fmt.Errorf("%s: %w", up[i].name, errStuck))
		}
		timer.Stop()
	}
	return stuck
}
