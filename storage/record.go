package storage

import (
	"crypto/sha256"
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

// record fixes the bytes of a record. They are exactly what encoding/json makes of a contract.Record, so that they stay
// the same when an envelope carries them as a json.RawMessage; written by hand because encoding/json would go over the
// body, which it made itself, twice more.
func (by stamper) record(d draft, st streamState) ([]byte, error) {
	at := d.at
	if at.IsZero() {
		at = by.now()
	}
	head := appendText(append(make([]byte, 0, 128), `,"id":`...), d.id)
	head = appendText(append(head, `,"type":`...), d.typ)
	head = appendTime(append(head, `,"at":`...), at)
	stamp := by.appendStamp(make([]byte, 0, 128))
	raw := make([]byte, 0, len(head)+len(stamp)+len(d.body)+recordFrame)
	raw = appendRecord(raw, st.Next, head, stamp, []byte(st.Head), d.body)
	return raw, fits(raw, d.typ, d.id)
}

// appendStamp is what only the moment of a commit knows; all records of one commit have the same.
func (by stamper) appendStamp(to []byte) []byte {
	to = strconv.AppendInt(append(to, `,"mono":`...), by.mono().Milliseconds(), 10)
	to = appendText(append(to, `,"boot":`...), by.boot)
	return appendText(append(to, `,"clock":`...), by.clock())
}

// recordFrame is the most that appendRecord adds to the parts, in bytes.
const recordFrame = len(`{"seq":18446744073709551615,"prev":"","body":}`) + 2*sha256.Size

// appendRecord puts the parts of a record together; prev is the hash of the one before, empty for the first.
func appendRecord(to []byte, seq uint64, head, stamp, prev, body []byte) []byte {
	to = strconv.AppendUint(append(to, `{"seq":`...), seq, 10)
	to = append(append(to, head...), stamp...)
	to = append(append(to, `,"prev":"`...), prev...)
	to = append(append(to, `","body":`...), body...)
	return append(to, '}')
}

// fits refuses what is too large for the wire.
func fits(raw []byte, typ, id string) error {
	if len(raw) > contract.MaxRecord {
		return fmt.Errorf("%.40s %.60s takes %d bytes of %d: %w", typ, id, len(raw), contract.MaxRecord, outbox.ErrTooLarge)
	}
	return nil
}
