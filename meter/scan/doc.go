// Package scan finds out what is on an unknown line: it listens first, then asks by speed, parity, protocol and address
// in the order of likelihood.
//
// It never writes anything to a meter: its questions are reads and link resets, and questions that everybody answers
// are only used to find who is alone. Whatever comes back counts: a whole answer names a meter, a refusal too, and
// bytes with a wrong checksum say that something is here, at nearly this setting or with two answering at once.
//
// A scan can be stopped at any time; its [State] is what is left to do and what was found, and goes on from there.
package scan
