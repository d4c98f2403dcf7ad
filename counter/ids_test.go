package counter

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

func TestIDsSortByTimeWhateverTheClockDoes(t *testing.T) {
	var m idMaker
	m.init(rand.Reader, 7)
	now := time.UnixMilli(1_800_000_000_000)
	last := ""
	for i := range 70_000 { // more than one millisecond's counter holds
		if i%1000 == 999 {
			now = now.Add(-time.Hour)
		}
		id, err := m.next(now)
		if err != nil || len(id) != 32 || id <= last {
			t.Fatalf("id %d: %q after %q, %v", i, id, last, err)
		}
		last = id
	}
	later, err := m.next(time.UnixMilli(1_900_000_000_000))
	if err != nil || later <= last || later[16:20] != "0007" {
		t.Errorf("%q after %q, %v", later, last, err)
	}
	m.init(bytes.NewReader(nil), 7)
	if _, err := m.next(now); err == nil {
		t.Error("an id without chance")
	}
}

func TestTagOf(t *testing.T) {
	if TagOf("a") != [3]byte{0xca, 0x97, 0x81} { // SHA-256("a") begins with these
		t.Errorf("%x", TagOf("a"))
	}
}

func TestWatchersCoalesceAndNeverBlock(t *testing.T) {
	var w watchers
	w.init()
	a, cancelA := w.subscribe()
	b, cancelB := w.subscribe()
	for range 10 {
		w.changed()
	}
	<-a
	<-b
	select {
	case <-a:
		t.Error("ten changes woke twice")
	default:
	}
	cancelA()
	cancelA()
	w.changed()
	<-b
	select {
	case <-a:
		t.Error("woken after the end")
	default:
	}
	cancelB()
	if len(w.subs) != 0 {
		t.Error("a subscription is left")
	}
}

func TestJournalOf(t *testing.T) {
	if got := journalOf("0193a1b2c3d40001000a0102030405ff"); got != [8]byte{0x01, 0x93, 0xA1, 0xB2, 0xC3, 0xD4, 0x00, 0x01} {
		t.Errorf("%x", got)
	}
	if journalOf("") != [8]byte{} || journalOf("not hex at all, but long") != [8]byte{} {
		t.Error("an id of another make became a number")
	}
}
