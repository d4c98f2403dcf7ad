// Package countertest is a counter without disk and without cards: a [Store] in memory with the semantics of
// counter.Store, memory [Card]s with two order slots that a torn write leaves as a real card would, and [Readers] that
// they are inserted into. Everything that changes the world runs over one [Power], which can be cut before or after
// any step; what a dead process still tries has no effect.
package countertest
