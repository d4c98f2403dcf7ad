package counter_test

import (
	"testing"

	"tally/counter"
)

const request1, request2 = "request-000000001", "request-000000002"

func TestSale(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	if d.Problem != nil || d.Account == nil || d.Account.Name != "王**" {
		t.Fatalf("desk %+v", d)
	}
	r, err := w.sell(d, request1, 120*m3)
	if err != nil {
		t.Fatal(err)
	}
	if r.No != 1 || r.Amount != 100*265+20*318 || r.Capitals != "叁佰贰拾捌元陆角整" || r.CardSeq != 1 || r.Operator != "Display chen" {
		t.Fatalf("receipt %+v", r)
	}
	d = w.desk(reader, func(d counter.Desk) bool { return d.Phase == counter.Ready })
	if d.Card.Order == nil || d.Card.Order.Qty != 12000 || d.Problem == nil || d.Problem.Code != counter.CodeNotSwiped {
		t.Fatalf("after the sale: %+v", d)
	}
}
