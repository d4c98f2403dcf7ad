package poll

import (
	"fmt"
	"sync"
	"time"

	"tally/meter"
)

// log is a Watch that writes down what it is told.
type journal struct {
	mu     sync.Mutex
	lines  []string // "down silent", "back"
	missed map[meter.ID]int
	judged []meter.Reading
	clocks []time.Duration
	mark   meter.Quality
}

func (j *journal) Judge(r meter.Reading) meter.Quality {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.judged = append(j.judged, r)
	return j.mark
}

func (j *journal) Missed(f meter.Failure) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.missed == nil {
		j.missed = map[meter.ID]int{}
	}
	j.missed[f.Meter]++
}

func (j *journal) LineDown(line string, _, _ time.Time, code string, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%s down, %s, %d meters", line, code, n))
}

func (j *journal) LineBack(line string, _ time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line+" back")
}

func (j *journal) Clock(_ meter.ID, _ time.Time, ahead time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.clocks = append(j.clocks, ahead)
}

func (j *journal) told() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string{}, j.lines...)
}

func (j *journal) misses() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, m := range j.missed {
		n += m
	}
	return n
}
