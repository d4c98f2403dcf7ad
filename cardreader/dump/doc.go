// Package dump keeps what was read from a card as a file, explains its bytes by a profile, and says what differs
// between two images of a card.
//
// A dump is for the desk of an engineer: what a customer complains about, what a maker's meter left behind. It holds
// every user byte and no secret; a memory chip's code lies in its security memory, which is never part of an image.
package dump
