package survey

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tally/meter"
)

const ms = time.Millisecond

// polls adds n polls of a kind.
func polls(s *Survey, n int, err error, after time.Duration) {
	for range n {
		s.Add(Poll{Err: err, After: after})
	}
}

func TestVerdicts(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("ask on line x: %w", err) }
	for name, tt := range map[string]struct {
		fill    func(*Survey)
		verdict Verdict
		advice  []Advice
	}{
		"nothing":                   {func(*Survey) {}, Nothing, nil},
		"good":                      {func(s *Survey) { polls(s, 100, nil, 40*ms) }, Good, nil},
		"a refusal proves the line": {func(s *Survey) { polls(s, 100, wrap(meter.ErrException), 40*ms) }, Good, []Advice{CheckModel}},
		"fair":                      {func(s *Survey) { polls(s, 99, nil, 40*ms); polls(s, 1, wrap(meter.ErrChecksum), 0) }, Fair, []Advice{CheckTermination, CheckShield}},
		"poor":                      {func(s *Survey) { polls(s, 90, nil, 40*ms); polls(s, 10, wrap(meter.ErrSilent), 0) }, Poor, []Advice{CheckContact}},
		"bad":                       {func(s *Survey) { polls(s, 50, nil, 40*ms); polls(s, 50, wrap(meter.ErrMalformed), 0) }, Bad, []Advice{CheckTermination, CheckShield}},
		"silence":                   {func(s *Survey) { polls(s, 10, wrap(meter.ErrSilent), 0) }, Dead, []Advice{CheckPower, CheckPolarity, CheckAddress, CheckSpeed}},
		"garbage":                   {func(s *Survey) { polls(s, 10, wrap(meter.ErrChecksum), 0) }, Dead, []Advice{CheckSpeed, CheckPolarity, CheckCollision}},
		"strangers":                 {func(s *Survey) { polls(s, 10, wrap(meter.ErrForeign), 0) }, Dead, []Advice{CheckCollision, CheckAddress}},
		"collision":                 {func(s *Survey) { polls(s, 99, nil, 40*ms); polls(s, 1, wrap(meter.ErrForeign), 0) }, Fair, []Advice{CheckCollision}},
		"second master":             {func(s *Survey) { polls(s, 100, nil, 40*ms); s.Overheard(0, 12) }, Good, []Advice{CheckBias, CheckCollision}},
		"slow":                      {func(s *Survey) { s.Timeout = 100 * ms; polls(s, 100, nil, 90*ms) }, Good, []Advice{RaiseTimeout}},
		"jumps":                     {func(s *Survey) { polls(s, 100, nil, 40*ms); polls(s, 1, nil, 900*ms) }, Good, []Advice{CheckGateway}},
		"echo":                      {func(s *Survey) { polls(s, 100, nil, 40*ms); s.Overheard(100, 0) }, Good, []Advice{NoteEcho}},
		"unplugged":                 {func(s *Survey) { polls(s, 50, nil, 40*ms); polls(s, 50, wrap(meter.ErrLine), 0) }, Bad, []Advice{CheckPort}},
	} {
		var s Survey
		tt.fill(&s)
		r := s.Result()
		if tt.advice == nil {
			tt.advice = []Advice{}
		}
		if diff := cmp.Diff(tt.advice, r.Advice); r.Verdict != tt.verdict || diff != "" {
			t.Errorf("%s: %s, want %s\n%s", name, r.Verdict, tt.verdict, diff)
		}
	}
}

func TestLatencies(t *testing.T) {
	var s Survey
	for i := 1; i <= 100; i++ {
		s.Add(Poll{After: time.Duration(101-i) * ms})
	}
	s.Add(Poll{Err: meter.ErrSilent, After: time.Hour}) // no answer has no latency
	r := s.Result()
	if r.Min != ms || r.Median != 51*ms || r.P95 != 96*ms || r.Max != 100*ms || r.Sent != 101 {
		t.Errorf("%+v", r)
	}
}
