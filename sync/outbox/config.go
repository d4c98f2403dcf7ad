package outbox

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tally/sync/contract"
)

// Config is how a Pump works. Node and Boot are needed; everything else has a default.
type Config struct {
	Node  string        // topic and envelopes are under this name
	Boot  string        // id of this boot, as in the records
	Clock func() string // quality of the clock now, as in the records; "ok" when nil

	Now     func() time.Time // time.Now when nil
	OnAlarm func(Alarm)      // must not block; may be called from several goroutines

	// Newest shows the newest readings to whoever wants to see them while older ones are still on their way; see
	// mqttlink's Node.Newest. They are sent again in their turn. Nil: nobody wants to.
	Newest      func(payload []byte)
	NewestEvery time.Duration // 750 ms
	MaxRate     int           // records of rd a second at most, when others need the line too; 0: no limit. See SetMaxRate

	PlainReadings bool          // send readings as JSON even to a centre that takes the compact encoding
	Window        int           // envelopes of a stream that may wait for the centre's word; 16
	WindowBytes   int           // no further envelope once so much of a stream is under way; 512 KiB
	Linger        time.Duration // how long a reading waits for company; 5 s
	AckTimeout    time.Duration // without progress for this long, everything is sent again; 30 s
	AckTimeoutMax time.Duration // it doubles up to here; 10 min
	Pause         time.Duration // after a failed publish; 1 s
	PauseMax      time.Duration // it doubles up to here; 60 s
	Patience      int           // sends of more urgent streams after which a waiting one gets its turn; 8

	rate *atomic.Int64 // MaxRate as of now
}

func (c Config) withDefaults() (Config, error) {
	if err := contract.CheckNode(c.Node); err != nil {
		return c, fmt.Errorf("set up outbox: %w", err)
	}
	if c.Boot == "" {
		return c, errors.New("set up outbox: no boot id")
	}
	if c.Clock == nil {
		c.Clock = func() string { return "ok" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnAlarm == nil {
		c.OnAlarm = func(Alarm) {}
	}
	c.rate = &atomic.Int64{}
	c.rate.Store(int64(max(c.MaxRate, 0)))
	orInt(&c.Window, 16)
	orInt(&c.WindowBytes, 512<<10)
	orInt(&c.Patience, 8)
	orTime(&c.Linger, 5*time.Second)
	orTime(&c.NewestEvery, 750*time.Millisecond)
	orTime(&c.AckTimeout, 30*time.Second)
	orTime(&c.AckTimeoutMax, 10*time.Minute)
	orTime(&c.Pause, time.Second)
	orTime(&c.PauseMax, time.Minute)
	return c, nil
}

func orInt(v *int, d int) {
	if *v <= 0 {
		*v = d
	}
}

func orTime(v *time.Duration, d time.Duration) {
	if *v <= 0 {
		*v = d
	}
}
