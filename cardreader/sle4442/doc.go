// Package sle4442 drives the memory chip SLE 4442 (and its successor SLE 5542) behind a PC/SC reader.
//
// The chip (data sheet SLE 4432/SLE 4442, Intelligent 256-Byte EEPROM) is read freely and written after its three-byte
// secret code (PSC) was presented since power-up. Every presentation costs one of three tries, which the chip gives back
// when the code was right; with no try left it is read-only for ever. Synchronous chips do not speak APDUs, so each
// brand of reader invents its own: the [Dialect].
//
// Three rules keep cards alive, and are kept here rather than by callers: a PSC is presented at most once an insertion
// ([Guard]), never when one try or less is left, and never the factory's code on an issued card. That it was right is
// concluded from the error counter that the chip returns, not from a status word, which means success on one brand and
// a dead card on another. Nothing is ever retried.
package sle4442
