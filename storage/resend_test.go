package storage_test

import (
	"errors"
	"testing"

	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
)

func TestTheWatermarkGoesBackAsFarAsRecordsAreKept(t *testing.T) {
	for _, stream := range []contract.Stream{contract.Tx, contract.Rd} {
		dir := t.TempDir()
		opts := storage.Options{SegmentBytes: 40 << 10, KeepReadings: 1 << 50}
		s := storagetest.Open(t, dir, opts)
		for i := 1; i <= 200 && stream == contract.Tx; i++ {
			emit(t, s, draft(contract.Tx, i))
		}
		fill(t, s, 1, 200)
		ack(t, s, stream, 190)
		first, err := s.Resend(t.Context(), stream, 20)
		if err != nil || first != 20 {
			t.Fatalf("%s: from %d, %v", stream, first, err)
		}
		if st := state(s, stream); st.Acked != 19 || st.Rewound != 1 {
			t.Errorf("%s: %+v", stream, st)
		}
		if got := read(t, s, stream, 20); len(got) == 0 || got[0].Seq != 20 {
			t.Errorf("%s: record 20 is not there", stream)
		}
		if first, err = s.Resend(t.Context(), stream, 100); err != nil || first != 100 || state(s, stream).Acked != 19 {
			t.Errorf("%s: from %d, %v, %+v", stream, first, err, state(s, stream))
		}
		if _, err = s.Resend(t.Context(), stream, 201); !errors.Is(err, outbox.ErrBeyond) {
			t.Errorf("%s: beyond the end: %v", stream, err)
		}
		storagetest.CheckAndClose(t, s)
		s = storagetest.Open(t, dir, opts)
		if st := state(s, stream); st.Acked != 19 || st.Rewound != 1 {
			t.Errorf("%s after a restart: %+v", stream, st)
		}
		ack(t, s, stream, 200)
		if st := state(s, stream); st.Acked != 200 {
			t.Errorf("%s: %+v", stream, st)
		}
	}
}

// TestAResendTellsOfReadingsThatAreGone: the centre that was restored may not know of the loss either.
func TestAResendTellsOfReadingsThatAreGone(t *testing.T) {
	s := storagetest.Open(t, t.TempDir(), storage.Options{SegmentBytes: 40 << 10})
	fill(t, s, 1, 300)
	ack(t, s, contract.Rd, 290)
	kept := state(s, contract.Rd).First
	if kept < 50 {
		t.Fatalf("first kept is %d: no segment was dropped", kept)
	}
	first, err := s.Resend(t.Context(), contract.Rd, 10)
	if err != nil || first != kept {
		t.Errorf("from %d, %v, want %d", first, err, kept)
	}
	if st := state(s, contract.Rd); st.Acked != kept-1 {
		t.Errorf("%+v", st)
	}
	if n := len(alarms(t, s)); n != 0 {
		t.Errorf("%d alarms about what is below the watermark", n)
	}
}
