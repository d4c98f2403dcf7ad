package metersim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPopulationOfEveryProtocol(t *testing.T) {
	for _, protocol := range Protocols() {
		t.Run(protocol, func(t *testing.T) {
			p, err := Populate(Recipe{Protocol: protocol, Count: 20, Dead: 10})
			if err != nil {
				t.Fatal(err)
			}
			dead := 0
			seen := map[string]bool{}
			for _, r := range p.Residents {
				if r.Dead {
					dead++
				}
				if seen[r.Address] || r.Model == "" {
					t.Errorf("resident %+v", r)
				}
				seen[r.Address] = true
			}
			if len(p.Residents) != 20 || dead != 2 {
				t.Errorf("%d meters, %d dead", len(p.Residents), dead)
			}
			before := slices.Clone(p.counts)
			for range 20 {
				p.tick()
			}
			if slices.Compare(before, p.counts) >= 0 {
				t.Error("the counters stand")
			}
		})
	}
	for _, bad := range []Recipe{{Protocol: "zigbee", Count: 1}, {Protocol: ProtocolMBus}, {Protocol: ProtocolRTU, Count: 248}} {
		if _, err := Populate(bad); err == nil {
			t.Errorf("%+v was populated", bad)
		}
	}
}

func TestCountersRollOverAndMetersAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := Populate(Recipe{Protocol: ProtocolMBus, Count: 2, Rollover: true, Replaced: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- p.Serve(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				return nil
			})
		}()
		time.Sleep(50 * time.Second) // the bubble's clock
		synctest.Wait()
		if counts := p.standing(); counts[1] > 1000 {
			t.Errorf("counter stands at %d, it should have rolled over", counts[1])
		}
		time.Sleep(11 * time.Second) // the bubble's clock
		synctest.Wait()
		if counts := p.standing(); counts[0] > 10 || counts[1] < 20 {
			t.Errorf("counters stand at %d, the first should have begun again", counts)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFaultsByName(t *testing.T) {
	var r Recipe
	for _, s := range []string{"late", "checksum=5", "dead", "echo", "rollover", "replaced"} {
		if err := r.ParseFault(s); err != nil {
			t.Error(err)
		}
	}
	if len(r.Ills) != 2 || r.Ills[0].Share != 20 || r.Ills[1].Share != 5 || r.Dead != 10 || !r.Echo || !r.Rollover || r.Replaced == 0 {
		t.Errorf("recipe %+v", r)
	}
	for _, bad := range []string{"", "gremlins", "late=0", "late=101", "late=x", "echo=5"} {
		if err := r.ParseFault(bad); err == nil {
			t.Errorf("fault %q was taken", bad)
		}
	}
	if all := strings.Join(Ills(), " "); !strings.Contains(all, "silence") || !strings.Contains(all, "dead") {
		t.Errorf("ills: %s", all)
	}
}

// TestShareOfIllAnswers: about as many as asked, and the same ones with the same seed.
func TestShareOfIllAnswers(t *testing.T) {
	draw := func(seed uint64) (late, cut int) {
		var s Script
		s.Fall(seed, Ill{Fault{Late: time.Second}, 10}, Ill{Fault{Truncate: 6}, 30})
		for range 10_000 {
			switch f := s.fault(); {
			case f.Late > 0:
				late++
			case f.Truncate > 0:
				cut++
			}
		}
		return late, cut
	}
	late, cut := draw(1)
	again, _ := draw(1)
	if late < 850 || late > 1150 || cut < 2800 || cut > 3200 || again != late {
		t.Errorf("%d late, %d cut of 10 000; again %d", late, cut, again)
	}
}

// standing is a copy of the counters as they stand.
func (p *Population) standing() []uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.counts)
}
