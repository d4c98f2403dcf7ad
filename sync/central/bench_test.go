package central_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox/outboxtest"
)

// BenchmarkDrain measures how fast a backlog of readings leaves a node over lines of several round trip times, against
// bare paho at QoS 1 with the same payloads, the same broker, the same line and as many under way, in the same run:
//
//	go test ./sync/central -run '^$' -bench Drain -benchtime 1x
//
// bare: until the last PUBACK, with somebody subscribed; envelopes of JSON as the outbox makes them when told to send
// plain. plain and compact: until the centre's ack of the last record has emptied the queue, with a centre that only
// looks at the head of an envelope, so that the node's side is what is measured. stored: compact, with the real centre,
// which verifies every record and commits to SQLite, each commit synced. Node, broker and centre share the machine.
func BenchmarkDrain(b *testing.B) {
	const records = 50_000
	broker := mqtttest.StartMosquitto(b).Addr
	feed := centraltest.NewFeed("bench", "e1", contract.Rd).Readings(records)
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond} {
		b.Run(rtt.String(), func(b *testing.B) {
			line := broker
			if rtt > 0 {
				line = mqtttest.SlowLine(b, broker, rtt)
			}
			for b.Loop() {
				bare := records / bareDrain(b, broker, line, feed, records).Seconds()
				plain := records / nodeDrain(b, broker, line, feed, true).Seconds()
				compact := records / nodeDrain(b, broker, line, feed, false).Seconds()
				stored := records / storedDrain(b, broker, line, feed).Seconds()
				b.ReportMetric(bare, "bare_rec/s")
				b.ReportMetric(plain, "plain_rec/s")
				b.ReportMetric(compact, "compact_rec/s")
				b.ReportMetric(stored, "stored_rec/s")
				b.ReportMetric(plain/bare, "plain/bare")
				b.ReportMetric(compact/bare, "compact/bare")
			}
		})
	}
}

// again is the same records, not acknowledged yet.
func again(b *testing.B, f *centraltest.Feed) *outboxtest.Queue {
	records, err := f.Read(context.Background(), 1, 1<<30, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	q := outboxtest.NewQueue(contract.Rd, f.Epoch)
	for _, r := range records {
		q.AppendRaw(r.Raw)
	}
	return q
}

func storedDrain(b *testing.B, broker, line string, f *centraltest.Feed) time.Duration {
	c := startCentre(b, broker, filepath.Join(b.TempDir(), "central.db"))
	until(b, "the centre is connected", c.link.Connected)
	defer c.end()
	return emptied(b, broker, line, f, false)
}

// nodeDrain plays a centre that costs next to nothing: it counts records by the number that the node could have sent.
func nodeDrain(b *testing.B, broker, line string, f *centraltest.Feed, plain bool) time.Duration {
	link, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: soon(broker, "head-only")})
	if err != nil {
		b.Fatal(err)
	}
	link.Present(true)
	k := run(b, link.Run, func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case d := <-link.In():
				last, err := lastOf(d.Payload)
				if err != nil {
					return err
				}
				link.Ack(ctx, "bench", contract.Rd, contract.Ack{Epoch: f.Epoch, Ack: last})
			}
		}
	})
	defer k.end()
	until(b, "the centre is connected", link.Connected)
	return emptied(b, broker, line, f, plain)
}

// lastOf reads the head of an envelope and not more.
func lastOf(payload []byte) (uint64, error) {
	var seq0, n uint64
	if at := bytes.Index(payload, []byte(`"seq0":`)); payload[0] == '{' && at > 0 {
		_, err := fmt.Sscanf(string(payload[at:at+40]), `"seq0":%d,"n":%d,`, &seq0, &n)
		return seq0 + n - 1, err
	}
	e, err := contract.Open(payload) // compact ones are opened; their head is not worth a decoder of its own
	return e.Seq0 + uint64(e.N) - 1, err
}

// emptied starts a node with the records of f and waits until all are acknowledged.
func emptied(b *testing.B, broker, line string, f *centraltest.Feed, plain bool) time.Duration {
	n := &node{
		tx: centraltest.NewFeed("bench", f.Epoch, contract.Tx), ev: centraltest.NewFeed("bench", f.Epoch, contract.Ev),
		rd: &centraltest.Feed{Queue: again(b, f), Node: "bench", Epoch: f.Epoch}, plain: plain,
	}
	n.start(b, line)
	until(b, "the centre is there", func() bool { return n.pump.Snapshot(context.Background()).Central })
	began := time.Now() // as with bare paho, the connection stands
	until(b, "rd", empty(n.rd))
	took := time.Since(began)
	n.end()
	clearAck(b, broker)
	return took
}

// clearAck takes the retained ack away, or the next run would begin with it.
func clearAck(b *testing.B, addr string) {
	client := dial(b, addr, "cleaner")
	defer client.Disconnect(250)
	if token := client.Publish(contract.TopicAck("bench", contract.Rd), 1, true, []byte{}); token.Wait() && token.Error() != nil {
		b.Fatal(token.Error())
	}
}

func dial(b *testing.B, addr, id string) mqtt.Client {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(id).SetAutoReconnect(false))
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		b.Fatal(token.Error())
	}
	return c
}

func bareDrain(b *testing.B, broker, line string, f *centraltest.Feed, records int) time.Duration {
	const each = 190 // what fits the limit of an envelope
	var payloads [][]byte
	for from := 1; from <= records; from += each {
		payloads = append(payloads, f.Deliver(b, uint64(from), min(each, records-from+1)).Payload)
	}
	sub := dial(b, broker, "reader")
	defer sub.Disconnect(250)
	if token := sub.Subscribe(contract.FilterUp, 1, func(mqtt.Client, mqtt.Message) {}); token.Wait() && token.Error() != nil {
		b.Fatal(token.Error())
	}
	c := dial(b, line, "bench")
	defer c.Disconnect(250)
	began := time.Now()
	window := make(chan mqtt.Token, 8-2) // one more is being waited for, and one that finds no room is sent already
	done := make(chan error, 1)
	go func() {
		var err error
		for token := range window {
			if token.Wait(); token.Error() != nil {
				err = token.Error()
			}
		}
		done <- err
	}()
	for _, p := range payloads {
		window <- c.Publish(contract.TopicUp("bench", contract.Rd), 1, false, p)
	}
	close(window)
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
