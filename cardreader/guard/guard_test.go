package guard

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestOneClaim(t *testing.T) {
	var g Guard
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if g.Claim() {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || !g.Spent() {
		t.Errorf("%d claims succeeded", won.Load())
	}
	g.GiveBack()
	if g.Spent() || !g.Claim() {
		t.Error("what was given back cannot be claimed")
	}
}

func TestGuardBelongsToOneInsertion(t *testing.T) {
	var gs Guards
	g := gs.For("A", 5)
	if gs.For("A", 5) != g || gs.For("B", 5) == g {
		t.Error("a guard belongs to one reader and insertion")
	}
	if gs.For("A", 6).Spent() || !gs.For("A", 5).Spent() {
		t.Error("an insertion that is over may present again")
	}
}

func TestDistrustIsShared(t *testing.T) {
	var gs Guards
	gs.For("A", 1).Distrust()
	if !gs.For("B", 2).Distrusted() || !gs.For("A", 3).Distrusted() {
		t.Error("another reader still presents blindly")
	}
	var alone Guard
	if alone.Distrusted() {
		t.Error("a guard of one's own knows of the others")
	}
	if alone.Distrust(); !alone.Distrusted() {
		t.Error("and not of itself")
	}
}
