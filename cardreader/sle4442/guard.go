package sle4442

import "tally/cardreader/guard"

// Guard is the insertion's single presentation; see package guard.
type Guard = guard.Guard

// Guards hands out the Guard of each insertion; see package guard.
type Guards = guard.Guards
