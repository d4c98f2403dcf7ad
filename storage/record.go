package storage

import (
	"fmt"
	"strconv"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// stamper gives a record what only the moment of its commit knows.
type stamper struct {
	now   func() time.Time
	mono  func() time.Duration
	boot  string
	clock func() string
}

// frozen tells the same moment, boot and quality for all records of one commit.
func (by stamper) frozen() stamper {
	now, mono, clock := by.now(), by.mono(), by.clock()
	return stamper{now: func() time.Time { return now }, mono: func() time.Duration { return mono }, boot: by.boot, clock: func() string { return clock }}
}

// record fixes the bytes of a record. They are exactly what encoding/json makes of a contract.Record, so that they stay
// the same when an envelope carries them as a json.RawMessage; written by hand because encoding/json would go over the
// body, which it made itself, twice more.
func (by stamper) record(d draft, st streamState) ([]byte, error) {
	at := d.at
	if at.IsZero() {
		at = by.now()
	}
	raw := make([]byte, 0, len(d.body)+320)
	raw = strconv.AppendUint(append(raw, `{"seq":`...), st.Next, 10)
	raw = appendText(append(raw, `,"id":`...), d.id)
	raw = appendText(append(raw, `,"type":`...), d.typ)
	raw = appendTime(append(raw, `,"at":`...), at)
	raw = strconv.AppendInt(append(raw, `,"mono":`...), by.mono().Milliseconds(), 10)
	raw = appendText(append(raw, `,"boot":`...), by.boot)
	raw = appendText(append(raw, `,"clock":`...), by.clock())
	raw = appendText(append(raw, `,"prev":`...), st.Head)
	raw = append(append(raw, `,"body":`...), d.body...)
	raw = append(raw, '}')
	if len(raw) > contract.MaxRecord {
		return nil, fmt.Errorf("%.40s %.60s takes %d bytes of %d: %w", d.typ, d.id, len(raw), contract.MaxRecord, outbox.ErrTooLarge)
	}
	return raw, nil
}
