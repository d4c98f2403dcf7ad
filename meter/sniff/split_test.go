package sniff

import (
	"bytes"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func TestSplitter(t *testing.T) {
	s := Splitter{Gap: 20 * time.Millisecond, Char: time.Millisecond}
	question, answer := unhex(t, read188), unhex(t, opened188)
	if got := s.Take(Chunk{At: at(100), Bytes: question[:6]}); got != nil {
		t.Fatalf("half a frame gave %v", got)
	}
	if got := s.Take(Chunk{At: at(110), Bytes: question[6:]}); got != nil {
		t.Fatalf("a frame is complete only when it is followed by silence: %v", got)
	}
	got := s.Take(Chunk{At: at(110 + 50 + len(answer)), Bytes: answer})
	if len(got) != 1 || got[0].Protocol != CJT188 || !bytes.Equal(got[0].Bytes, question) || got[0].Gap != 0 || !got[0].At.Equal(at(94)) {
		t.Fatalf("question: %+v", got)
	}
	end := at(110 + 50 + len(answer))
	if got := s.Idle(end.Add(19 * time.Millisecond)); got != nil {
		t.Fatalf("too early: %v", got)
	}
	got = s.Idle(end.Add(20 * time.Millisecond))
	if len(got) != 1 || got[0].Gap != 50*time.Millisecond || !got[0].First {
		t.Fatalf("answer: %+v", got)
	}
	if s.Idle(end.Add(time.Hour)) != nil || s.Flush() != nil {
		t.Error("gave something twice")
	}
}

// TestSidesSeparate: what the master sent and what came back are never one burst, however quick the answer.
func TestSidesSeparate(t *testing.T) {
	s := Splitter{Gap: 20 * time.Millisecond}
	s.Take(Chunk{At: at(0), From: Master, Bytes: []byte{1, 2}})
	got := s.Take(Chunk{At: at(1), From: Meter, Bytes: []byte{3}})
	if len(got) != 1 || got[0].From != Master {
		t.Fatalf("got %+v", got)
	}
	if got = s.Flush(); len(got) != 1 || got[0].From != Meter || got[0].Gap != time.Millisecond {
		t.Fatalf("got %+v", got)
	}
}

// TestSplitByUSBGap: an adapter that holds bytes back for 16 ms does not tear a frame apart.
func TestSplitByUSBGap(t *testing.T) {
	s := Splitter{Gap: DefaultGap(1042 * time.Microsecond), Char: 1042 * time.Microsecond}
	frame := unhex(t, answer645)
	for i, b := range frame {
		if got := s.Take(Chunk{At: at(16 * i), Bytes: []byte{b}}); got != nil {
			t.Fatalf("torn at byte %d: %+v", i, got)
		}
	}
	if got := s.Flush(); len(got) != 1 || got[0].Protocol != DLT645 {
		t.Errorf("got %+v", got)
	}
}

// TestNoiseWithoutEnd: memory is bounded and nothing waits for a silence that never comes.
func TestNoiseWithoutEnd(t *testing.T) {
	s := Splitter{Gap: 20 * time.Millisecond}
	shown := 0
	for i := range 100 {
		for _, p := range s.Take(Chunk{At: at(i), Bytes: bytes.Repeat([]byte{0x55}, 100)}) {
			shown += len(p.Bytes)
		}
		if len(s.buf) > most {
			t.Fatalf("%d bytes are kept", len(s.buf))
		}
	}
	if shown < 10_000-most {
		t.Errorf("%d of 10000 bytes shown", shown)
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte{5, 1, 2, 3, 4, 5, 0, 30, 0x68})
	f.Add(append([]byte{40, 16}, bytes.Repeat([]byte{0xFE, 9}, 40)...))
	f.Fuzz(func(t *testing.T, script []byte) {
		s := Splitter{Gap: 20 * time.Millisecond, Char: time.Millisecond}
		var in, out []byte
		now := noon
		take := func(ps []Piece) {
			for _, p := range ps {
				out = append(out, p.Bytes...)
				if p.Gap < 0 {
					t.Fatalf("gap %s", p.Gap)
				}
			}
		}
		for len(script) >= 2 { // pause, length, bytes; the clock may step back
			now = now.Add(time.Duration(int8(script[0])) * time.Millisecond)
			n := min(int(script[1]%64), len(script)-2)
			chunk := script[2 : 2+n]
			from := []Side{Anybody, Master, Meter}[script[0]%3]
			in = append(in, chunk...)
			take(s.Take(Chunk{At: now, From: from, Bytes: chunk}))
			take(s.Idle(now.Add(time.Duration(script[1]) * time.Millisecond)))
			script = script[2+n:]
		}
		take(s.Flush())
		if !bytes.Equal(in, out) {
			t.Fatalf("in % x, out % x", in, out)
		}
	})
}
