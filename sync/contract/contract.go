// Package contract is what travels between a node and the central system: topics, envelopes, records and their
// encodings, version 1. Both ends use it; an integrator's own end is written against docs/contract.md, which says the
// same in words.
//
// The identity of a record is (node, epoch, stream, seq). seq is gap-free from 1 within an epoch; an epoch is new when a
// ledger is created or restored. A receiver keys on that identity only: batches may be resent with any borders.
package contract

import (
	"encoding/json"
	"errors"
	"time"
)

// Version is the envelope version that this package speaks. A receiver nacks any other.
const Version = 1

// Stream names one gap-free series of records of a node.
type Stream string

// The streams of a node, in order of priority.
const (
	Tx Stream = "tx" // money and cards
	Ev Stream = "ev" // alarms, audit, results
	Rd Stream = "rd" // readings
)

// Streams lists all, by priority.
var Streams = []Stream{Tx, Ev, Rd}

// Record is one thing that happened. The bytes of a record are fixed when it is committed on the node and are sent and
// stored unchanged, because the next record's Prev is their SHA-256.
type Record struct {
	Seq   uint64          `json:"seq"`
	ID    string          `json:"id"`    // names the business object, e.g. the sale; stable over its records
	Type  string          `json:"type"`  // sale, sale_void, card_in_doubt, reading, reading_failed …
	At    Time            `json:"at"`    // when it happened
	Mono  int64           `json:"mono"`  // ms since boot, orders records when the clock was set
	Boot  string          `json:"boot"`  // id of the boot that Mono counts from
	Clock string          `json:"clock"` // quality of At: ok, unsure (never set since boot)
	Prev  string          `json:"prev"`  // hex SHA-256 of the previous record's bytes, empty for seq 1
	Body  json.RawMessage `json:"body"`
}

// Envelope is the payload of up/<stream>.
type Envelope struct {
	V       int               `json:"v"`
	Node    string            `json:"node"`
	Epoch   string            `json:"epoch"`
	Stream  Stream            `json:"stream"`
	Seq0    uint64            `json:"seq0"` // sequence of the first record
	N       int               `json:"n"`    // number of records
	Boot    string            `json:"boot"`
	SentAt  Time              `json:"sent_at"`
	Clock   string            `json:"clock"`
	Enc     string            `json:"enc"`    // EncJSON; see SealCompact for the other
	SHA256  string            `json:"sha256"` // hex, over the records' bytes joined by one LF each
	Records []json.RawMessage `json:"records"`
}

// Limits of an envelope by stream: what a node sends at most and a centre must accept.
const (
	MaxTxRecords = 50
	MaxTxBytes   = 32 << 10
	MaxRdRecords = 200
	MaxRdBytes   = 64 << 10
	// MaxRecord is the most that one record may take, checked before it is committed.
	MaxRecord = 16 << 10
)

// Ack is the payload of dn/ack/<stream>, retained: everything up to and including Ack is committed at the centre.
type Ack struct {
	Epoch string      `json:"epoch"`
	Ack   uint64      `json:"ack"`
	Gaps  [][2]uint64 `json:"gaps,omitempty"` // inclusive ranges that the centre lacks above Ack
	Nacks []Nack      `json:"nacks,omitempty"`
}

// Nack says that the centre has put one record in quarantine. It is final, and the record counts as handled.
type Nack struct {
	Seq  uint64 `json:"seq"`
	Code string `json:"code"` // bad_record, conflict, too_large, bad_version …
	Text string `json:"text"`
}

// Status is the payload of st, retained and also the will (with Online false).
type Status struct {
	V       int                     `json:"v"`
	Online  bool                    `json:"online"`
	Session string                  `json:"session"`
	Boot    string                  `json:"boot"`
	Version string                  `json:"version"`
	Epoch   string                  `json:"epoch"`
	At      Time                    `json:"at"`
	Clock   string                  `json:"clock"`
	Streams map[Stream]StreamStatus `json:"streams,omitempty"`
	Region  uint16                  `json:"region,omitempty"` // of a counter; whose accounts it wants to hear of
	Cfg     uint64                  `json:"cfg,omitempty"`    // version of the desired state that is applied
}

// StreamStatus tells how far one stream is.
type StreamStatus struct {
	First uint64 `json:"first"` // oldest kept
	Next  uint64 `json:"next"`  // the next to be given
	Acked uint64 `json:"acked"` // the centre has committed up to here
}

// CentralStatus is the payload of the centre's retained status and will.
type CentralStatus struct {
	V      int      `json:"v"`
	Online bool     `json:"online"`
	At     Time     `json:"at"`
	Enc    []string `json:"enc,omitempty"` // encodings of rd that it takes besides EncJSON
}

// Time is a UTC instant with millisecond resolution on the wire, RFC 3339 ("2026-11-21T06:00:00.000Z").
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// At makes a wire time of t, cut to the millisecond.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// MarshalJSON prints the layout above.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format(timeLayout))
}

// UnmarshalJSON accepts any RFC 3339 time of the years 1 to 9999, in UTC.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return err
	}
	parsed = parsed.UTC().Truncate(time.Millisecond)
	if y := parsed.Year(); y < 1 || y > 9999 {
		return errors.New("read time: its year in UTC has not four digits")
	}
	t.Time = parsed
	return nil
}
