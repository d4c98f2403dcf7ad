package line

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"tally/meter"
)

// peer is the other end of a line: for each request it gets, it plays one act.
type peer struct {
	conn net.Conn
	got  []time.Time // when each request came
}

// act is what a peer does after a request.
type act []step

// step sends bytes after a pause.
type step struct {
	after time.Duration
	bytes string
}

// play starts a peer on a pipe and returns its opener. Acts beyond the script are silence.
func play(t *testing.T, acts ...act) (*peer, Opener) {
	p := &peer{}
	return p, func(context.Context) (Conn, error) {
		ours, theirs := net.Pipe()
		p.conn = theirs
		over := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() { p.run(theirs, acts, over, &group) })
		t.Cleanup(func() { close(over); theirs.Close(); group.Wait() })
		return ours, nil
	}
}

func (p *peer) run(c net.Conn, acts []act, over <-chan struct{}, group *sync.WaitGroup) {
	buf := make([]byte, 256)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		p.got = append(p.got, time.Now())
		if len(acts) == 0 {
			continue
		}
		now := acts[0]
		acts = acts[1:]
		group.Go(func() { // the peer hears requests while it is slow
			for _, s := range now {
				select {
				case <-time.After(s.after):
				case <-over:
					return
				}
				if _, err := c.Write([]byte(s.bytes)); err != nil {
					return
				}
			}
		})
	}
}

// says expects an answer of five bytes that starts with 'A'; 'X' is an exception of two, 'F' is foreign.
func says(b []byte) (Verdict, error) {
	switch b[0] {
	case 'A':
		return Verdict{Need: 5}, nil
	case 'X':
		return Verdict{Need: 2}, meter.ErrException
	case '.':
		return Verdict{Drop: 1}, nil
	}
	return Verdict{}, meter.ErrForeign
}

func ask(t *testing.T, l *Line) (string, error) {
	t.Helper()
	return askWith(t, l, Exchange{Request: []byte("question"), Expect: says, Peer: "7"})
}

func askWith(t *testing.T, l *Line, x Exchange) (string, error) {
	t.Helper()
	lease, err := l.Lease(t.Context(), Scheduled)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	a, err := lease.Exchange(t.Context(), x)
	return string(a.Bytes), err
}

// expectAnswer fails the test unless the line answers so.
func expectAnswer(t *testing.T, l *Line, want string) {
	t.Helper()
	if got, err := ask(t, l); got != want || err != nil {
		t.Fatalf("answer = %q, %v, want %q", got, err, want)
	}
}

func expectError(t *testing.T, l *Line, want error) {
	t.Helper()
	if got, err := ask(t, l); !errors.Is(err, want) {
		t.Fatalf("answer = %q, %v, want error %v", got, err, want)
	}
}
