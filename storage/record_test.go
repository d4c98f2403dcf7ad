package storage

import (
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/outbox"
)

// FuzzRecordIsWhatEncodingJSONMakes compares the bytes written by hand with those of a contract.Record.
func FuzzRecordIsWhatEncodingJSONMakes(f *testing.F) {
	f.Add(uint64(1), "o1", "sale", int64(1700000000123), int64(5), "b", "ok", "", "text")
	f.Add(uint64(1<<63), "a<b>&\"\\\n\u2028é\xff", "x\x7f", int64(-62135596800000), int64(-1), "\x00", "", "ff", "<\u2029>")
	f.Fuzz(func(t *testing.T, seq uint64, id, typ string, at, mono int64, boot, clock, prev, body string) {
		when := time.UnixMilli(at % (1 << 47)).UTC()
		by := stamper{
			now: func() time.Time { return when }, mono: func() time.Duration { return time.Duration(mono%(1<<40)) * time.Millisecond },
			boot: boot, clock: func() string { return clock },
		}
		enc, err := encode(outbox.Draft{Type: typ, ID: id, Body: body}, when)
		if err != nil {
			t.Fatal(err)
		}
		got, err := by.record(enc, streamState{Next: seq, Head: hex.EncodeToString([]byte(prev))})
		if err != nil {
			return // too large
		}
		want, err := json.Marshal(contract.Record{Seq: seq, ID: id, Type: typ, At: contract.At(when), Mono: mono % (1 << 40), Boot: boot,
			Clock: clock, Prev: hex.EncodeToString([]byte(prev)), Body: enc.body})
		if err != nil || string(got) != string(want) {
			t.Errorf("by hand    %s\nby package %s (%v)", got, want, err)
		}
	})
}
