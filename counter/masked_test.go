package counter_test

import (
	"encoding/json"
	"testing"
)

// Promise 10: what a desk, a receipt and a search show of a customer is masked.
func TestPromise10CustomersAreMasked(t *testing.T) {
	w := newWorld(t)
	d := w.insert(wang)
	r, err := w.sell(d, request1, 10*m3)
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.svc.Search(bg, w.clerk, "100001", 5)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v %v", found, err)
	}
	again, err := w.svc.Receipt(bg, w.clerk, r.Order, true)
	if err != nil {
		t.Fatal(err)
	}
	for what, shown := range map[string]any{"desk": d, "desks": w.svc.Desks(), "receipt": r, "reprint": again, "search": found} {
		raw, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		w.noSecretIn(string(raw))
		if t.Failed() {
			t.Fatalf("%s: %s", what, raw)
		}
	}
	if d.Account == nil || d.Account.Name != "王**" || d.Account.Phone != "138****5678" || r.Account.Name != "王**" {
		t.Errorf("desk %+v, receipt %+v", d.Account, r.Account)
	}
}
