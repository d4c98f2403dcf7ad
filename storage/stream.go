package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// streamState is what is kept of a stream beside its records. In a segment only Next and Head are used; of the stream rd
// the ledger keeps Acked, Reserved, Tail and Lost.
type streamState struct {
	First    uint64      `json:"first,omitempty"`    // oldest kept
	Next     uint64      `json:"next,omitempty"`     // the next to be given
	Acked    uint64      `json:"acked"`              // the centre has committed up to here
	Head     string      `json:"head,omitempty"`     // SHA-256 of the newest record's bytes
	Reserved uint64      `json:"reserved,omitempty"` // no number above this one was ever given
	Tail     uint64      `json:"tail,omitempty"`     // first number of the newest segment
	Lost     [][2]uint64 `json:"lost,omitempty"`     // ranges above Acked that can never be delivered
}

// settle moves the watermark over what can never be delivered.
func (s *streamState) settle() {
	for len(s.Lost) > 0 && s.Lost[0][0] <= s.Acked+1 {
		s.Acked = max(s.Acked, s.Lost[0][1])
		s.Lost = s.Lost[1:]
	}
}

func loadState(tx *bbolt.Tx, s contract.Stream) (streamState, error) {
	st := streamState{First: 1, Next: 1}
	raw := tx.Bucket(bStreams).Get([]byte(s))
	if raw == nil {
		return st, nil
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, fmt.Errorf("decode state of stream %s: %w: %w", s, err, ErrDamaged)
	}
	return st, nil
}

func (w *writeTx) stream(s contract.Stream) (streamState, error) {
	if st, ok := w.streams[s]; ok {
		return st, nil
	}
	return loadState(w.tx, s)
}

// flush puts the states of the streams that were touched.
func (w *writeTx) flush() error {
	for s, st := range w.streams {
		if err := w.putJSON(bStreams, []byte(s), st); err != nil {
			return err
		}
	}
	return nil
}

// stamper gives a record what only the moment of its commit knows.
type stamper struct {
	now   func() time.Time
	mono  func() time.Duration
	boot  string
	clock func() string
}

// append commits a draft at the end of its stream. at zero means now.
func (w *writeTx) append(by stamper, d outbox.Draft, at time.Time) (uint64, error) {
	st, err := w.stream(d.Stream)
	if err != nil {
		return 0, err
	}
	raw, err := by.record(d, st, at)
	if err != nil {
		return 0, err
	}
	if err := w.put(bucketOf(d.Stream), u64(st.Next), raw); err != nil {
		return 0, err
	}
	seq := st.Next
	st.Next, st.Head = seq+1, hashOf(raw)
	w.setStream(d.Stream, st)
	return seq, nil
}

// record fixes the bytes. They are what encoding/json makes of a contract.Record, so that they stay the same when an
// envelope carries them as a json.RawMessage.
func (by stamper) record(d outbox.Draft, st streamState, at time.Time) ([]byte, error) {
	body, err := json.Marshal(d.Body)
	if err != nil {
		return nil, fmt.Errorf("encode body of %s %s: %w", d.Type, d.ID, err)
	}
	if at.IsZero() {
		at = by.now()
	}
	raw, err := json.Marshal(contract.Record{
		Seq: st.Next, ID: d.ID, Type: d.Type, At: contract.At(at), Mono: by.mono().Milliseconds(),
		Boot: by.boot, Clock: by.clock(), Prev: st.Head, Body: body,
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", d.Type, d.ID, err)
	}
	if len(raw) > contract.MaxRecord {
		return nil, fmt.Errorf("%s %s takes %d bytes of %d: %w", d.Type, d.ID, len(raw), contract.MaxRecord, outbox.ErrTooLarge)
	}
	return raw, nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
