package mqtttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tally/sync/porttest"
)

// Line is a line to a broker that a test makes bad (toxiproxy v2 as a library).
type Line struct {
	Addr string // dial this instead of the broker

	t     testing.TB
	proxy *toxiproxy.Proxy
}

// NewLine stands in front of addr, well at first. It ends with the test.
func NewLine(t testing.TB, addr string) *Line {
	t.Helper()
	known.Do(func() { toxics.Register("loss", &lossToxic{}) })
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l := &Line{t: t, Addr: porttest.Addr(t)}
	l.proxy = toxiproxy.NewProxy(server, "line", l.Addr, addr)
	l.Up()
	t.Cleanup(l.Down)
	return l
}

var known sync.Once

// Up lets connections through again.
func (l *Line) Up() {
	l.t.Helper()
	if err := l.proxy.Start(); err != nil {
		l.t.Fatalf("start line: %v", err)
	}
}

// Down cuts every connection and takes no new ones.
func (l *Line) Down() { l.proxy.Stop() }

// Poison makes the line bad in both directions; attributes are those of a toxic of toxiproxy, or of "loss".
func (l *Line) Poison(kind, attributes string) {
	l.t.Helper()
	for _, way := range []string{"upstream", "downstream"} {
		toxic := fmt.Sprintf(`{"name":"%s-%s","type":%q,"stream":%q,"toxicity":1,"attributes":%s}`, kind, way, kind, way, attributes)
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			l.t.Fatalf("poison line: %v", err)
		}
	}
}

// Cure takes a kind of toxic away.
func (l *Line) Cure(kind string) {
	l.t.Helper()
	for _, way := range []string{"upstream", "downstream"} {
		if err := l.proxy.Toxics.RemoveToxic(context.Background(), kind+"-"+way); err != nil {
			l.t.Fatalf("cure line: %v", err)
		}
	}
}

// lossToxic is what lost packets look like to those who use TCP: a piece of the stream and all that follows it comes
// after the time of a retransmission.
type lossToxic struct {
	Percent int   `json:"percent"`
	Again   int64 `json:"again"` // ms until a lost packet was sent again
}

// packet is what one loss holds up at least: the payload of an Ethernet frame (RFC 879, RFC 6691).
const packet = 1460

// Pipe implements toxics.Toxic.
func (l *lossToxic) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			var wait time.Duration
			for n := 0; n < len(c.Data); n += packet {
				if rand.IntN(100) < l.Percent {
					wait += time.Duration(l.Again) * time.Millisecond
				}
			}
			select {
			case <-time.After(wait):
			case <-stub.Interrupt:
				stub.Output <- c // the rest of the stream needs it
				return
			}
			stub.Output <- c
		}
	}
}
