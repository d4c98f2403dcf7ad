package config

// Central is the configuration of tally-central, checked and complete. Paths are absolute.
type Central struct {
	File     string
	ID       string // client id at the broker, [A-Za-z0-9_-]{1,64}
	Database string // path of the SQLite file
	Listen   string // loopback host:port for health and metrics
	Log      Log
	Uplink   Uplink
}
