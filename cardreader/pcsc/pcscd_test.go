//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"tally/cardreader"
	"tally/cardreader/cardsim"
	"tally/cardreader/cardtest"
	"tally/cardreader/pcsc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a real pcscd with a virtual reader.
type bench struct {
	src   *pcsc.Source
	name  string
	hand  *cardtest.Hand
	pcscd *cardtest.PCSCD
	lying *cardsim.Device // the card that stays in an unplugged reader
}

func (b bench) Source() cardreader.Source { return b.src }
func (b bench) Reader() string            { return b.name }
func (b bench) Remove() error             { return b.hand.Remove() }

func (b bench) Insert(d cardsim.Device) error {
	*b.lying = d
	return b.hand.Insert(d)
}

// Unplug: a virtual reader goes only with its service, which the Source must not tell apart.
func (b bench) Unplug() error {
	b.pcscd.Kill()
	_ = b.hand.Remove() // whose driver has just died
	return nil
}

func (b bench) Plug() error {
	b.pcscd.Start()
	return b.hand.Insert(*b.lying)
}

func newBench(t *testing.T, p *cardtest.PCSCD, o pcsc.Options) bench {
	t.Helper()
	r := p.Readers[0]
	return bench{pcsc.New(o), r.Name, cardtest.NewHand(t, r.Addr), p, new(cardsim.Device)}
}

func TestConformance(t *testing.T) {
	cardtest.Run(t, func(t *testing.T) cardtest.Bench {
		return newBench(t, cardtest.StartPCSCD(t), pcsc.Options{Retry: 20 * time.Millisecond})
	})
}
