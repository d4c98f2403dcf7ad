package centre_test

import (
	"sync"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// retained follows a topic; the function gives what was published on it last.
func retained(t *testing.T, broker, topic string) func() []byte {
	t.Helper()
	var mu sync.Mutex
	var last []byte
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("follower").SetAutoReconnect(false))
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(100) })
	token := c.Subscribe(topic, 1, func(_ mqtt.Client, m mqtt.Message) {
		mu.Lock()
		defer mu.Unlock()
		last = m.Payload()
	})
	if token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}
