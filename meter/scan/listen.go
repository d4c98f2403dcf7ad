package scan

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"tally/meter/line"
	"tally/meter/sniff"
)

// listen hears at each speed whether somebody talks already.
func (r *Runner) listen(ctx context.Context) error {
	s := r.state
	if s.Options.Listen <= 0 {
		return nil
	}
	settings := listening(s.Queue)
	inUse := false
	for s.Listened < len(settings) {
		at := settings[s.Listened]
		r.report(Event{Kind: Listening, Step: Step{Setting: at}})
		pieces, err := r.overhear(ctx, at)
		if err != nil {
			return err
		}
		for _, p := range pieces {
			inUse = inUse || p.Protocol != sniff.Unknown && !p.Damaged && len(p.Bytes) > 1
			r.found(overheard(at, p, r.Now().UTC()))
		}
		if s.Listened++; inUse && !r.Ignore {
			return ErrInUse
		}
	}
	return nil
}

// overhear listens at one setting.
func (r *Runner) overhear(ctx context.Context, at Setting) ([]sniff.Piece, error) {
	lease, err := r.Line.For("scan", at.Mode()).Lease(ctx, line.Interactive)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	raw, err := lease.Raw(ctx)
	if err != nil {
		return nil, err
	}
	defer raw.Close() // nothing was written: nothing can be lost
	char := at.Mode().Char()
	split := sniff.Splitter{Gap: sniff.DefaultGap(char), Char: char}
	until := r.Now().Add(r.state.Options.Listen)
	var pieces []sniff.Piece
	var b [512]byte
	for {
		if err := raw.SetReadDeadline(until); err != nil {
			return nil, err
		}
		n, err := raw.Read(b[:])
		pieces = append(pieces, split.Take(sniff.Chunk{At: r.Now(), Bytes: slices.Clone(b[:n])})...)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded) || !r.Now().Before(until):
			return append(pieces, split.Flush()...), nil
		case err != nil:
			return nil, err
		}
	}
}

// overheard makes a find of what was heard.
func overheard(at Setting, p sniff.Piece, now time.Time) Find {
	f := Find{Setting: at, Protocol: Protocol(p.Protocol), Evidence: Overheard, Raw: p.Bytes, At: now}
	b := p.Bytes
	for len(b) > 0 && b[0] == 0xFE {
		b = b[1:]
	}
	switch {
	case p.Damaged:
		f.Evidence = Damaged
	case p.Protocol == sniff.Unknown:
		f.Evidence = Garbage
	case p.Protocol == sniff.ModbusRTU:
		f.Address = strconv.Itoa(int(b[0]))
	case p.Protocol == sniff.CJT188:
		f.Address = digits(b[2:9])
	case p.Protocol == sniff.DLT645:
		f.Address = digits(b[1:7])
	case len(b) == 5:
		f.Address = strconv.Itoa(int(b[2]))
	case len(b) > 5:
		f.Address = strconv.Itoa(int(b[5]))
	}
	return f
}

// digits prints an address as on the meter, the highest digits first.
func digits(b []byte) string {
	const hex = "0123456789ABCDEF"
	var s []byte
	for i := len(b) - 1; i >= 0; i-- {
		s = append(s, hex[b[i]>>4], hex[b[i]&15])
	}
	return string(s)
}

// damaged tells whether among the bytes is something with the form of a frame.
func damaged(b []byte) bool {
	return slices.ContainsFunc(sniff.Cut(b), func(f sniff.Found) bool { return f.Protocol != sniff.Unknown })
}
