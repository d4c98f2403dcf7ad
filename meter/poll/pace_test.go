package poll

import (
	"testing"
	"time"
)

func TestPaceLearns(t *testing.T) {
	p := pace{fast: 200 * time.Millisecond, slow: 4 * time.Second}
	if p.think(0) != 4*time.Second {
		t.Errorf("a stranger may think %s", p.think(0))
	}
	for range 50 {
		p.note(100 * time.Millisecond)
	}
	if got := p.think(0); got != 200*time.Millisecond {
		t.Errorf("after answers of 100 ms it may think %s, want the lower bound", got)
	}
	if got := p.think(1); got != 4*time.Second {
		t.Errorf("at the second try it may think %s, want everything", got)
	}
	for range 20 {
		p.note(3 * time.Second)
	}
	if got := p.think(0); got < 3*time.Second || got > 4*time.Second {
		t.Errorf("after answers of 3 s it may think %s", got)
	}
	steady := pace{fast: 50 * time.Millisecond, slow: 10 * time.Second}
	for i := range 100 {
		steady.note(time.Second + time.Duration(i%2)*100*time.Millisecond)
	}
	if got := steady.think(0); got < 1100*time.Millisecond || got > 1500*time.Millisecond {
		t.Errorf("after answers of 1 to 1.1 s it may think %s", got)
	}
	if none := (pace{}); none.think(0) != 0 || none.think(1) != 0 {
		t.Error("without bounds the driver decides")
	}
}
