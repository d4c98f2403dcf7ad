package control

import (
	"context"
	"encoding/json"
	"time"
)

// Books is what lies on the node's disk: what waits for the centre, what has happened, copies and checks. A Node that
// keeps a ledger is one too.
type Books interface {
	// Outbox tells how far each stream is delivered.
	Outbox(ctx context.Context) (Outbox, error)
	// Events lists records of the stream ev, newest first.
	Events(ctx context.Context, q EventQuery) ([]Event, error)
	// Backup makes a backup now, in the node's folder of backups.
	Backup(ctx context.Context) (BackupMade, error)
	// Check verifies every file while the node goes on.
	Check(ctx context.Context) (Checked, error)
	// Export gives one JSON object after the other to f until it returns an error. Personal data are masked unless the
	// query says why they must not be; that is put on record before anything is given.
	Export(ctx context.Context, q ExportQuery, f func(json.RawMessage) error) error
}

// Outbox is the delivery to the centre, in detail.
type Outbox struct {
	Configured bool           `json:"configured"`
	Connected  bool           `json:"connected"`
	Central    bool           `json:"central"`
	Epoch      string         `json:"epoch"`
	Streams    []OutboxStream `json:"streams"`
	Refused    int            `json:"refused"` // records that the centre has put in quarantine, kept here
}

// OutboxStream is one stream.
type OutboxStream struct {
	Name     string     `json:"name"`
	First    uint64     `json:"first"` // oldest kept
	Next     uint64     `json:"next"`
	Acked    uint64     `json:"acked"`
	Waiting  uint64     `json:"waiting"`
	InFlight int        `json:"in_flight"`    // envelopes under way
	Oldest   *time.Time `json:"oldest"`       // when the oldest waiting record happened; null when none waits
	OldestS  int64      `json:"oldest_age_s"` // its age
	LastAck  *time.Time `json:"last_ack"`     // null when there was none since the start
}

// MaxEvents bounds how many events are listed.
const MaxEvents = 1000

// EventQuery chooses events.
type EventQuery struct {
	N     int      // at most so many, 1 to MaxEvents
	Types []string // of these types only; all when empty
}

// Event is one record of ev. Names and phone numbers in it are masked.
type Event struct {
	Seq   uint64          `json:"seq"`
	At    time.Time       `json:"at"`
	Clock string          `json:"clock"`
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Body  json.RawMessage `json:"body"`
}

// BackupMade is a backup that is complete.
type BackupMade struct {
	Dir   string    `json:"dir"`
	At    time.Time `json:"at"`
	Files int       `json:"files"`
	Bytes int64     `json:"bytes"`
}

// Checked is what a check found.
type Checked struct {
	Files    int               `json:"files"`
	Records  map[string]uint64 `json:"records"` // verified, by stream
	Findings []CheckFinding    `json:"findings"`
}

// CheckFinding is one thing that is wrong.
type CheckFinding struct {
	File string `json:"file"`
	Text string `json:"text"`
}

// What can be exported.
const (
	ExportAccounts = "accounts"
	ExportRecords  = "records"
)

// ExportQuery chooses what is exported.
type ExportQuery struct {
	What     string `json:"what"`             // ExportAccounts or ExportRecords
	Stream   string `json:"stream,omitempty"` // of records: tx, ev, rd
	From     uint64 `json:"from,omitempty"`   // first record; 0 for the oldest kept
	To       uint64 `json:"to,omitempty"`     // last record; 0 for the newest
	Unmasked bool   `json:"unmasked,omitempty"`
	Reason   string `json:"reason,omitempty"` // why unmasked
	By       string `json:"by,omitempty"`     // who asks, as the operating system knows them
}
