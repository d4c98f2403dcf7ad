package central

import (
	"encoding/json"
	"errors"
	"fmt"

	"tally/sync/contract"
)

// Verify reads a delivery. With an error nothing of the payload can be trusted and no record of it is acknowledged;
// only an envelope of an unknown version with a sound identity comes back as a batch of nacks beside its error.
func Verify(d contract.Delivery) (Batch, *contract.Invalid) {
	topic, err := contract.ParseTopic(d.Topic)
	if err != nil || topic.Kind != contract.KindUp {
		return Batch{}, &contract.Invalid{Code: contract.CodeBadEnvelope, Where: "topic", Why: "not one that nodes deliver on"}
	}
	e, err := contract.Open(d.Payload)
	var bad *contract.Invalid
	if err != nil && !errors.As(err, &bad) {
		bad = &contract.Invalid{Code: contract.CodeBadEnvelope, Where: "$", Why: err.Error()}
	}
	if bad != nil && e.Node == "" {
		return Batch{}, bad
	}
	if e.Node != topic.Node || e.Stream != topic.Stream {
		return Batch{}, &contract.Invalid{
			Code: contract.CodeWrongNode, Where: "node", Why: fmt.Sprintf("%s/%s on the topic of %s/%s", e.Node, e.Stream, topic.Node, topic.Stream),
		}
	}
	b := Batch{Node: e.Node, Epoch: e.Epoch, Stream: e.Stream, Items: make([]Item, e.N)}
	for i := range b.Items {
		seq := e.Seq0 + uint64(i)
		if bad != nil {
			b.Items[i] = Item{Seq: seq, Nack: nack(seq, bad)}
			continue
		}
		b.Items[i] = verifyItem(e, i)
	}
	return b, bad
}

func nack(seq uint64, bad *contract.Invalid) *contract.Nack {
	return &contract.Nack{Seq: seq, Code: bad.Code, Text: bad.Where + ": " + bad.Why}
}

func verifyItem(e contract.Envelope, i int) Item {
	it := Item{Seq: e.Seq0 + uint64(i), Raw: e.Records[i]}
	r, err := e.Record(i)
	if err == nil {
		it.Record = r
		it.Fact, err = fact(e.Stream, r)
	}
	var bad *contract.Invalid
	if errors.As(err, &bad) {
		it.Nack = nack(it.Seq, bad)
	}
	return it
}

// fact reads the body of the types that have tables of their own. Types that this version does not know are stored
// all the same, with nothing but their bytes.
func fact(s contract.Stream, r contract.Record) (any, error) {
	read, known := facts[s][r.Type]
	if !known {
		return nil, nil
	}
	return read(r)
}

var facts = map[contract.Stream]map[string]func(contract.Record) (any, error){
	contract.Tx: {
		contract.TypeSale: body[contract.Sale], contract.TypeSaleVoid: body[contract.Sale],
		contract.TypeRefund: body[contract.Sale], contract.TypeRefundVoid: body[contract.Sale],
		contract.TypeMakeUp: body[contract.Sale], contract.TypeMakeUpVoid: body[contract.Sale],
		contract.TypeCardIssue: body[contract.CardOperation], contract.TypeCardReissue: body[contract.CardOperation],
		contract.TypeMeterChange: body[contract.CardOperation], contract.TypeCardRetired: body[contract.CardOperation],
		contract.TypeCardIssueVoid: body[contract.CardOperation], contract.TypeCardReissueVoid: body[contract.CardOperation],
		contract.TypeMeterChangeVoid: body[contract.CardOperation], contract.TypeCardRetiredVoid: body[contract.CardOperation],
		contract.TypeCardTariff: body[contract.CardOperation], contract.TypeCardTariffVoid: body[contract.CardOperation],
		contract.TypeOrderInDoubt: body[contract.OrderInDoubt], contract.TypeOrderWitnessed: body[contract.OrderWitnessed],
		contract.TypeOrderWanted: body[contract.HandOver], contract.TypeOrderGiven: body[contract.HandOver], contract.TypeOrderReturned: body[contract.HandOver],
		contract.TypeOrderRuled: body[contract.OrderRuled],
	},
	contract.Ev: {
		contract.TypeReadingsLost: lost, contract.TypeStatement: body[contract.Statement],
		contract.TypeCommandResult: body[contract.CommandResult], contract.TypeAuditHeads: body[contract.AuditHeads],
		contract.TypeSaleLock: body[contract.SaleLock], contract.TypeSaleUnlock: body[contract.SaleLock],
		contract.TypeCardLost: body[contract.CardReport], contract.TypeCardFound: body[contract.CardReport],
	},
	contract.Rd: {contract.TypeReading: body[contract.Reading], contract.TypeReadingFailed: body[contract.ReadingFailed]},
}

func body[T any](r contract.Record) (any, error) {
	v := new(T)
	if err := json.Unmarshal(r.Body, v); err != nil {
		return nil, &contract.Invalid{Code: contract.CodeBadRecord, Where: "body", Why: "not the body of a " + r.Type}
	}
	if bad := implausible(v); bad != nil {
		return nil, bad
	}
	return v, nil
}

func lost(r contract.Record) (any, error) {
	v := new(contract.ReadingsLost)
	if json.Unmarshal(r.Body, v) != nil || v.First == 0 || v.Last < v.First || v.Last > contract.MaxSeq {
		return nil, &contract.Invalid{Code: contract.CodeBadRecord, Where: "body", Why: "not a range"}
	}
	return v, nil
}
