package cardtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
)

const reader = "Simulated Reader 0"

// breach spoils a good Source in one way. The suite must see it.
type breach struct {
	cardreader.Source
	event    func(cardreader.Event) cardreader.Event
	open     func(error) error
	transmit func(c cardreader.Card, ctx context.Context, cmd []byte, answer []byte, err error) ([]byte, error)
	close    func(cardreader.Card) error
	do       func(c cardreader.Card, ctx context.Context, f func() error) error
	start    func(*breach)
}

// replay connects again when a card has gone, to whichever lies there, and repeats all commands: code and write.
func replay(b *breach) {
	var sent [][]byte
	b.transmit = func(c cardreader.Card, ctx context.Context, cmd, answer []byte, err error) ([]byte, error) {
		sent = append(sent, cmd)
		if err == nil {
			return answer, nil
		}
		for ins := range cardreader.Insertion(9) {
			again, oerr := b.Source.Open(ctx, reader, ins)
			if oerr != nil {
				continue
			}
			for _, old := range sent {
				answer, err = again.Transmit(ctx, old)
			}
			again.Close()
		}
		return answer, err
	}
}

func (b *breach) Run(ctx context.Context, emit func(cardreader.Event)) error {
	if b.event == nil {
		return b.Source.Run(ctx, emit)
	}
	return b.Source.Run(ctx, func(e cardreader.Event) { emit(b.event(e)) })
}

func (b *breach) Open(ctx context.Context, reader string, ins cardreader.Insertion) (cardreader.Card, error) {
	c, err := b.Source.Open(ctx, reader, ins)
	if err != nil {
		if b.open != nil {
			err = b.open(err)
		}
		return nil, err
	}
	return &spoilt{c, b}, nil
}

type spoilt struct {
	cardreader.Card
	b *breach
}

func (s *spoilt) Transmit(ctx context.Context, cmd []byte) ([]byte, error) {
	answer, err := s.Card.Transmit(ctx, cmd)
	if s.b.transmit != nil {
		return s.b.transmit(s.Card, ctx, cmd, answer, err)
	}
	return answer, err
}

func (s *spoilt) Close() error {
	if s.b.close != nil {
		return s.b.close(s.Card)
	}
	return s.Card.Close()
}

func (s *spoilt) Do(ctx context.Context, f func() error) error {
	if s.b.do != nil {
		return s.b.do(s.Card, ctx, f)
	}
	return s.Card.Do(ctx, f)
}

// breaches by name, and the part of the suite that has to fail.
var breaches = map[string]struct {
	fails string
	b     breach
}{
	"none": {"", breach{}},
	"transport error called not written": {"promise_2", breach{
		transmit: func(_ cardreader.Card, _ context.Context, _, answer []byte, err error) ([]byte, error) {
			if errors.Is(err, cardreader.ErrOutcomeUnknown) {
				err = &cardreader.Error{Class: cardreader.Retry, Code: cardreader.CodeCardFault, Op: "transmit"}
			}
			return answer, err
		}}},
	"not sent called unknown": {"an_ended_context", breach{
		transmit: func(_ cardreader.Card, _ context.Context, _, answer []byte, err error) ([]byte, error) {
			if errors.Is(err, cardreader.ErrNotSent) {
				err = &cardreader.Error{Class: cardreader.Unknown, Code: cardreader.CodeCardFault, Op: "transmit"}
			}
			return answer, err
		}}},
	"retries by itself": {"promise_2", breach{
		transmit: func(c cardreader.Card, ctx context.Context, cmd, answer []byte, err error) ([]byte, error) {
			if errors.Is(err, cardreader.ErrOutcomeUnknown) {
				return c.Transmit(ctx, cmd)
			}
			return answer, err
		}}},
	"all insertions are one": {"events_come", breach{
		event: func(e cardreader.Event) cardreader.Event {
			if e.Insertion != 0 {
				e.Insertion = 1
			}
			return e
		}}},
	"no ATR": {"events_come", breach{event: func(e cardreader.Event) cardreader.Event { e.ATR = nil; return e }}},
	"a card that has gone is another error": {"an_insertion_that_has_gone", breach{
		open: func(error) error {
			return &cardreader.Error{Class: cardreader.Retry, Code: cardreader.CodeCardBusy, Op: "open"}
		}}},
	"close does nothing": {"closing_forgets", breach{close: func(cardreader.Card) error { return nil }}},
	"closing twice is an error": {"a_closed_card", breach{
		close: func(c cardreader.Card) error { return errors.Join(c.Close(), errors.New("closed")) }}},
	"goes on with the next card": {"a_quick_swap", breach{start: replay}},
	"do may be nested": {"do", breach{
		do: func(_ cardreader.Card, _ context.Context, f func() error) error { return f() }}},
	"do loses f's error": {"do", breach{
		do: func(c cardreader.Card, ctx context.Context, f func() error) error {
			if err := c.Do(ctx, f); errors.Is(err, cardreader.ErrNotSent) {
				return err
			}
			return nil
		}}},
}

// TestSuiteOnBreach is run by TestSuiteSeesBreaches in a process of its own, as most of the time it fails.
func TestSuiteOnBreach(t *testing.T) {
	name, ok := os.LookupEnv("CARDTEST_BREACH")
	if !ok {
		name = "none"
	}
	cardtest.Run(t, func(t *testing.T) cardtest.Bench {
		src := cardsim.NewSource(reader)
		b := breaches[name].b
		b.Source = src
		if b.start != nil {
			b.start(&b)
		}
		return bench{src, &b}
	})
}

type bench struct {
	sim *cardsim.Source
	src cardreader.Source
}

func (b bench) Source() cardreader.Source     { return b.src }
func (b bench) Reader() string                { return reader }
func (b bench) Insert(d cardsim.Device) error { return b.sim.Insert(reader, d) }
func (b bench) Remove() error                 { return b.sim.Remove(reader) }
func (b bench) Unplug() error                 { return b.sim.Unplug(reader) }
func (b bench) Plug() error                   { return b.sim.Plug(reader) }

// TestSuiteSeesBreaches: a suite that passes whatever it is given would prove nothing.
func TestSuiteSeesBreaches(t *testing.T) {
	failed := regexp.MustCompile(`--- FAIL: TestSuiteOnBreach/(\S+)`)
	for name, v := range breaches {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuiteOnBreach$", "-test.timeout=1m")
			cmd.Env = append(os.Environ(), "CARDTEST_BREACH="+name)
			out, err := cmd.CombinedOutput()
			if v.fails == "" {
				if err != nil {
					t.Errorf("a good source fails: %v\n%s", err, out)
				}
				return
			}
			var parts []string
			for _, m := range failed.FindAllStringSubmatch(string(out), -1) {
				parts = append(parts, m[1])
			}
			if err == nil || !strings.Contains(strings.Join(parts, " "), v.fails) {
				t.Errorf("not seen in %q; failed: %q (%v)", v.fails, parts, err)
			}
		})
	}
}
