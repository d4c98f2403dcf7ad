package outboxtest_test

import (
	"strings"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox/outboxtest"
)

func TestQueueInMemory(t *testing.T) {
	outboxtest.RunQueue(t, func(*testing.T) outboxtest.Subject {
		q := outboxtest.NewQueue(contract.Rd, "e1")
		return outboxtest.Subject{Queue: q, Append: func(_ *testing.T, n, size int) {
			for range n {
				q.Append("x", "id", time.Unix(1, 0), map[string]string{"pad": strings.Repeat("x", size)})
			}
		}}
	})
}
