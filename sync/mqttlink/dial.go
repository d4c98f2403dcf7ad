package mqttlink

import (
	"context"
	"time"
)

// session is what an end does with one connection. It returns when the connection is down, or nil when ctx ends and it
// has said good-bye.
type session func(ctx context.Context, c *conn) error

// keep runs one connection after the other until ctx ends. Errors are told here, where they are classified: a
// connection that held is followed by a short pause, one that did not by ever longer ones. Somebody in a hurry ends the
// pause.
func (c Config) keep(ctx context.Context, will func() *message, s session) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := c.once(ctx, will(), s)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 5*c.RedialMin {
			failures = 0
		}
		pause := c.Jitter(c.backoff(failures))
		c.Log.Warn("no connection to the broker", "broker", c.Broker, "err", err, "again_in", pause)
		failures++
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.hurry:
			failures = 0
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (c Config) once(ctx context.Context, will *message, s session) error {
	if c.Address != nil {
		c.Broker = c.Address()
	}
	cn, err := c.connect(ctx, will)
	if err != nil {
		return err
	}
	defer cn.close()
	return s(ctx, cn)
}
