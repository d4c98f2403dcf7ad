package contract

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseRecordRefuses(t *testing.T) {
	good := string(mustRecord(exampleRecords[0], 2, Hash(nil)))
	if _, err := ParseRecord([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, raw, code, where string }{
		{"null", "null", CodeBadRecord, "$"},
		{"seq", strings.Replace(good, `"seq":2`, `"seq":0`, 1), CodeBadRecord, "seq"},
		{"seq negative", strings.Replace(good, `"seq":2`, `"seq":-1`, 1), CodeBadRecord, "$"},
		{"seq twice", strings.Replace(good, `"seq":2`, `"seq":2,"seq":3`, 1), CodeBadRecord, "seq"},
		{"id", strings.Replace(good, `"id":"o-01JD6"`, `"id":""`, 1), CodeBadRecord, "id"},
		{"type", strings.Replace(good, `"type":"sale"`, `"type":"sa le"`, 1), CodeBadRecord, "type"},
		{"at", strings.Replace(good, `"at":"2026-11-21T06:00:00.250Z",`, ``, 1), CodeBadRecord, "at"},
		{"at not a time", strings.Replace(good, `"at":"2026-11-21T06:00:00.250Z",`, `"at":"noon",`, 1), CodeBadRecord, "$"},
		{"mono", strings.Replace(good, `"mono":`, `"mono":-`, 1), CodeBadRecord, "mono"},
		{"boot", strings.Replace(good, `"boot":"boot-7"`, `"boot":""`, 1), CodeBadRecord, "boot"},
		{"clock", strings.Replace(good, `"clock":"ok"`, `"clock":""`, 1), CodeBadRecord, "clock"},
		{"prev missing", strings.Replace(good, Hash(nil), "", 1), CodeBadRecord, "prev"},
		{"prev at one", strings.Replace(good, `"seq":2`, `"seq":1`, 1), CodeBadRecord, "prev"},
		{"prev in capitals", strings.Replace(good, Hash(nil), strings.ToUpper(Hash(nil)), 1), CodeBadRecord, "prev"},
		{"body", strings.Replace(good, `"body":{`, `"body":3,"x":{`, 1), CodeBadRecord, "body"},
		{"size", strings.Replace(good, `"body":{`, `"x":"`+strings.Repeat("x", MaxRecord)+`","body":{`, 1), CodeTooLarge, "record"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.raw == good {
				t.Fatal("the case changes nothing")
			}
			_, err := ParseRecord([]byte(tc.raw))
			if codeOf(err) != tc.code || whereOf(err) != tc.where {
				t.Errorf("got %v, want %s at %s", err, tc.code, tc.where)
			}
		})
	}
}

func TestErrorsDoNotRepeatContent(t *testing.T) {
	_, err := ParseRecord([]byte(`{"seq":"13800001111"}`))
	if err == nil || strings.Contains(err.Error(), "1380") {
		t.Error(err)
	}
}

func TestTheChainShowsAMissingOrChangedRecord(t *testing.T) {
	recs := chainOf(Tx, 3)
	parse := func(i int) Record {
		r, err := ParseRecord(recs[i])
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := CheckChain(nil, parse(0)); err != nil {
		t.Error(err)
	}
	if err := CheckChain(recs[1], parse(2)); err != nil {
		t.Error(err)
	}
	if err := CheckChain(recs[0], parse(2)); err == nil {
		t.Error("a record was left out and the chain does not show it")
	}
	if err := CheckChain(bytes.Replace(recs[1], []byte("50000"), []byte("50001"), 1), parse(2)); err == nil {
		t.Error("a record was changed and the chain does not show it")
	}
}

func TestTimesAreCutToMillisecondsInUTC(t *testing.T) {
	at := At(time.Date(2026, 11, 21, 14, 0, 0, 1_999_999, time.FixedZone("CST", 8*3600)))
	raw, err := json.Marshal(at)
	if err != nil || string(raw) != `"2026-11-21T06:00:00.001Z"` {
		t.Errorf("%s %v", raw, err)
	}
	var back Time
	if err := json.Unmarshal(raw, &back); err != nil || !back.Equal(at.Time) {
		t.Error(back, err)
	}
}

func FuzzParseRecord(f *testing.F) {
	for i, e := range exampleRecords {
		f.Add([]byte(mustRecord(e, uint64(i+2), Hash([]byte{byte(i)}))))
	}
	f.Add([]byte(`{"seq":1,"SEQ":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseRecord(raw)
		if err != nil {
			return
		}
		again, err := MarshalRecord(r)
		if err != nil {
			t.Skip(err) // re-escaping may grow a record beyond its limit
		}
		r2, err := ParseRecord(again)
		if err != nil || r2.Seq != r.Seq || r2.ID != r.ID || !r2.At.Equal(r.At.Time) || r2.Prev != r.Prev {
			t.Fatalf("%+v\n%+v\n%v", r, r2, err)
		}
	})
}
