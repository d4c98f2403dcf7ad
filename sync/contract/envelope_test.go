package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func sealed(t testing.TB, stream Stream, n int) []byte {
	t.Helper()
	payload, err := Seal(exampleHead(stream), chainOf(stream, n))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestRecordsKeepTheirBytes(t *testing.T) {
	// Order of fields, escapes, spaces: whatever was hashed on the node must come out again.
	raw := json.RawMessage(`{"seq":1, "id":"a<b","type":"x","at":"2026-11-21T06:00:00Z","mono":1,"boot":"b","clock":"ok","prev":"","body":{"t":"\u5149<&>"},"new":1}`)
	payload, err := Seal(exampleHead(Ev), []json.RawMessage{raw})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(payload)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(e.Records[0], raw) {
		t.Errorf("got  %s\nwant %s", e.Records[0], raw)
	}
	if _, err := e.Record(0); err != nil {
		t.Errorf("unknown fields must be ignored: %v", err)
	}
}

func TestFullEnvelopesFitTheirLimits(t *testing.T) {
	for _, s := range Streams {
		e, err := Open(sealed(t, s, s.Limits().Records/2))
		if err != nil || e.N != s.Limits().Records/2 {
			t.Errorf("%s: %d records, %v", s, e.N, err)
		}
		if _, err := Seal(exampleHead(s), chainOf(s, s.Limits().Records+1)); codeOf(err) != CodeTooLarge {
			t.Errorf("%s: one record too many: %v", s, err)
		}
	}
}

func codeOf(err error) string {
	var bad *Invalid
	if errors.As(err, &bad) {
		return bad.Code
	}
	return fmt.Sprint(err)
}

func whereOf(err error) string {
	var bad *Invalid
	if errors.As(err, &bad) {
		return bad.Where
	}
	return ""
}

func TestOpenRefuses(t *testing.T) {
	good := string(sealed(t, Tx, 2))
	for _, tc := range []struct{ name, payload, code, where string }{
		{"nothing", "", CodeBadEnvelope, "v"},
		{"not JSON", good[:len(good)-1], CodeBadEnvelope, "v"},
		{"an array", "[1]", CodeBadEnvelope, "v"},
		{"space around", " " + good, CodeBadEnvelope, "$"},
		{"a line break", strings.Replace(good, `,"node"`, ",\n\"node\"", 1), CodeBadEnvelope, "$"},
		{"another version", strings.Replace(good, `"v":1`, `"v":2`, 1), CodeBadVersion, "v"},
		{"a field twice", strings.Replace(good, `"n":2`, `"n":2,"n":2`, 1), CodeBadEnvelope, "n"},
		{"a field in capitals", strings.Replace(good, `"n":2`, `"n":2,"SEQ0":9`, 1), CodeBadEnvelope, "$"},
		{"wrong type", strings.Replace(good, `"n":2`, `"n":"2"`, 1), CodeBadEnvelope, "$"},
		{"node", strings.Replace(good, `"node":"hall-1"`, `"node":"hall/1"`, 1), CodeBadEnvelope, "node"},
		{"epoch", strings.Replace(good, `"epoch":"e-20261101"`, `"epoch":""`, 1), CodeBadEnvelope, "epoch"},
		{"stream", strings.Replace(good, `"stream":"tx"`, `"stream":"zz"`, 1), CodeBadEnvelope, "stream"},
		{"seq0 zero", strings.Replace(good, `"seq0":1`, `"seq0":0`, 1), CodeBadEnvelope, "seq0"},
		{"seq0 huge", strings.Replace(good, `"seq0":1`, `"seq0":9007199254740991`, 1), CodeBadEnvelope, "seq0"},
		{"n", strings.Replace(good, `"n":2`, `"n":3`, 1), CodeBadEnvelope, "n"},
		{"n zero", strings.Replace(good, `"n":2`, `"n":0`, 1), CodeBadEnvelope, "n"},
		{"n over the limit", strings.Replace(good, `"n":2`, `"n":51`, 1), CodeTooLarge, "n"},
		{"enc", strings.Replace(good, `"enc":"json"`, `"enc":"xml"`, 1), CodeBadEnvelope, "enc"},
		{"a flipped record", strings.Replace(good, `"volume_l":50000`, `"volume_l":50001`, 1), CodeBadEnvelope, "sha256"},
		{"bytes", strings.Replace(good, `"n":2`, `"n":2,"pad":"`+strings.Repeat("x", 200<<10)+`"`, 1), CodeTooLarge, "$"},
		{"bytes of its stream", strings.Replace(good, `"n":2`, `"n":2,"pad":"`+strings.Repeat("x", 40<<10)+`"`, 1), CodeTooLarge, "$"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open([]byte(tc.payload))
			if codeOf(err) != tc.code || whereOf(err) != tc.where {
				t.Errorf("got %v, want %s at %s", err, tc.code, tc.where)
			}
		})
	}
}

func TestAnUnknownVersionKeepsItsIdentity(t *testing.T) {
	payload := strings.Replace(string(sealed(t, Tx, 2)), `"v":1`, `"v":9`, 1)
	e, err := Open([]byte(payload))
	if codeOf(err) != CodeBadVersion || e.Node != "hall-1" || e.Stream != Tx || e.Seq0 != 1 || e.N != 2 {
		t.Errorf("%+v %v", e, err)
	}
	e, err = Open([]byte(`{"v":9,"node":"../x","n":1000000}`))
	if codeOf(err) != CodeBadVersion || e.Node != "" {
		t.Errorf("an unsound identity must not come out: %+v %v", e, err)
	}
}

func TestABadRecordLeavesItsNeighbours(t *testing.T) {
	recs := chainOf(Tx, 3)
	recs[1] = json.RawMessage(`{"seq":2}`)
	payload, err := Seal(exampleHead(Tx), recs)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(payload)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"<nil>", CodeBadRecord, "<nil>"} {
		if _, err := e.Record(i); codeOf(err) != want {
			t.Errorf("record %d: %v, want %s", i, err, want)
		}
	}
	if _, err := e.Record(1); whereOf(err) != "records[1].id" {
		t.Errorf("found at %q", whereOf(err))
	}
}

func TestARecordStandsWhereItsEnvelopeSays(t *testing.T) {
	head := exampleHead(Tx)
	head.Seq0 = 2
	payload, err := Seal(head, chainOf(Tx, 1))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(payload)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Record(0); codeOf(err) != CodeBadRecord || whereOf(err) != "records[0].seq" {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sealed(f, Tx, 2))
	f.Add(sealed(f, Rd, 5))
	f.Add([]byte(`{"v":2,"node":"n","epoch":"e","stream":"tx","seq0":1,"n":1}`))
	f.Add([]byte(`{"v":1,"records":[null,1,{}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := Open(payload)
		if err != nil {
			return
		}
		for i := range e.Records {
			_, _ = e.Record(i)
		}
		again, err := Seal(e, e.Records)
		if err != nil { // what Open lets through as raw need not be an object; Record refuses it
			return
		}
		e2, err := Open(again)
		if err != nil || e2.SHA256 != e.SHA256 || e2.Seq0 != e.Seq0 {
			t.Fatalf("sealed again: %v", err)
		}
	})
}
