package storage

import (
	"context"
	"fmt"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// Resend moves the watermark of a stream back, so that records from from on are delivered again: the centre was restored
// from a backup and lacks them. It returns the first number that is still kept, which may be above from. A watermark that
// is below already stays.
func (s *Store) Resend(ctx context.Context, stream contract.Stream, from uint64) (first uint64, err error) {
	if s.tips[stream] == nil || from == 0 {
		return 0, fmt.Errorf("resend %.16q from %d: no such stream or number", stream, from)
	}
	if st := s.tips[stream].get(); from >= st.Next {
		return 0, fmt.Errorf("resend %s from %d, next is %d: %w", stream, from, st.Next, outbox.ErrBeyond)
	}
	err = s.update(ctx, func(w *writeTx) error {
		st, err := w.stream(stream)
		if err != nil {
			return err
		}
		kept := st.First
		if stream == contract.Rd {
			kept = s.tips[stream].get().First
		}
		first = max(from, kept)
		if first > st.Acked {
			return nil
		}
		st.Acked, st.Rewound = first-1, st.Rewound+1
		w.setStream(stream, st)
		if stream == contract.Rd {
			w.after = append(w.after, func() { s.readings.rewoundTo(st.Acked, st.Rewound) })
		}
		return nil
	})
	if err == nil && stream == contract.Rd {
		err = s.readings.reconcile(LostMissing) // numbers that are gone are told of again
	}
	return first, err
}

// rewoundTo takes note of the watermark that went back.
func (r *readings) rewoundTo(acked, times uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked, r.rewound = acked, times
	r.publish()
}
