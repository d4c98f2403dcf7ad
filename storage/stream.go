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

// streamState is what is kept of a stream beside its records. In a segment First, Next, Head
// and Seen are used; of the stream rd
// the ledger keeps Acked, Reserved, Tail and Lost.
type streamState struct {
	First    uint64      `json:"first,omitempty"`    // oldest kept
	Next     uint64      `json:"next,omitempty"`     // the next to be given
	Acked    uint64      `json:"acked"`              // the centre has committed up to here
	Head     string      `json:"head,omitempty"`     // SHA-256 of the newest record's bytes
	Reserved uint64      `json:"reserved,omitempty"` // no number above this one was ever given
	Seen     uint64      `json:"seen,omitempty"`     // records below are in the newest values written down
	Tail     uint64      `json:"tail,omitempty"`     // first number of the newest segment
	Lost     [][2]uint64 `json:"lost,omitempty"`     // ranges above Acked that can never be delivered
	Rewound  uint64      `json:"rewound,omitempty"`  // how often Acked was moved back
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

// draft is a record whose body is encoded already, which needs no turn.
type draft struct {
	stream contract.Stream
	typ    string
	id     string
	at     time.Time // zero means the moment of the commit
	body   []byte
}

func encode(d outbox.Draft, at time.Time) (draft, error) {
	body, err := json.Marshal(d.Body)
	if err != nil {
		return draft{}, fmt.Errorf("encode body of %s %s: %w", d.Type, d.ID, err)
	}
	return draft{stream: d.Stream, typ: d.Type, id: d.ID, at: at, body: body}, nil
}

// emit commits a draft at the end of its stream, as of now.
func (w *writeTx) emit(by stamper, d outbox.Draft) error {
	enc, err := encode(d, time.Time{})
	if err != nil {
		return err
	}
	return w.append(by, enc)
}

func (w *writeTx) append(by stamper, d draft) error {
	st, err := w.stream(d.stream)
	if err != nil {
		return err
	}
	raw, err := by.record(d, st)
	if err != nil {
		return err
	}
	if err := w.insert(bucketOf(d.stream), u64(st.Next), raw); err != nil {
		return err
	}
	st.Next, st.Head = st.Next+1, hashOf(raw)
	w.setStream(d.stream, st)
	return nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
