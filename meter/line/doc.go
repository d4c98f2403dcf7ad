// Package line owns serial lines and TCP connections to meters. It is the only package that imports
// go.bug.st/serial.
//
// A [Line] has one holder at a time. Whoever wants to talk takes a [Lease] (interactive before command before scheduled
// before backfill, nobody starves), exchanges frames and gives it back. An exchange keeps the silence that the protocol
// wants before a request, throws away bytes that nobody asked for, writes, strips an adapter's local echo and ends at
// the byte where the protocol says that the answer is complete; nobody waits for a timeout that is not needed.
//
// A late byte never becomes another value: after anything but a well-formed answer the line is in quarantine, and no
// request goes out before the line has been silent. Silence alone cannot prove that a slow meter will not answer an
// old question later; for protocols without transaction numbers the line therefore remembers who still owes an answer
// ([Lease.Owes]), and the driver settles that before it trusts the meter again.
//
// Behaviour of go.bug.st/serial v1.8.0 that this package hides: a read timeout is (0, nil); opening does not flush;
// TIOCEXCL does not stop root; a descriptor of 1024 or more panics; an unplugged adapter reads as "port closed";
// a signal ends Write and Drain early.
package line
