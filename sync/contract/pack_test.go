package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// fleet makes what a concentrator sends in one envelope: hourly readings of many meters, with values and pauses as
// irregular as real ones. With raw, each carries the answer's bytes too.
func fleet(n int, raw bool) []json.RawMessage {
	rng := rand.New(rand.NewPCG(1, 2))
	boot := exampleTime.Add(-37 * time.Hour)
	at := exampleTime
	var out []json.RawMessage
	prev := ""
	for i := range n {
		at = at.Add(time.Duration(120+rng.IntN(90)) * time.Millisecond)
		value := rng.IntN(9_999_999)
		body := Reading{
			Meter: fmt.Sprintf("2103%08d", i*3+rng.IntN(3)), At: At(at), Line: "riser-2",
			Values: []Value{{"volume", fmt.Sprintf("%d.%02d", value/100, value%100), "m3"}},
		}
		if raw {
			body.Raw = fmt.Sprintf("fe68103412%012x81161f90%08x2c%08x2cff%02x16", rng.Uint64N(1<<48), value, rng.IntN(10000), rng.IntN(256))
		}
		committed := at.Add(time.Duration(rng.IntN(900)) * time.Millisecond)
		r := Record{
			Seq: uint64(1000 + i), ID: body.Meter, Type: TypeReading, At: At(committed), Mono: committed.Sub(boot).Milliseconds(),
			Boot: "0195f3c2a7b84d0e9b1e", Clock: "ok", Prev: prev,
		}
		if prev == "" {
			r.Prev = Hash(nil)
		}
		r.Body, _ = json.Marshal(body)
		rec, err := MarshalRecord(r)
		if err != nil {
			panic(err)
		}
		out, prev = append(out, rec), Hash(rec)
	}
	return out
}

func TestCompactGivesBackTheBytes(t *testing.T) {
	mixed := fleet(6, true)
	for i, e := range exampleRecords {
		mixed = append(mixed, mustRecord(e, uint64(i+2), Hash(mixed[len(mixed)-1])))
	}
	odd := []json.RawMessage{
		json.RawMessage(`{"seq":-0,"a":[1e5,1.50,-7,"x\"y",""],"b":{},"c":null,"d":"00.10","e":"007"}`),
		json.RawMessage(`{"seq":9223372036854775807,"a":[-9223372036854775808,1,2,"é","abc"],"b":{},"c":true,"d":"1.","e":".5"}`),
		json.RawMessage(`{"k" : "v" , "t":"2026-11-21T06:00:00.000Z"}`),
	}
	for name, recs := range map[string][]json.RawMessage{
		"one": fleet(1, false), "fleet": fleet(150, false), "with raw": fleet(150, true), "mixed": mixed, "odd": odd,
		"sales": chainOf(Tx, 20), "not chained": {chainOf(Rd, 3)[2], chainOf(Rd, 3)[0]},
	} {
		payload, err := SealCompact(exampleHead(Rd), recs)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.HasPrefix(payload, compactMark) {
			t.Errorf("%s: was sealed as JSON", name)
		}
		e, err := Open(payload)
		if err != nil || e.Enc != EncColumns || e.N != len(recs) || !e.SentAt.Equal(exampleTime) {
			t.Fatalf("%s: %+v %v", name, e, err)
		}
		for i := range recs {
			if !bytes.Equal(recs[i], e.Records[i]) {
				t.Errorf("%s: record %d\n got %s\nwant %s", name, i, e.Records[i], recs[i])
			}
		}
	}
}

func TestWhatCompactWouldChangeIsSentAsJSON(t *testing.T) {
	recs := []json.RawMessage{json.RawMessage("{\"a\":\"\xff\"}")} // not UTF-8, so not a text of CBOR
	payload, err := SealCompact(exampleHead(Rd), recs)
	if err != nil || payload[0] != '{' || !bytes.Contains(payload, recs[0]) {
		t.Errorf("%q %v", payload, err)
	}
}

