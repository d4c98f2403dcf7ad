package mqttlink_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
)

// What the broker has retained for a node may be that it belongs to another broker. It hears so while it subscribes, before
// its connection is taken for one, and must not stay.
func TestANodeThatIsSentAwayWhileItSubscribesGoes(t *testing.T) {
	old, retain := mqtttest.StartLagging(t)
	other := mqtttest.StartMochi(t)
	retain(contract.TopicCfg("hall-1"), []byte("go to the other one"))
	seen := spy(t, other, contract.FilterStatus)
	var address atomic.Pointer[string]
	address.Store(&old)
	var n *mqttlink.Node
	var once sync.Once
	gone := make(chan struct{})
	cfg := mqttlink.NodeConfig{Config: quick(old), Every: time.Hour, Down: func(contract.Topic, []byte) {
		once.Do(func() {
			address.Store(&other)
			n.Redial()
			close(gone)
		})
	}}
	cfg.Address = func() string { return *address.Load() }
	n = newNode(t, cfg)
	start(t, n.Run)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("what the broker has retained was not heard")
	}
	if s, err := contract.OpenStatus(message(t, seen).Payload()); err != nil || !s.Online {
		t.Errorf("%+v %v", s, err)
	}
}
