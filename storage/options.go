package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
)

// Options say how a store is opened. The zero value is complete, for a node without a name.
type Options struct {
	// Node is the node's name. A folder that belongs to another one is refused. Empty checks nothing.
	Node string
	// Now gives the time of records; nil is time.Now.
	Now func() time.Time
	// Mono gives the time since boot; nil asks the operating system.
	Mono func() time.Duration
	// Boot identifies the boot that Mono counts from; empty asks the operating system.
	Boot string
	// Clock tells the quality of Now for records: ok or unsure. nil is unsure before 2026, ok after.
	Clock func() string

	// Reserve is the free space, beside the ballast, below which no sale is begun; 0 is 8 MiB.
	Reserve uint64
	// Ballast is the space kept to finish what was begun on a full disk; 0 is 8 MiB, negative is none.
	Ballast int64
	// Free tells the free space of a folder; nil asks the operating system.
	Free func(dir string) (uint64, error)

	// SegmentBytes is the size at which a segment of readings is followed by the next; 0 is 32 MiB.
	SegmentBytes int64
	// Linger is how long a reading may wait for others to share a commit with; 0 is not at all. At most 1 s is sensible.
	Linger time.Duration
	// LingerRecords ends the wait early; 0 is 200.
	LingerRecords int

	// KeepReadings is how long after its last reading a segment stays although the centre has acknowledged it, for a
	// centre that was restored from a backup and asks again; 0 is not at all. A full disk ends it early.
	KeepReadings time.Duration

	// Logger takes what the store does on its own (segment set aside, ballast released); nil is slog.Default.
	Logger *slog.Logger
	// Hooks are for tests.
	Hooks Hooks

	migrations    []migration // of the ledger; nil for those of this version
	snapshotEvery uint64      // 0 for the usual
}

func (o Options) withDefaults() (Options, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mono == nil {
		o.Mono = sinceBoot
	}
	if o.Boot == "" {
		o.Boot = bootID()
	}
	if o.Boot == "" {
		id, err := randomID()
		if err != nil {
			return o, err
		}
		o.Boot = id
	}
	if o.Clock == nil {
		o.Clock = o.guessClock
	}
	if o.Free == nil {
		o.Free = freeSpace
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.migrations == nil {
		o.migrations = ledgerMigrations
	}
	return o.withSizes(), nil
}

func (o Options) withSizes() Options {
	if o.Reserve == 0 {
		o.Reserve = 8 << 20
	}
	if o.Ballast == 0 {
		o.Ballast = 8 << 20
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 32 << 20
	}
	if o.snapshotEvery == 0 {
		o.snapshotEvery = snapshotEvery
	}
	if o.LingerRecords == 0 {
		o.LingerRecords = 200
	}
	return o
}

// guessClock: a clock that was never set since boot shows its epoch or the build year of the firmware.
func (o Options) guessClock() string {
	if o.Now().Year() < 2026 {
		return "unsure"
	}
	return "ok"
}

func (o Options) stamper() stamper {
	return stamper{now: o.Now, mono: o.Mono, boot: o.Boot, clock: o.Clock}
}

func (o Options) warn(msg string, args ...any) {
	o.Logger.Log(context.Background(), slog.LevelWarn, msg, args...)
}

func randomID() (string, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("draw random id: %w", err)
	}
	return hex.EncodeToString(b), nil
}
