package cjt188_test

import (
	"context"
	"testing"
	"time"

	"tally/meter/cjt188"
	"tally/meter/line"
	"tally/meter/metersim"
)

// BenchmarkLine reads 250 meters at 2400 8E1 with 100 ms turnaround and 50 ms between exchanges as fast as it can, on a
// pty whose simulator takes the time that characters take. limit_ratio is what a perfect master would need, divided by
// what we need.
func BenchmarkLine(b *testing.B) {
	const gap = 50 * time.Millisecond
	pacing := metersim.Pacing{Baud: 2400, CharBits: 11, Turnaround: 100 * time.Millisecond, Gap: gap - time.Millisecond}
	bus, speech := metersim.NewBus(pacing), &metersim.CJT188{}
	bus.Speech = speech
	path, done := make(chan string, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- bus.ServePTY(ctx, func(s string) { path <- s }) }()
	l := line.New("bench", line.Serial(line.SerialConfig{Path: <-path, Baud: 2400, Parity: line.Even}), line.Options{Gap: gap})
	b.Cleanup(func() {
		l.Close()
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	var meters []*cjt188.Meter
	for i := range 250 {
		a := cjt188.Address{byte(i/10%10<<4 | i%10), byte(i / 100)}
		speech.Add(&metersim.CJT188Meter{Kind: 0x30, Address: a})
		m, err := cjt188.New(l, cjt188.Gas, a, "1", cjt188.Options{})
		if err != nil {
			b.Fatal(err)
		}
		meters = append(meters, m)
	}
	if _, err := meters[0].Read(b.Context()); err != nil { // opens the port
		b.Fatal(err)
	}
	from, n := time.Now(), 0
	for b.Loop() {
		if _, err := meters[n%len(meters)].Read(b.Context()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	took := time.Since(from)
	const request, answer = 4 + 16, 4 + 35 // with preamble
	limit := pacing.Char()*(request+answer) + pacing.Turnaround + gap
	b.ReportMetric(float64(limit)*float64(n)/float64(took), "limit_ratio")
	b.ReportMetric(float64(time.Minute)*float64(n)/float64(took), "meters/min")
	if bus.Rushed() > 0 {
		b.Errorf("%d requests came too early", bus.Rushed())
	}
}
