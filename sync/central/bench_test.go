package central_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tally/sync/central"
	"tally/sync/central/centraltest"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox/outboxtest"
)

// BenchmarkDrain measures how fast a backlog of readings leaves a node, against bare paho at QoS 1 with the same
// payloads, the same broker and as many under way, in the same run:
//
//	go test ./sync/central -run '^$' -bench Drain -benchtime 1x
//
// bare: until the last PUBACK, with somebody subscribed. outbox: until the centre's ack of the last record has emptied
// the queue, with a centre that only looks at the head of an envelope, so that the node's side is what is measured.
// ingest: with the real ingest, which parses and verifies every record, and a store that keeps nothing. stored: the
// same with SQLite, each commit synced. Node, broker and centre share the machine.
func BenchmarkDrain(b *testing.B) {
	const records = 100_000
	addr := mqtttest.StartMosquitto(b).Addr
	feed := centraltest.NewFeed("bench", "e1", contract.Rd).Readings(records)
	for b.Loop() {
		bare := records / bareDrain(b, addr, feed, records).Seconds()
		outbox := records / nodeDrain(b, addr, feed).Seconds()
		ingest := records / drain(b, addr, feed, discard{}).Seconds()
		stored := records / storedDrain(b, addr, feed).Seconds()
		b.ReportMetric(bare, "bare_rec/s")
		b.ReportMetric(outbox, "outbox_rec/s")
		b.ReportMetric(ingest, "ingest_rec/s")
		b.ReportMetric(stored, "stored_rec/s")
		b.ReportMetric(outbox/bare, "outbox/bare")
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

func storedDrain(b *testing.B, addr string, f *centraltest.Feed) time.Duration {
	dir := b.TempDir()
	store := openSQLite(b, filepath.Join(dir, "central.db"))
	return drain(b, addr, f, store)
}

func drain(b *testing.B, addr string, f *centraltest.Feed, store central.Store) time.Duration {
	c := startCentreOn(b, addr, store)
	until(b, "the centre is connected", c.link.Connected)
	defer c.end()
	return emptied(b, addr, f)
}

// nodeDrain plays a centre that costs next to nothing.
func nodeDrain(b *testing.B, addr string, f *centraltest.Feed) time.Duration {
	link, err := mqttlink.NewCentre(mqttlink.CentreConfig{Config: soon(addr, "head-only")})
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
				var seq0, n uint64
				head := d.Payload[bytes.Index(d.Payload, []byte(`"seq0":`)):]
				if _, err := fmt.Sscanf(string(head[:40]), `"seq0":%d,"n":%d,`, &seq0, &n); err != nil {
					return err
				}
				link.Ack(ctx, "bench", contract.Rd, contract.Ack{Epoch: f.Epoch, Ack: seq0 + n - 1})
			}
		}
	})
	defer k.end()
	until(b, "the centre is connected", link.Connected)
	return emptied(b, addr, f)
}

// emptied starts a node with the records of f and waits until all are acknowledged.
func emptied(b *testing.B, addr string, f *centraltest.Feed) time.Duration {
	n := &node{tx: centraltest.NewFeed("bench", f.Epoch, contract.Tx), ev: centraltest.NewFeed("bench", f.Epoch, contract.Ev), rd: &centraltest.Feed{Queue: again(b, f), Node: "bench", Epoch: f.Epoch}}
	began := time.Now()
	n.start(b, addr)
	until(b, "rd", empty(n.rd))
	took := time.Since(began)
	n.end()
	clearAck(b, addr)
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

func bareDrain(b *testing.B, addr string, f *centraltest.Feed, records int) time.Duration {
	const each = contract.MaxRdRecords
	var payloads [][]byte
	for from := 1; from <= records; from += each {
		payloads = append(payloads, f.Deliver(b, uint64(from), min(each, records-from+1)).Payload)
	}
	sub := dial(b, addr, "reader")
	defer sub.Disconnect(250)
	if token := sub.Subscribe(contract.FilterUp, 1, func(mqtt.Client, mqtt.Message) {}); token.Wait() && token.Error() != nil {
		b.Fatal(token.Error())
	}
	c := dial(b, addr, "bench")
	defer c.Disconnect(250)
	began := time.Now()
	window := make(chan mqtt.Token, 8)
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

// discard is a store that keeps nothing and says that it has everything.
type discard struct{}

func (discard) Commit(_ context.Context, batches []central.Batch, _ time.Time) ([]central.Receipt, error) {
	var out []central.Receipt
	for _, b := range batches {
		ack := contract.Ack{Epoch: b.Epoch, Ack: b.Items[len(b.Items)-1].Seq}
		out = append(out, central.Receipt{Node: b.Node, Stream: b.Stream, Ack: ack})
	}
	return out[len(out)-1:], nil
}

func (discard) Refuse(context.Context, contract.Delivery, *contract.Invalid, time.Time) error {
	return nil
}
func (discard) Ping(context.Context) error { return nil }
func (discard) Close() error               { return nil }
