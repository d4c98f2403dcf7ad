// Package cardsim simulates chips, readers and the hands that push cards in and pull them out.
//
// A chip ([SLE4442]) behaves as its data sheet says and is written from that, not from the driver in tally. A reader's
// firmware ([ACS]) turns the APDUs of a brand into the chip's own commands; chip and firmware together are a [Device].
// [Script] puts faults between reader and host: at APDU number n, do fault F. A Device lies in a slot of an in-process
// [Source] or, with [PlugVPCD], in the virtual reader of a real PC/SC service.
//
// Nothing here is a mock: a write without the secret code has no effect, a third wrong code locks the chip for ever,
// and a chip opened with [OpenFile] keeps its bytes when the process is killed.
package cardsim
