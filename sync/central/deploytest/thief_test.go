package deploytest_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tally/sync/central/deploytest"
)

// eavesdropper: whatever a node subscribes to, it hears nothing of what another one and the centre say to each other.
func eavesdropper(t *testing.T, b broker) {
	c := startCentre(t, b.at(0), "central-1", "", b.pki.Client("central-1"), openStore(t))
	until(t, "the centre is there", c.link.Connected)
	files := b.pki.Client("hall-2")
	overheard := make(chan string, 100)
	for _, filter := range []string{"#", "+/#", "tally/#", "tally/v1/#", "tally/v1/+/up/#", "$share/ingest/tally/v1/+/up/#", "$share/x/#", "$MQTT/#", "$MQTT/sub/#", "$MQTT/+/#", "$MQTT/msgs/#", "$SYS/#", "$JS/#"} {
		client := dial(t, b.at(0), "hall-2", files) // one each: a broker may throw out who asks for too much
		client.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) {
			if strings.Contains(m.Topic(), "hall-1") || strings.Contains(string(m.Payload()), "hall-1") {
				select {
				case overheard <- filter + " has heard " + m.Topic():
				default:
				}
			}
		}).WaitTimeout(3 * time.Second)
		victim := startNode(t, b.at(0), "hall-1", b.pki.Client("hall-1"))
		victim.tx.Sales(3, 10, 3)
		until(t, "tx", empty(victim.tx))
		victim.stop()
		client.Disconnect(50)
	}
	close(overheard)
	for what := range overheard {
		t.Error(what)
	}
}

func TestNobodyListensIn(t *testing.T) {
	for name, open := range brokers {
		t.Run(name, func(t *testing.T) { eavesdropper(t, open(t)) })
	}
}

// TestNobodyThrowsANodeOut: with mosquitto the client id is the name in the certificate, whatever a client says. Somebody
// who comes in under another node's id would otherwise take its place, again and again.
func TestNobodyThrowsANodeOut(t *testing.T) {
	b := brokers["mosquitto"](t)
	lost := make(chan error, 1)
	o := options(t, b.at(0), "hall-1", b.pki.Client("hall-1"))
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	victim := mqtt.NewClient(o)
	if token := victim.Connect(); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	thief := mqtt.NewClient(options(t, b.at(0), "hall-1", b.pki.Client("hall-2")))
	thief.Connect().WaitTimeout(patience)
	// The broker has dealt with the thief's connection, and so with the victim's, before it answers either.
	if token := victim.Publish("tally/v1/hall-1/st", 1, false, "{}"); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Errorf("the node was thrown out: %v", token.Error())
	}
	select {
	case err := <-lost:
		t.Errorf("the node was thrown out: %v", err)
	default:
	}
	thief.Disconnect(0)
	victim.Disconnect(0)
}

// TestNoCertificateForAReservedName: a node of the name "central" could say in the centre's place whether it is there.
func TestNoCertificateForAReservedName(t *testing.T) {
	deploytest.NewPKI(t) // openssl is there
	dir := t.TempDir()
	for _, args := range [][]string{
		{"../../../deploy/pki/tally-pki", dir, "client", "central"}, {"../../../deploy/pki/tally-pki", dir, "client", strings.Repeat("x", 65)},
		{"../../../deploy/nats/tally-nats-users", "central-1", "hall-1", "central"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err == nil || !strings.Contains(string(out), "name") {
			t.Errorf("%v: %v %s", args[1:], err, out)
		}
	}
}
