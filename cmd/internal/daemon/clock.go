package daemon

import "time"

// Years between which a clock may be right: one that was never set since boot shows its epoch or the build year of the
// firmware, and one that shows the next century was set by mistake.
const (
	firstYear = 2026
	lastYear  = 2099
)

// sound reports whether a time can be what it is now. Commands wait until it can, no statement is made before, and
// certificates are not held against it. Sales and readings go on: their records say that the clock was unsure.
func sound(now time.Time) bool { return now.Year() >= firstYear && now.Year() <= lastYear }

// clockQuality is the word that records carry.
func clockQuality(now time.Time) string {
	if sound(now) {
		return "ok"
	}
	return "unsure"
}
