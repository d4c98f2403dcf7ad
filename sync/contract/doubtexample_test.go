package contract

import (
	"encoding/json"
	"time"
)

var exampleOpenOrder = OrderInDoubt{
	Order: "o-01JD7", Op: "buy", Account: "00010001", Region: 3301, Card: "0000112233", CardIssue: 2, CardSeq: 13, CardTag: "77c0aa", CardCum: 4620,
	CardQty: 500, CardUnit: "0.1m3", VolumeL: 50_000, Period: "2026-01-01", Price: 34_500, Tier: 2, IntentAt: At(exampleTime.Add(-time.Minute)),
	Station: "hall-1", Why: "card_removed", Plan: json.RawMessage(`{"before":"a2131091","after":"a2131092"}`),
}

var exampleWitness = OrderWitnessed{
	Order: "o-01JD7", Account: "00010001", Region: 3301, Card: "0000112233", CardIssue: 2, CardSeq: 13, CardTag: "77c0aa", CardCum: 4620, CardQty: 500,
	CardUnit: "0.1m3", Station: "hall-2", Wrote: "o-01JE2", Operator: "sun", Image: "a2131092",
}

var exampleWant = HandOver{Order: "o-01JD7", Account: "00010001", Want: "o-01JE2", Station: "hall-2", Operator: "sun"}

var exampleRuling = Ruling{Do: RuleGiven, Want: "o-01JE2", Station: "hall-2", By: "li", Because: "hall-1 burnt down", At: At(exampleTime)}

var exampleRuled = OrderRuled{
	Order: "o-01JD7", Account: "00010001", Do: RuleGiven, Want: "o-01JE2", RuledAt: At(exampleTime), State: "void", EndAt: exampleRuling.ended(),
	Why: "card_removed", Operator: "chen", Station: "hall-1", VolumeL: 50_000, AmountFen: 17_250,
}

func (r Ruling) ended() *Time {
	t := At(r.At.Add(-time.Second))
	return &t
}

func doubtExamples() []exampleRecord {
	given := exampleWant
	given.Operator = ""
	return []exampleRecord{
		{TypeOrderInDoubt, Tx, TypeOrderInDoubt, "o-01JD7", exampleOpenOrder}, {TypeOrderWitnessed, Tx, TypeOrderWitnessed, "o-01JD7", exampleWitness},
		{TypeOrderWanted, Tx, TypeOrderWanted, "o-01JD7", exampleWant}, {TypeOrderGiven, Tx, TypeOrderGiven, "o-01JD7", given},
		{TypeOrderReturned, Tx, TypeOrderReturned, "o-01JD7", exampleWant},
		{TypeOrderRuled, Tx, TypeOrderRuled, "o-01JD7", exampleRuled},
	}
}
