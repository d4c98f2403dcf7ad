//go:build !nopcsc && linux && cgo

package pcsc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
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
	out   *int            // cards that were taken out so far
}

func (b bench) Source() cardreader.Source { return b.src }
func (b bench) Reader() string            { return b.name }

// Remove: after a fault the Source may know that the card is out before the service, which looks every 400 ms, has seen it.
// A card that is put in until then is none for the service, and so for nobody.
func (b bench) Remove() error {
	err := b.hand.Remove()
	*b.out++
	if s, ok := (*b.lying).(interface{ Fired() int }); ok && s.Fired() > 0 && err == nil {
		b.pcscd.AwaitRemovals(*b.out)
	}
	return err
}

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
	return bench{pcsc.New(o), r.Name, cardtest.NewHand(t, r.Addr), p, new(cardsim.Device), new(int)}
}

// chipEnv names the one kind of card that a process tries.
const chipEnv = "PCSC_TEST_CHIP"

// TestConformance is the whole suite with every kind of card through the real service. A process has one service and one
// or two readers, and most of the time is waiting for the service to look into them: so each kind gets a process.
func TestConformance(t *testing.T) {
	t.Parallel() // with the tests of this process that take turns at its service
	only, chosen := os.LookupEnv(chipEnv)
	if !chosen {
		cardtest.NeedPCSCD(t)
	}
	var running sync.WaitGroup
	for _, s := range cardtest.Subjects() {
		switch {
		case !chosen:
			running.Go(func() { t.Run(s.Name, func(t *testing.T) { inProcess(t, s.Name) }) })
		case only == s.Name:
			cardtest.RunWith(t, s, func(t *testing.T) cardtest.Bench {
				return newBench(t, cardtest.StartPCSCD(t), pcsc.Options{Retry: 20 * time.Millisecond})
			})
			t.Run("an answer that comes late is nobody's", func(t *testing.T) { lateAnswer(t, s) })
		}
	}
	running.Wait()
}

// inProcess runs the suite for one kind of card and passes on what it says.
func inProcess(t *testing.T, chip string) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestConformance$", "-test.v", "-test.timeout=15m")
	cmd.Env = append(os.Environ(), chipEnv+"="+chip)
	out, err := cmd.CombinedOutput()
	passed := bytes.Count(out, []byte("    --- PASS: "))
	if err != nil || bytes.Contains(out, []byte("--- SKIP")) || passed < 15 {
		t.Errorf("%d parts passed: %v\n%s", passed, err, out)
	}
}

// slow answers one command only when it is let go, and tells when it has heard it.
type slow struct {
	cardsim.Device
	at, count int
	heard     func()
	letGo     chan struct{}
}

func (d *slow) Exchange(c []byte) ([]byte, error) {
	answer, err := d.Device.Exchange(c)
	if d.count++; d.count == d.at {
		d.heard()
		<-d.letGo
	}
	return answer, err
}

// lateAnswer: the answer arrives after the caller has given up, with the card still in the reader. It is not taken for the
// answer to the next command, and the reader is good again.
func lateAnswer(t *testing.T, s cardtest.Subject) {
	b := newBench(t, cardtest.StartPCSCD(t), pcsc.Options{})
	w := cardtest.Watch(t, b.src)
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	dev := &slow{Device: s.New(), at: 2, heard: giveUp, letGo: make(chan struct{})}
	insert(t, b, dev)
	e := w.Await(cardreader.CardInserted, b.name)
	c := mustOpen(t, b, e.Insertion)
	if _, err := c.Transmit(t.Context(), s.Choose); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Transmit(ctx, s.Choose); !errors.Is(err, cardreader.ErrOutcomeUnknown) {
		t.Errorf("no answer yet: %v", err)
	}
	close(dev.letGo)
	c.Close()
	again := openPatiently(t, b, e.Insertion)
	for _, x := range []struct{ cmd, want []byte }{{s.Choose, s.Chosen}, {s.Read, s.Holds}} {
		if got, err := again.Transmit(t.Context(), x.cmd); err != nil || !bytes.Equal(got, x.want) {
			t.Errorf("% X answered % X, %v; want % X", x.cmd, got, err, x.want)
		}
	}
}
