package metersim

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// Serve answers on the slaves' end of a line until ctx ends or the line breaks; it closes wire.
func (b *Bus) Serve(ctx context.Context, wire io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { wire.Close() })
	defer stop()
	defer wire.Close()
	w := &wireEnd{bus: b, wire: wire, busy: map[string]time.Time{}, mu: make(baton, 1)}
	ctx, w.cancel = context.WithCancel(ctx)
	w.ctx = ctx
	in := make(chan []byte)
	var group sync.WaitGroup
	group.Go(func() { readAll(ctx, wire, in) })
	err := w.run(in)
	w.cancel()
	wire.Close()
	w.late.Wait()
	group.Wait()
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// readAll hands over what the master writes, and closes in when nothing can come any more.
func readAll(ctx context.Context, r io.Reader, in chan<- []byte) {
	defer close(in)
	for {
		buf := make([]byte, 512)
		n, err := r.Read(buf)
		if n > 0 {
			select {
			case in <- buf[:n]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wireEnd is one run of Serve.
type wireEnd struct {
	bus    *Bus
	ctx    context.Context
	cancel context.CancelFunc
	wire   io.Writer
	buf    []byte
	from   time.Time // when the first byte of buf came
	lead   int       // bytes in front of buf that were no request, since from
	late   sync.WaitGroup

	mu   baton                // one answer at a time on the line
	free time.Time            // when the last frame had left the line
	busy map[string]time.Time // until when a meter is at an earlier question
}

// baton is a lock that is held while time passes. A mutex would stop the clock of a synctest bubble.
type baton chan struct{}

func (b baton) Lock()   { b <- struct{}{} }
func (b baton) Unlock() { <-b }

// patience is how long an incomplete request is kept before it is called noise. Real meters use t3.5, which a process
// that is not real-time cannot measure.
const patience = 50 * time.Millisecond

func (w *wireEnd) run(in <-chan []byte) error {
	for {
		var tooLong <-chan time.Time
		if len(w.buf) > 0 {
			tooLong = time.After(patience)
		}
		select {
		case <-w.ctx.Done():
			return w.ctx.Err()
		case <-tooLong:
			w.buf = nil
		case chunk, ok := <-in:
			if !ok {
				return io.EOF
			}
			if err := w.take(chunk); err != nil {
				return err
			}
		}
	}
}

// take adds bytes from the master and answers every request that is complete.
func (w *wireEnd) take(chunk []byte) error {
	if len(w.buf) == 0 {
		w.from, w.lead = time.Now(), 0
	}
	if w.bus.Echo {
		if _, err := w.wire.Write(chunk); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, chunk...)
	for {
		n := w.bus.speech().Frame(w.buf)
		if n == 0 || len(w.buf) < n {
			return nil
		}
		frame := w.buf[:n]
		w.buf = w.buf[n:]
		if n == 1 { // preamble or noise: it takes its time
			w.lead++
			continue
		}
		if err := w.request(frame); err != nil {
			return err
		}
		w.from, w.lead = time.Now(), 0
	}
}

// request answers one whole request.
func (w *wireEnd) request(frame []byte) error {
	p := w.bus.Pacing
	sent, ok := w.heard(w.lead + len(frame))
	if !ok {
		return nil
	}
	r, answered := w.bus.speech().Hear(frame)
	f := r.Fault
	if !answered || f.Silent {
		return nil
	}
	from := sent.Add(p.Turnaround + f.Late)
	if w.bus.Speech == nil {
		from = from.Add(p.Silence())
	}
	at, queued := w.turn(r.Who, from)
	out := f.cut(r.Bytes)
	if f.Late == 0 && !queued {
		return w.send(out, at, f)
	}
	w.late.Go(func() { // the line is free for others meanwhile
		if sleepUntil(w.ctx, at) {
			_ = w.send(out, at, f) // a broken line ends run too
		}
	})
	return nil
}

// heard tells when a request that has just come had left the master, and whether the silence before it was long
// enough.
func (w *wireEnd) heard(length int) (time.Time, bool) {
	p := w.bus.Pacing
	w.mu.Lock()
	defer w.mu.Unlock()
	rushed := p.Baud > 0 && !w.free.IsZero() && w.from.Sub(w.free) < p.Silence()
	sent := w.from.Add(p.Char() * time.Duration(length))
	if rushed {
		w.bus.mu.Lock()
		w.bus.rushed++
		w.bus.mu.Unlock()
	}
	w.free = sent
	return sent, !rushed
}

// turn tells when a meter answers that would like to at the given time: after its earlier answers.
func (w *wireEnd) turn(who string, at time.Time) (time.Time, bool) {
	until := w.busy[who]
	queued := until.After(at)
	if queued {
		at = until.Add(w.bus.Pacing.Silence() + time.Millisecond)
	}
	w.busy[who] = at
	return at, queued
}

// send puts an answer on the line, starting at the given time, byte after byte.
func (w *wireEnd) send(out []byte, at time.Time, f Fault) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for sent := 0; sent < len(out); {
		n := w.portion(len(out), sent, f)
		if f.Split > 0 && sent > 0 && sent == len(out)/2 {
			at = at.Add(f.Split)
		}
		at = at.Add(w.bus.Pacing.Char()*time.Duration(n) + f.Dribble)
		if !sleepUntil(w.ctx, at) {
			return w.ctx.Err()
		}
		w.free = time.Now() // before the write: the master may have read it before this goroutine goes on
		if _, err := w.wire.Write(out[sent : sent+n]); err != nil {
			return err
		}
		sent += n
	}
	return nil
}

// portion is how many bytes are handed over next: what a UART collects, a single one when dribbling, and never across
// the middle when the answer is split there.
func (w *wireEnd) portion(length, sent int, f Fault) int {
	n := length - sent
	if f.Dribble > 0 {
		return 1
	}
	if w.bus.Pacing.Char() > 0 {
		n = min(n, fifo)
	}
	if half := length / 2; f.Split > 0 && sent < half {
		n = min(n, half-sent)
	}
	return n
}

// fifo is in what portions a UART hands over what it received.
const fifo = 16

func sleepUntil(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
