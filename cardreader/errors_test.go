package cardreader

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestErrorMatchesWhatItProves(t *testing.T) {
	for _, v := range []struct {
		e                       Error
		unknown, notSent, noCar bool
	}{
		{Error{}, true, false, false}, // the zero class assumes least
		{Error{Class: Unknown, Code: CodeCardRemoved}, true, false, false},
		{Error{Class: Operator, Code: CodeCardRemoved}, false, true, true},
		{Error{Class: Retry, Code: CodeCardBusy}, false, true, false},
		{Error{Class: Permanent, Code: CodeNotSupported}, false, true, false},
	} {
		err := fmt.Errorf("sale: %w", &v.e)
		got := [3]bool{errors.Is(err, ErrOutcomeUnknown), errors.Is(err, ErrNotSent), errors.Is(err, ErrNoCard)}
		if want := [3]bool{v.unknown, v.notSent, v.noCar}; got != want {
			t.Errorf("%v: matches unknown, not sent, no card %v; want %v", &v.e, got, want)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Class: Retry, Code: CodeCardBusy, Op: "open", Reader: "A\n<b>", Err: io.EOF}
	if s := e.Error(); s != `open on reader "A\n<b>": card_busy: EOF` {
		t.Error(s)
	}
	if !errors.Is(e, io.EOF) {
		t.Error("the cause is lost")
	}
	if s := (&Error{Op: "unlock", Code: CodePSCWrong}).Error(); s != "unlock: psc_wrong" {
		t.Error(s)
	}
}

func TestNames(t *testing.T) {
	for c, want := range map[Class]string{Unknown: "outcome_unknown", Retry: "retry", Operator: "operator", Permanent: "permanent", -1: "outcome_unknown"} {
		if c.String() != want {
			t.Errorf("class %d is %q", int(c), c)
		}
	}
	seen := map[string]bool{}
	for k := ReaderArrived; k <= CardRemoved; k++ {
		seen[k.String()] = true
	}
	if len(seen) != 4 || !strings.HasPrefix(Kind(0).String(), "unknown") {
		t.Errorf("kinds %v", seen)
	}
}
