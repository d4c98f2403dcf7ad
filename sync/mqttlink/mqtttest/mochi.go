package mqtttest

import (
	"io"
	"log/slog"
	"testing"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"tally/sync/porttest"
)

// StartMochi starts an embedded broker that lets everybody in, and returns its address. It ends with the test.
func StartMochi(t testing.TB) string {
	t.Helper()
	addr, _ := StartLagging(t)
	return addr
}

// StartLagging is StartMochi, and retain changes what the broker has retained without telling those who listen already:
// a server of a cluster whose copy catches up late.
func StartLagging(t testing.TB) (addr string, retain func(topic string, payload []byte)) {
	t.Helper()
	addr = porttest.Addr(t)
	s := mochi.New(&mochi.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := s.AddHook(new(auth.AllowHook), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.AddListener(listeners.NewTCP(listeners.Config{ID: "t", Address: addr})); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return addr, func(topic string, payload []byte) {
		s.Topics.RetainMessage(packets.Packet{
			FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1, Retain: true}, TopicName: topic, Payload: payload, PacketID: 1,
		})
	}
}
