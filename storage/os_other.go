//go:build unix && !linux

package storage

import "time"

var started = time.Now()

func sinceBoot() time.Duration { return time.Since(started) }

func bootID() string { return "" }

func forgetMapped(start, length uintptr) {}
