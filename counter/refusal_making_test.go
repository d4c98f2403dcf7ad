package counter_test

import (
	"time"

	"tally/counter"
)

// restarted begins another process with other options.
func (w *world) restarted(change func(*counter.Options)) *world {
	w.stop()
	w.start(change)
	return w
}

// makingRefusals provoke the codes about the centre's word and about making cards.
var makingRefusals = map[string]func(w *world) error{
	counter.CodeStalePrices: func(w *world) error {
		return w.restarted(func(o *counter.Options) { o.MaxPriceAge = time.Hour }).buy(m3)
	},
	counter.CodeStaleLocks: func(w *world) error {
		return w.restarted(func(o *counter.Options) { o.MaxLockAge = time.Hour }).buy(m3)
	},
	counter.CodeArrears: func(w *world) error {
		w.change(func(a *counter.Account) { a.Arrears = 1234 })
		return w.restarted(func(o *counter.Options) { o.RefuseArrears = true }).buy(m3)
	},
	counter.CodeCardLost: func(w *world) error {
		w.change(func(a *counter.Account) { a.Lost = &counter.Mark{Reason: "丢失", By: "chen", At: w.clock()} })
		return w.buy(m3)
	},
}
