package contract

import (
	"encoding/json"
	"time"
)

// The examples below are the golden files of testdata: one per type of record, chained, and one per message.

var exampleTime = time.Date(2026, 11, 21, 6, 0, 0, 250e6, time.UTC)

type exampleRecord struct {
	name   string
	stream Stream
	typ    string
	id     string
	body   any
}

var exampleSale = Sale{
	Order: "o-01JD6", Account: "00010001", Region: 3301, Card: "0000112233", Meter: "G4-7788", Operator: "wang",
	Station: "hall-1", Receipt: 17, VolumeL: 50_000, AmountFen: 13_850, Currency: "CNY",
	Tiers: []TierLine{
		{Tier: 1, VolumeL: 40_000, Price: 26_000, AmountFen: 10_400},
		{Tier: 2, VolumeL: 10_000, Price: 34_500, AmountFen: 3_450},
	},
	CardSeq: 12, CardTag: "9f3a01", CardCum: 4120, CardUnit: "0.1m3", IntentAt: At(exampleTime.Add(-3 * time.Second)),
	CardIssue: 2, CardQty: 500, Period: "2026-01-01",
}

var firstExamples = []exampleRecord{
	{"sale", Tx, TypeSale, "o-01JD6", exampleSale},
	{"sale_void", Tx, TypeSaleVoid, "o-01JD7", voided(exampleSale)},
	{"card_in_doubt", Ev, TypeCardInDoubt, "o-01JD7", exampleDoubt},
	{"quarantine", Ev, TypeQuarantine, "o-01JD7", exampleDoubt},
	{"node_started", Ev, TypeNodeStarted, "boot-7", NodeStarted{Version: "1.0.0", Boot: "boot-7", Clean: true, Key: Hash([]byte("key"))}},
	{"readings_lost", Ev, TypeReadingsLost, "rd/11-20", ReadingsLost{First: 11, Last: 20, Why: "disk_full"}},
	{"statement", Ev, TypeStatement, "2026-11-20", Statement{
		From: At(exampleTime.Add(-24 * time.Hour)), To: At(exampleTime), Sales: 31, VolumeL: 1_500_000, AmountFen: 410_000,
		Heads: []Head{{Tx, 120, Hash([]byte("tx"))}, {Rd, 90_210, Hash([]byte("rd"))}},
	}},
	{"reading", Rd, TypeReading, "00112233", Reading{
		Meter: "00112233", At: At(exampleTime), Line: "riser-2", Quality: []string{"clock_unsure"}, Raw: "0103040001e240",
		Values: []Value{{"volume", "1234.56", "m3"}, {"battery", "3.61", "V"}},
	}},
	{"reading_failed", Rd, TypeReadingFailed, "00112234", ReadingFailed{
		Meter: "00112234", At: At(exampleTime), Line: "riser-2", Code: "no_answer", Text: "no answer within 1 s, 3 tries",
	}},
	{"command_result", Ev, TypeCommandResult, "c-0195", CommandResult{
		Command: "c-0195", Counter: 41, Type: CommandReadNow, Outcome: Done, Result: json.RawMessage(`{"read":1}`),
	}},
	{"meter_event", Ev, TypeMeterEvent, "00112233/leak/20261120T040000Z", exampleMeterEvent},
	{"line_event", Ev, TypeLineEvent, "riser-2/20261121T050000Z", exampleLineEvent},
	{"meter_day", Ev, TypeMeterDay, "00990001/2026-11-20", exampleMeterDay},
}

var exampleDoubt = CardInDoubt{
	Order: "o-01JD7", Account: "00010001", Region: 3301, Card: "0000112233", CardSeq: 13, CardTag: "77c0", Why: "pulled",
}

func voided(s Sale) Sale {
	s.Order, s.Receipt, s.WasInDoubt = "o-01JD7", 0, true
	return s
}

// chainOf makes n records of stream that continue each other from seq 1.
func chainOf(stream Stream, n int) []json.RawMessage {
	var out []json.RawMessage
	prev := ""
	for i := range n {
		e := firstExamples[0]
		if stream == Rd {
			e = firstExamples[7]
		}
		raw := mustRecord(e, uint64(i+1), prev)
		out, prev = append(out, raw), Hash(raw)
	}
	return out
}

func mustRecord(e exampleRecord, seq uint64, prev string) json.RawMessage {
	body, err := json.Marshal(e.body)
	if err != nil {
		panic(err)
	}
	raw, err := MarshalRecord(Record{
		Seq: seq, ID: e.id, Type: e.typ, At: At(exampleTime), Mono: 86_400_000, Boot: "boot-7", Clock: "ok", Prev: prev, Body: body,
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func exampleHead(stream Stream) Envelope {
	return Envelope{
		Node: "hall-1", Epoch: "e-20261101", Stream: stream, Seq0: 1, Boot: "boot-7", SentAt: At(exampleTime), Clock: "ok",
	}
}

var exampleAck = Ack{
	Epoch: "e-20261101", Ack: 120, Gaps: [][2]uint64{{123, 130}},
	Nacks: []Nack{{Seq: 118, Code: CodeBadRecord, Text: "at: missing"}},
}

var exampleStatus = Status{
	V: Version, Online: true, Session: "s-1", Boot: "boot-7", Version: "1.0.0", Epoch: "e-20261101", At: At(exampleTime),
	Clock: "ok", Streams: map[Stream]StreamStatus{Tx: {First: 1, Next: 121, Acked: 120}}, Region: 3301, Cfg: 8,
}
