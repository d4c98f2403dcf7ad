package mqttlink

import (
	"context"
	"fmt"
	"testing"

	"tally/sync/contract"
)

func put(q *intake, node string, n int) {
	for i := range n {
		q.put(contract.Delivery{Topic: contract.TopicUp(node, contract.Tx), Payload: fmt.Append(nil, i)})
	}
}

// TestAFloodDrownsNobody: one node sends without end while nobody takes anything; the others find room and their turn.
func TestAFloodDrownsNobody(t *testing.T) {
	q := newIntake(64)
	put(q, "flood", 100_000)
	for i := range 20 {
		put(q, fmt.Sprintf("hall-%d", i), 2)
	}
	put(q, "flood", 100_000)
	if q.n > 64 {
		t.Errorf("%d wait where 64 may", q.n)
	}
	got := map[string]int{}
	for i := 0; ; i++ {
		d, ok := q.take()
		if !ok {
			break
		}
		node := nodeOf(d.Topic)
		if string(d.Payload) != fmt.Sprint(got[node]) {
			t.Errorf("%s: got %s after %d", node, d.Payload, got[node])
		}
		if got[node]++; node == "flood" && i == 1 {
			t.Error("the flood has two turns running")
		}
	}
	for i := range 20 {
		if node := fmt.Sprintf("hall-%d", i); got[node] != 2 {
			t.Errorf("%d of 2 envelopes of %s were kept", got[node], node)
		}
	}
	if got["flood"] == 0 || q.lost() != 200_000-uint64(got["flood"]) || len(q.waiting) != 0 || q.n != 0 {
		t.Errorf("%d of the flood, %d dropped, %d wait", got["flood"], q.lost(), q.n)
	}
}

// TestManyFloodsShareTheRoom: when everybody sends without end, everybody is heard.
func TestManyFloodsShareTheRoom(t *testing.T) {
	q := newIntake(64)
	for range 100 {
		for i := range 32 {
			put(q, fmt.Sprintf("n%d", i), 10)
		}
	}
	for i := range 32 {
		if n := len(q.waiting[fmt.Sprintf("n%d", i)]); n != 2 {
			t.Errorf("n%d has %d places of 64 for 32 nodes", i, n)
		}
	}
}

// TestALongPayloadTakesLittleRoom: a broker may let megabytes through.
func TestALongPayloadTakesLittleRoom(t *testing.T) {
	q := newIntake(0)
	q.put(contract.Delivery{Topic: "tally/v1/n1/up/rd", Payload: make([]byte, 4<<20)})
	d, _ := q.take()
	if len(d.Payload) != maxWaiting || len(d.Payload) <= contract.Rd.MaxPayload() {
		t.Errorf("%d bytes wait; a sound payload has at most %d", len(d.Payload), contract.Rd.MaxPayload())
	}
}

func TestTheIntakeEndsWithItsContext(t *testing.T) {
	q := newIntake(4)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { q.run(ctx); close(done) }()
	put(q, "n1", 1)
	<-q.out
	for range 10 { // more than anybody takes
		for _, node := range []string{"n1", "n2", "n3", "n4", "n5"} {
			put(q, node, 1)
		}
	}
	cancel()
	<-done
}
