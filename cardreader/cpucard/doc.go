// Package cpucard drives prepaid CPU cards of the PBOC / CJ/T 166 family: files read freely and written under an external
// authentication and line protection ([Chip]), and the cryptography of that, of the load transaction and of key
// diversification as pure functions.
//
// A driver never holds a key; what needs one is done by [Keys]. The family's algorithm is DES: CBC-MAC with a 16-byte
// key as ISO/IEC 9797-1 algorithm 3 (the "retail MAC") for commands, single-DES CBC-MAC with a session key for the load,
// both with padding method 2 (80 00 …) and cut to the four leftmost bytes. DES is what the cards have; nothing else here
// should use it.
package cpucard
