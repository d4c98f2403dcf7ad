package demo

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"tally/cardreader/cardsim"
	way "tally/cmd/internal/broker"
	"tally/cmd/internal/config"
	"tally/cmd/internal/devices"
	"tally/counter"
	"tally/counter/web"
	"tally/meter"
	"tally/meter/line"
	"tally/meter/metersim"
	"tally/sync/contract"
	"tally/sync/mqttlink"
)

// TestLineWithoutPseudoTerminals: where there is none, as on Windows, the same meters answer over Modbus TCP.
func TestLineWithoutPseudoTerminals(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w, err := newGasRiser(born, born.Add(70*time.Second), func() (*metersim.PTY, error) { return nil, errors.New("none here") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	l := w.config()
	if l.Kind != config.KindTCP || l.Protocol != config.ModbusTCP || len(l.Meters) != 3 {
		t.Fatalf("line %+v", l)
	}
	r, err := readFirst(t, l, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := r.Find(meter.Volume); !ok || v.Number.String() != "1284.320" {
		t.Errorf("after 70 s at one litre in 7: %v", v.Number)
	}
	dead := l
	dead.Meters = l.Meters[2:]
	if _, err := readFirst(t, dead, 200*time.Millisecond); err == nil {
		t.Error("the dead meter answered")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestHouseholdMetersAnswer on the pseudo-terminal and, where there is none, behind a gateway.
func TestHouseholdMetersAnswer(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, open := range map[string]func() (*metersim.PTY, error){
		"pty": metersim.OpenPTY, "gateway": func() (*metersim.PTY, error) { return nil, errors.New("none here") },
	} {
		w, err := newWaterRiser(born, born.Add(70*time.Second), open)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		r, err := readFirst(t, w.config(), time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v, ok := r.Find(meter.Volume); !ok || v.Number.String() != "208.45" {
			t.Errorf("%s: after 70 s at one litre in 7: %v", name, v.Number)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// readFirst reads the line's first meter once, over a connection of its own. The demo's own second for an answer may be short
// where the meter has to wait for its turn on a busy machine.
func readFirst(t *testing.T, c config.Line, timeout time.Duration) (meter.Reading, error) {
	t.Helper()
	bench := devices.Bench{}
	l := line.New(c.Name, bench.Opener(c), bench.Options(c))
	defer l.Close()
	first := c.Meters[0]
	first.Timeout = timeout
	m, err := bench.Meter(l, c, first)
	if err != nil {
		t.Fatal(err)
	}
	return m.Driver.Read(t.Context())
}

// TestBrokerAdmitsNobodyElse: other programs on this machine can reach the port, and get nothing.
func TestBrokerAdmitsNobodyElse(t *testing.T) {
	b, err := newBroker(nodeName, config.NewSecret("right"), centreName, config.NewSecret("other"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- b.Run(ctx) }()
	if got := knock(t, b.uplink(nodeName, config.NewSecret("right"))); got != "connected to the broker" {
		t.Errorf("the node itself: %s", got)
	}
	for _, pass := range []string{"wrong", ""} {
		if got := knock(t, b.uplink(nodeName, config.NewSecret(pass))); got != "no connection to the broker" {
			t.Errorf("password %q: %s", pass, got)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// said is a log handler that passes messages on.
type said struct{ ch chan string }

func (s said) Enabled(context.Context, slog.Level) bool { return true }
func (s said) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s said) WithGroup(string) slog.Handler            { return s }
func (s said) Handle(_ context.Context, r slog.Record) error {
	select {
	case s.ch <- r.Message:
	default:
	}
	return nil
}

// knock dials once and returns what the link says of it.
func knock(t *testing.T, u config.Uplink) string {
	t.Helper()
	s := said{make(chan string, 1)}
	n, err := mqttlink.NewNode(mqttlink.NodeConfig{
		Config: way.Config(u, slog.New(s)), Node: nodeName, Status: func() contract.Status { return contract.Status{V: contract.Version} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for {
		select {
		case text := <-s.ch:
			return text
		case <-n.Events():
		case <-ctx.Done():
			t.Fatal("neither let in nor refused")
		}
	}
}

// TestBenchRefusesWhatHandsCannotDo, and goes on afterwards.
func TestBenchRefusesWhatHandsCannotDo(t *testing.T) {
	b, _, err := openBench(t.TempDir(), cardsim.NewSource(readerName), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	do := func(a web.BenchAction) string {
		if err := b.Do(t.Context(), a); err != nil {
			return counter.AsRefusal(err).Code
		}
		return ""
	}
	card, other, m := cards[0].no, cards[1].no, icMeters[0].number
	for _, step := range []struct {
		a    web.BenchAction
		want string
	}{
		{web.BenchAction{Do: "insert", Card: "nobody's"}, counter.CodeNotFound},
		{web.BenchAction{Do: "juggle", Card: card}, counter.CodeNotFound},
		{web.BenchAction{Do: "use", Meter: m, Use: "-1"}, counter.CodeBadAmount},
		{web.BenchAction{Do: "use", Meter: m, Use: "much"}, counter.CodeBadAmount},
		{web.BenchAction{Do: "swipe", Card: card, Meter: "none"}, counter.CodeNotFound},
		{web.BenchAction{Do: "insert", Card: card}, ""},
		{web.BenchAction{Do: "insert", Card: other}, ""}, // takes the first one out
		{web.BenchAction{Do: "swipe", Card: card, Meter: m}, ""},
		{web.BenchAction{Do: "swipe", Card: other, Meter: m}, counter.CodeBusy}, // one card fits
		{web.BenchAction{Do: "take", Card: card}, ""},
		{web.BenchAction{Do: "swipe", Card: other, Meter: m}, ""},
	} {
		if got := do(step.a); got != step.want {
			t.Errorf("%+v: %q, want %q", step.a, got, step.want)
		}
	}
	s := b.State()
	if s.Cards[0].Where != onTable || s.Cards[1].Where != inMeter || s.Meters[0].Said != "other_meter" {
		t.Errorf("in the end %+v", s)
	}
}
