package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tally/cardreader"
	"tally/cardreader/apdu"
)

// step is one expected command and what comes of it.
type step struct {
	cmd    []byte
	answer []byte
	err    error
}

// script is a card that expects just these commands.
type script struct {
	t     *testing.T
	steps []step
}

func (s *script) Transmit(_ context.Context, cmd []byte) ([]byte, error) {
	s.t.Helper()
	if len(s.steps) == 0 {
		s.t.Fatalf("% X was not expected", cmd)
	}
	x := s.steps[0]
	s.steps = s.steps[1:]
	if !bytes.Equal(cmd, x.cmd) {
		s.t.Fatalf("sent % X, want % X", cmd, x.cmd)
	}
	return x.answer, x.err
}

func (*script) Do(_ context.Context, f func() error) error { return f() }
func (*script) ATR() []byte                                { return nil }
func (*script) Close() error                               { return nil }

var (
	read    = apdu.Command{INS: 0xB0, P1: 0x84, Le: 4}
	readRaw = []byte{0, 0xB0, 0x84, 0, 4}
	write   = apdu.Command{CLA: 0x04, INS: 0xD6, Data: []byte{0xAB, 0xCD}}
	notSent = Fail(cardreader.Retry, cardreader.CodeCardBusy, "transmit", nil)
	unknown = Fail(cardreader.Unknown, cardreader.CodeCardRemoved, "transmit", nil)
)

func linkTo(t *testing.T, steps ...step) *Link {
	s := &script{t, steps}
	t.Cleanup(func() {
		if len(s.steps) > 0 {
			t.Errorf("%d commands were not sent", len(s.steps))
		}
	})
	return New(s)
}

// Promise 2: what an exchange proves, and whether anything may be sent after it.
func TestPromise2WhatAnExchangeProves(t *testing.T) {
	for name, v := range map[string]struct {
		answer []byte
		err    error
		want   error
		code   string
		dead   bool
	}{
		"an answer":          {answer: []byte{1, 2, 3, 4, 0x90, 0}},
		"a refusal":          {answer: []byte{0x69, 0x82}},
		"not sent":           {err: notSent, want: cardreader.ErrNotSent, code: cardreader.CodeCardBusy},
		"pulled":             {err: unknown, want: cardreader.ErrOutcomeUnknown, code: cardreader.CodeCardRemoved, dead: true},
		"any other error":    {err: errors.New("x"), dead: true},
		"success of nothing": {answer: []byte{}, want: cardreader.ErrOutcomeUnknown, code: cardreader.CodeShortAnswer, dead: true},
		"half a status":      {answer: []byte{0x90}, want: cardreader.ErrOutcomeUnknown, code: cardreader.CodeShortAnswer, dead: true},
	} {
		t.Run(name, func(t *testing.T) {
			steps := []step{{readRaw, v.answer, v.err}}
			if !v.dead {
				steps = append(steps, step{readRaw, []byte{0x90, 0}, nil})
			}
			l := linkTo(t, steps...)
			_, err := l.Send(t.Context(), "read", read)
			if (err == nil) != (v.err == nil && v.want == nil) || v.want != nil && !errors.Is(err, v.want) {
				t.Errorf("%v", err)
			}
			if e, ok := errors.AsType[*cardreader.Error](err); v.code != "" && (!ok || e.Code != v.code) {
				t.Errorf("%v, want code %s", err, v.code)
			}
			_, err = l.Send(t.Context(), "read", read)
			if e, ok := errors.AsType[*cardreader.Error](err); v.dead && (!ok || e.Code != cardreader.CodeDead || !errors.Is(err, cardreader.ErrNotSent)) {
				t.Errorf("after it: %v", err)
			}
		})
	}
}

func TestT0(t *testing.T) {
	get := []byte{0, 0xC0, 0, 0, 2}
	raw := []byte{0x04, 0xD6, 0, 0, 2, 0xAB, 0xCD}
	r, err := linkTo(t, step{raw, []byte{0x61, 2}, nil}, step{get, []byte{7, 8, 0x90, 0}, nil}).SendT0(t.Context(), "write", write)
	if err != nil || !bytes.Equal(r.Data, []byte{7, 8}) {
		t.Errorf("61: %v %v", r, err)
	}
	r, err = linkTo(t, step{readRaw, []byte{0x6C, 2}, nil}, step{[]byte{0, 0xB0, 0x84, 0, 2}, []byte{7, 8, 0x90, 0}, nil}).SendT0(t.Context(), "read", read)
	if err != nil || len(r.Data) != 2 {
		t.Errorf("6C: %v %v", r, err)
	}
	// Once: a card that goes on saying 6C is not asked for ever, and a write is not sent twice.
	r, err = linkTo(t, step{readRaw, []byte{0x6C, 2}, nil}, step{[]byte{0, 0xB0, 0x84, 0, 2}, []byte{0x6C, 3}, nil}).SendT0(t.Context(), "read", read)
	if err != nil || r.SW != 0x6C03 {
		t.Errorf("6C twice: %v %v", r, err)
	}
	r, err = linkTo(t, step{raw, []byte{0x6C, 2}, nil}).SendT0(t.Context(), "write", write)
	if err != nil || r.SW != 0x6C02 {
		t.Errorf("6C to a write: %v %v", r, err)
	}
}

// A command that was answered 61 xx was carried out: that fetching the answer was not sent says nothing about it.
func TestPromise2FetchingIsNotTheCommand(t *testing.T) {
	raw := []byte{0x04, 0xD6, 0, 0, 2, 0xAB, 0xCD}
	for _, cause := range []error{notSent, unknown} {
		l := linkTo(t, step{raw, []byte{0x61, 4}, nil}, step{[]byte{0, 0xC0, 0, 0, 4}, nil, cause})
		_, err := l.SendT0(t.Context(), "write", write)
		if !errors.Is(err, cardreader.ErrOutcomeUnknown) || errors.Is(err, cardreader.ErrNotSent) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestBeforeAndQuiet(t *testing.T) {
	for _, cause := range []error{unknown, notSent, fmt.Errorf("read: %w", unknown)} {
		err := Before(cause)
		if !errors.Is(err, cardreader.ErrNotSent) || errors.Is(err, cardreader.ErrOutcomeUnknown) {
			t.Errorf("before of %v: %v", cause, err)
		}
	}
	if Before(nil) != nil {
		t.Error("no error became one")
	}
	bad := New(&script{t: t}).Bad("x", apdu.Response{SW: 0x6982}, 0)
	if q := Quiet(bad); errors.Is(q, cardreader.ErrOutcomeUnknown) || !errors.Is(q, apdu.ErrSecurity) || !strings.Contains(q.Error(), "6982") {
		t.Errorf("quiet: %v", q)
	}
}

func TestErrorsHoldNoByteOfTheCommand(t *testing.T) {
	raw := []byte{0x04, 0xD6, 0, 0, 2, 0xAB, 0xCD}
	for _, s := range []step{{raw, nil, unknown}, {raw, []byte{0x90}, nil}} {
		_, err := linkTo(t, s).Send(t.Context(), "write", write)
		if x := strings.ToLower(fmt.Sprintf("%v %+v", err, err)); strings.Contains(x, "abcd") || strings.Contains(x, "ab cd") {
			t.Error(x)
		}
	}
}
