package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"tally/meter"
	"tally/storage"
	"tally/storage/storagetest"
	"tally/sync/contract"
	"tally/sync/outbox"
	"tally/sync/outbox/outboxtest"
)

// TestTheStoreKeepsTheContractOfTheOutbox runs the suite of queues on every stream of a store on disk.
func TestTheStoreKeepsTheContractOfTheOutbox(t *testing.T) {
	for _, stream := range contract.Streams {
		t.Run(string(stream), func(t *testing.T) {
			outboxtest.RunQueue(t, func(t *testing.T) outboxtest.Subject { return subject(t, stream) })
		})
	}
}

func subject(t *testing.T, stream contract.Stream) outboxtest.Subject {
	t.Helper()
	dir := t.TempDir()
	opts := storage.Options{SegmentBytes: 40 << 10}
	s := storagetest.Open(t, dir, opts)
	n := 0
	return outboxtest.Subject{
		Queue: s.Queue(stream),
		Append: func(t *testing.T, records, size int) {
			for range records {
				n++
				if stream == contract.Rd {
					r := meter.Reading{Meter: "m1", At: noon, Line: fmt.Sprint(n, strings.Repeat("x", size))}
					if err := s.Keep(t.Context(), r); err != nil {
						t.Error(err)
					}
					continue
				}
				d := draft(stream, n)
				d.Body = map[string]string{"text": strings.Repeat("x", size)}
				d.Type = "note"
				emit(t, s, d)
			}
		},
		Reopen: func(t *testing.T) outbox.Queue {
			storagetest.CheckAndClose(t, s)
			s = storagetest.Open(t, dir, opts)
			return s.Queue(stream)
		},
	}
}
