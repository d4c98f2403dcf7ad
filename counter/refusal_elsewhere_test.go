package counter_test

import (
	"time"

	"tally/counter"
	"tally/sync/contract"
)

// doubtOfAnother is an order of another counter in doubt, which nobody here can judge.
func doubtOfAnother(version uint64, order string) counter.AccountDelta {
	return counter.AccountDelta{Account: "100001", Version: version, Doubts: []contract.OpenDoubt{{Doubt: contract.OrderInDoubt{
		Order: order, Op: "buy", Account: "100001", Region: region, Card: wang.No, CardSeq: 1, CardTag: "0a0b0c", Station: "H09",
		IntentAt: contract.At(time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)), Why: counter.WhyRestart,
	}}}}
}

// elsewhereRefusals provoke the codes about orders that two counters see.
var elsewhereRefusals = map[string]func(w *world) error{
	counter.CodeOpenElsewhere: func(w *world) error {
		w.absorb(doubtOfAnother(1, "of-hall-9"))
		return w.buy(m3)
	},
	counter.CodeHandedOver: func(w *world) error {
		o := w.doubt()
		w.wanted(o, 1, "want-1")
		w.insert(wang)
		return w.svc.Void(bg, w.clerk, o.ID)
	},
}

// wanted lets another counter ask for an order in doubt.
func (w *world) wanted(o counter.Order, version uint64, want string) {
	w.t.Helper()
	d := doubtOfAnother(version, o.ID)
	d.Doubts[0].Wanted = []contract.HandOver{{Order: o.ID, Account: "100001", Want: want, Station: "H09"}}
	w.absorb(d)
}
