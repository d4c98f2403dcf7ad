// Package sniff makes sense of bytes that are overheard on a line: where a frame begins and ends, how long the silence
// before it was, whose language it is, and a capture file that other tools read.
//
// Time alone does not separate frames: a USB adapter hands over what it has every 16 ms, and a quick meter answers
// sooner than that. So a burst ends where the line was silent for a while, and within a burst frames are found by their
// form and checksum.
package sniff