// The size of a reading on the wire, envelope and all, is a promise to those who pay for the radio.
func TestCompactReadingsAreSmall(t *testing.T) {
	for _, tc := range []struct {
		raw  bool
		most float64
	}{{false, 16}, {true, 34}} {
		recs := fleet(150, tc.raw)
		compact, err := SealCompact(exampleHead(Rd), recs)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Seal(exampleHead(Rd), recs)
		if err != nil {
			t.Fatal(err)
		}
		per := float64(len(compact)) / float64(len(recs))
		t.Logf("raw answers %v: %.1f bytes a reading, JSON %.1f", tc.raw, per, float64(len(plain))/float64(len(recs)))
		if per > tc.most {
			t.Errorf("%.1f bytes a reading, at most %.0f", per, tc.most)
		}
	}
}

func TestOpenCompactRefuses(t *testing.T) {
	good, err := SealCompact(exampleHead(Rd), fleet(20, true))
	if err != nil {
		t.Fatal(err)
	}
	for i := range good { // cut anywhere
		if _, err := Open(good[:i]); err == nil {
			t.Fatalf("cut at %d of %d: accepted", i, len(good))
		}
	}
	for i := range good { // flipped anywhere but in what the hash does not cover
		b := bytes.Clone(good)
		b[i] ^= 1
		e, err := Open(b)
		if err == nil && sumOf(e.Records) != sumOf(fleet(20, true)) {
			t.Fatalf("flipped at %d: other records were accepted", i)
		}
	}
	if e, err := Open(bytes.Replace(good, append(bytes.Clone(compactMark), 0x8c, 1), append(bytes.Clone(compactMark), 0x8c, 2), 1)); codeOf(err) != CodeBadVersion || e.Node != "hall-1" || e.N != 20 {
		t.Errorf("another version: %+v %v", e, err)
	}
}

func TestABombIsNotUnpacked(t *testing.T) {
	b := cborHead(bytes.Clone(compactMark), cborArray, 12)
	b = cborString(cborString(cborString(cborInt(b, 1), "n"), "e"), "rd")
	b = cborInt(cborString(cborInt(cborInt(b, 1), 1), "b"), 1)
	b = cborBlob(cborBlob(cborString(cborString(b, "ok"), EncColumns), make([]byte, 32)), deflate(make([]byte, 50<<20)))
	if _, err := Open(b); codeOf(err) != CodeBadEnvelope || whereOf(err) != "records" {
		t.Error(err)
	}
}

func FuzzOpenCompact(f *testing.F) {
	for _, recs := range [][]json.RawMessage{fleet(3, true), chainOf(Rd, 4)} {
		f.Add(packColumns(recs))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		recs, err := unpackColumns(packed, MaxRdRecords, MaxRdBytes)
		if err != nil {
			return
		}
		size := 0
		for _, r := range recs {
			size += len(r)
			if !json.Valid(r) {
				return
			}
		}
		if size > MaxRdBytes || len(recs) > MaxRdRecords {
			t.Fatalf("%d records of %d bytes", len(recs), size)
		}
		back, err := unpackColumns(packColumns(recs), MaxRdRecords, MaxRdBytes)
		if err == nil && sumOf(back) != sumOf(recs) {
			t.Fatal("packed again, it is something else")
		}
	})
}

func FuzzCompactEnvelope(f *testing.F) {
	good, err := SealCompact(exampleHead(Rd), fleet(3, false))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := Open(append(bytes.Clone(compactMark), payload...))
		if err == nil && sumOf(e.Records) != e.SHA256 {
			t.Fatal("accepted without its hash")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	recs := fleet(150, false)
	for name, seal := range map[string]func(Envelope, []json.RawMessage) ([]byte, error){"json": Seal, "columns": SealCompact} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := seal(exampleHead(Rd), recs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*150/b.Elapsed().Seconds(), "rec/s")
		})
	}
}
