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

func TestMissesOfACard(t *testing.T) {
	var gs Guards
	g := gs.For("A", 1)
	g.Miss("1", false)
	g.Miss("1", true)
	if gs.For("B", 2).Misses("1") != 2 || g.Misses("2") != 0 {
		t.Error("what one reader did to a card is not known at the other")
	}
	g.Hit("1")
	if g.Misses("1") != 0 {
		t.Error("a right presentation gives all tries back")
	}
}

// One stranger's card must not stop a service hall; a wrong key must not cost every card a try.
func TestRefusalsInARow(t *testing.T) {
	var gs Guards
	g := gs.For("A", 1)
	for range 5 {
		g.Miss("stranger", true)
		g.Miss("pulled", false)
	}
	g.Miss("another", true)
	if g.Distrusted() {
		t.Fatal("two cards, whatever they said, are no proof against the key")
	}
	g.Hit("ours")
	g.Miss("3", true)
	g.Miss("4", true)
	if g.Distrusted() {
		t.Fatal("a card that said yes in between does not count")
	}
	g.Miss("5", true)
	if !gs.For("B", 9).Distrusted() {
		t.Error("three cards in a row said no, and the key is still presented")
	}
}
