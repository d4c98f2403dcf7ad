package line

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tally/meter"
)

func TestPaceSetsThePatienceAndNotesTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, open := play(t, act{{300 * time.Millisecond, "Aabcd"}}, act{{2 * time.Second, "Aabcd"}}, act{})
		l := New("a", open, Options{})
		defer l.Close()
		question := Exchange{Request: []byte("question"), Expect: says, Timeout: time.Second}
		for _, c := range []struct {
			pace Pace
			err  error
			took time.Duration
		}{
			{Pace{}, nil, 300 * time.Millisecond},
			{Pace{Think: 3 * time.Second}, nil, 2 * time.Second},
			{Pace{Think: 5 * time.Second}, meter.ErrSilent, 0},
		} {
			lease, err := l.Lease(t.Context(), Scheduled)
			if err != nil {
				t.Fatal(err)
			}
			p, from := c.pace, time.Now()
			_, err = lease.Exchange(WithPace(t.Context(), &p), question)
			lease.Release()
			if !errors.Is(err, c.err) || p.Took != c.took {
				t.Errorf("%+v: took %s, %v, want %s, %v", c.pace, p.Took, err, c.took, c.err)
			}
			if waited := time.Since(from); c.err != nil && waited < c.pace.Think {
				t.Errorf("waited %s, the meter may think %s", waited, c.pace.Think)
			}
		}
	})
}
