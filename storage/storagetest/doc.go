// Package storagetest is for tests that stand on package storage: a store that is checked when the test ends, faults at
// chosen writes and syncs, and processes that are killed at a chosen step.
package storagetest
