package counter_test

import (
	"testing"

	"pgregory.net/rapid"

	"tally/cardreader/purse"
)

// TestLawOnEveryChip is the law of two counters and a centre on cards of zones, files and purses, made from blank ones.
func TestLawOnEveryChip(t *testing.T) {
	for _, p := range []layout{
		{"GEN102 v1", purse.UnitCentiM3}, {"GENCPU v1", purse.UnitCentiM3}, {"GENCPU v1 sm4", purse.UnitCentiM3}, {"LOADCPU v1", purse.UnitFen},
	} {
		t.Run(p.name, func(t *testing.T) {
			fewer(t, 4)
			acts, ends := 0, map[string]int{}
			rapid.Check(t, func(rt *rapid.T) {
				s := &season{hall: newHall(rt, p.name, p.unit, 2), rt: rt, ends: ends}
				s.client(0)
				s.client(1)
				rt.Repeat(map[string]func(*rapid.T){
					"visit": s.on(s.visit), "visit again": s.on(s.visit), "home": s.on(s.home), "post": s.on(s.post), "accident": s.on(s.accident),
					"disk": s.on(s.disk), "killed": s.on(s.killed), "old card": s.on(s.old),
					"": s.after(&acts),
				})
				s.atLast()
			})
			t.Logf("%d operations", acts)
			for _, what := range sortedKeys(ends) {
				t.Logf("%7d %s", ends[what], what)
			}
		})
	}
}
