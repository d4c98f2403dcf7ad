// Package demo is the whole house in one process: a node wired as a real one is, with a simulated reader, cards, IC-card
// meter and meter line under it, and an embedded broker and the reference centre beside it. Nothing in it listens
// beyond this machine.
package demo
