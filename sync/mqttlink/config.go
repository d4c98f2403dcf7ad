package mqttlink

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Config is how to reach a broker. Broker and ClientID are needed; everything else has a default.
type Config struct {
	Broker string // host:port
	// Address gives host:port at every dial, for a broker that may be another one meanwhile; nil: Broker.
	Address  func() string
	ClientID string // a node's is its name
	Username string
	Password func() (string, error)      // asked at every dial; nil: none. See PasswordFile
	TLS      func() (*tls.Config, error) // asked at every dial; nil: plain TCP. See TLSFiles

	KeepAlive time.Duration // a dead line is noticed within about twice this; 20 s
	Timeout   time.Duration // for a dial, a subscription, and between two PUBACKs while some are owed; 60 s
	RedialMin time.Duration // the first pause is random up to here; 1 s
	RedialMax time.Duration // each further one up to twice as long, up to here; 60 s

	// Sound says whether this end's clock can be trusted, asked at every dial; nil: always. While it cannot, the broker's
	// certificates are not held against the time of day, see lenient.
	Sound func() bool

	Jitter func(most time.Duration) time.Duration // picks a pause in [0, most]; random when nil
	Log    *slog.Logger                           // discarded when nil

	hurry chan struct{} // ends the pause before the next dial; nil: nobody does
}

func (c Config) withDefaults() (Config, error) {
	if _, _, err := net.SplitHostPort(c.Broker); err != nil {
		return c, fmt.Errorf("set up broker address: %w", err)
	}
	if c.ClientID == "" {
		return c, errors.New("set up broker: no client id")
	}
	or(&c.KeepAlive, 20*time.Second)
	or(&c.Timeout, time.Minute)
	or(&c.RedialMin, time.Second)
	or(&c.RedialMax, time.Minute)
	if c.Jitter == nil {
		c.Jitter = func(most time.Duration) time.Duration { return rand.N(most + 1) }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func or(v *time.Duration, d time.Duration) {
	if *v <= 0 {
		*v = d
	}
}

// backoff is the most that the pause after the n-th failure in a row (from 0) may take.
func (c Config) backoff(n int) time.Duration {
	most := c.RedialMin
	for ; n > 0 && most < c.RedialMax; n-- {
		most *= 2
	}
	return min(most, c.RedialMax)
}
